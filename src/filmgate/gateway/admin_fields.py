"""Reads a small body's fields: types only. What a value may be is the verbs' affair."""

from __future__ import annotations

from filmgate.domain.errors import BrokenRule, InvalidFields
from filmgate.domain.field_rule import shown


class Fields:
    """Fields that are read one by one; what is wrong or left over is told together, by `check`."""

    def __init__(self, body: dict[str, object]) -> None:
        self._left = dict(body)
        self._known: list[str] = []
        self._broken: list[BrokenRule] = []

    def text(self, name: str, *, is_required: bool = False) -> str | None:
        """A string."""
        value = self._take(name)
        if value is not None and not isinstance(value, str):
            return self._refuse(name, "a string", value)
        if value is None and is_required:
            self._broken.append(BrokenRule(name, f"{name} is required"))
        return value

    def switch(self, name: str) -> bool | None:
        """True or false."""
        value = self._take(name)
        if value is not None and not isinstance(value, bool):
            return self._refuse(name, "true or false", value)
        return value

    def number(self, name: str, default: int) -> int:
        """An integer."""
        value = self._take(name)
        if isinstance(value, bool) or not isinstance(value, int | None):
            self._refuse(name, "an integer", value)
            return default
        return default if value is None else value

    def amount(self, name: str) -> str:
        """US dollars, as a number or a string; their form is the verb's affair."""
        value = self._take(name)
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            self._refuse(name, "US dollars, as a number or a string", value)
            return ""
        return f"{value:.6f}" if isinstance(value, float) else str(value)

    def check(self) -> None:
        """Raise InvalidFields if anything is wrong or unknown."""
        for name in self._left:
            rule = f"{shown(name)} is not known; known are {', '.join(self._known)}"
            self._broken.append(BrokenRule(name, rule))
        if self._broken:
            raise InvalidFields(self._broken)

    def _take(self, name: str) -> object:
        self._known.append(name)
        return self._left.pop(name, None)

    def _refuse(self, name: str, rule: str, value: object) -> None:
        self._broken.append(BrokenRule(name, f"{name} must be {rule}, got {shown(value)}"))
