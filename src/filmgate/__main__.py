"""Lets `python -m filmgate` be the filmgate command; nothing else stands here."""

from filmgate.cli import main

if __name__ == "__main__":
    main()
