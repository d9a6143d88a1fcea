"""Regular expressions that a team writes: RE2's, whose time is linear in the text, whatever the expression.

    PatternError    an expression that RE2 does not take; the text says why

Python's own engine can be kept busy for hours by one line, and a subscriber with it.
https://github.com/google/re2/wiki/Syntax
"""

from __future__ import annotations

from collections.abc import Iterator

import re2

#: RE2's own default is 8 MiB; an expression that needs more is refused.
_MEMORY_MAX = 8 << 20
_OPTIONS = re2.Options()
_OPTIONS.log_errors = False
_OPTIONS.max_mem = _MEMORY_MAX


class PatternError(ValueError):
    """An expression that cannot be used."""


class Pattern:
    """A compiled expression. groups: how many groups it has. Raises PatternError."""

    def __init__(self, expression: str) -> None:
        try:
            self._compiled = re2.compile(expression, _OPTIONS)
        except re2.error as error:
            said = error.args[0] if error.args else error
            text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
            raise PatternError(text) from None
        self.groups: int = self._compiled.groups

    def values(self, text: str) -> Iterator[str]:
        """Yield what each match means: its group where there is one, else the whole of it."""
        for match in self._compiled.finditer(text):
            yield match[1 if self.groups else 0] or ""

    def found(self, text: str) -> bool:
        """Whether it matches anywhere in a text."""
        return self._compiled.search(text) is not None

    def replaced(self, text: str, mark: str) -> str:
        """Return a text with `mark` in the place of each match, groups or not."""
        return str(self._compiled.sub(lambda _: mark, text))

    def matches_nothing(self) -> bool:
        """Whether the empty text matches."""
        return self._compiled.fullmatch("") is not None
