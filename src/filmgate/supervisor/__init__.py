"""Floor 4.

The process that owns a data folder: starts the others, restarts what dies, ends them in order.
"""
