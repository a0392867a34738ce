"""Benchmarks: `python -m bench.http`, `python -m bench.clip`.

Ratios of one run count, not absolute times.
"""
