"""Floor 3.

What tests of filmgate, and of engines made for it, are built with. Fakes are named fakes.
"""
