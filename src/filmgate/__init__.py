"""filmgate: one gate for every video request, any engine behind it, no accepted task ever lost."""

__version__ = "0.1.0"
