"""What is a secret for the subscribers: the layer's redaction, and what observe.yaml adds to it.

`keys` may have a `*` at either end, `patterns` are RE2's, and e-mail addresses go, too. What a rule of the
configuration removes is marked so that one can tell which it was: `MARK_SIGN` and a character for the rule.
The sign is no character of any text: Unicode keeps it for programs.
https://www.unicode.org/faq/private_use.html#nonchar1
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, cast

from observe.redaction import Redaction
from observe.secret_names import ASKED, SEPARATORS, plain_name
from subscribers.patterns import Pattern

MARK_SIGN = "\ufdd0"
_FIRST = 0xE000
_BETWEEN = re.compile(r"[-. \t$]|(?<=[a-z0-9])(?=[A-Z])")
#: What no text may hold of ours.
_FOREIGN = "\ufffd"
#: As in query strings, too.
EMAIL = r"[\pL\pN._%+-]+(?:@|%40)[\pL\pN-]+(?:\.[\pL\pN-]+)*\.\pL{2,24}\b"
_ASSIGNS = ("=", ":", ">", "%3")
#: Names that are remembered, and what of a name is looked at.
_REMEMBERED, _NAME_END = 4096, 256


class Rule(Pattern):
    """An expression of the configuration, with the face that observe.redaction asks for."""

    def __init__(self, expression: str, number: int) -> None:
        super().__init__(expression)
        self._mark = MARK_SIGN + chr(_FIRST + number)

    def search(self, text: str) -> bool | None:
        """True where it matches, else None, as `re` has it."""
        return self.found(_valid(text)) or None

    def sub(self, _mark: str, text: str) -> str:
        """Return a text with the rule's own mark in the place of each match."""
        return self.replaced(_valid(text), self._mark)


class Rules(Redaction):
    """The layer's redaction with further names, expressions and e-mail addresses.

    keys: names, `*` at either end; exempt: names whose values are left alone; expressions: numbered from 0 by
    their marks; the number behind the last one is that of e-mail addresses. Raises PatternError.
    """

    __slots__ = ("_email", "_exempt", "_expressions", "_known", "_names", "_wild")

    def __init__(
        self, keys: Sequence[str], exempt: Sequence[str], expressions: Sequence[str], *, email: bool
    ) -> None:
        rules = [Rule(expression, number) for number, expression in enumerate(expressions)]
        exact = [key for key in keys if "*" not in key]
        super().__init__(exact, exempt, cast("list[re.Pattern[str]]", rules))
        self._exempt = frozenset(map(plain_name, exempt))
        wild = [(key.strip("*"), key) for key in keys if "*" in key]
        #: (what a name has, whether at its end only, whether at its beginning only, the same as plain_name)
        self._wild = [
            # `*Id` begins a word.
            (
                _words(f"a{stem}")[1:] if key[0] == "*" else _words(stem),
                key[-1] != "*",
                key[0] != "*",
                plain_name(stem),
            )
            for stem, key in wild
            if plain_name(stem)
        ]
        self._known: dict[str, bool] = {}
        #: Names of members that hold no secret themselves.
        self._names: set[str] = set()
        self._email = Rule(EMAIL, len(rules)) if email else None
        self._expressions = [*rules, self._email] if self._email else rules

    def kind(self, name: str) -> int:
        """Return what a name says of its value; see Redaction.kind."""
        return ASKED if self._wild and self._is_wild(name) else super().kind(name)

    def _is_wild(self, name: str) -> bool:
        known = self._known.get(name)
        if known is None:
            known = self._fits(name) or self._fits(name.rpartition(".")[2])
            if len(self._known) < _REMEMBERED and len(name) <= _NAME_END:
                self._known[name] = known
        return known

    def _fits(self, name: str) -> bool:
        if plain_name(name) in self._exempt:
            return False
        ends = name if len(name) <= 2 * _NAME_END else name[:_NAME_END] + name[-_NAME_END:]
        words = _words(ends)
        return any(
            (words.endswith(stem) or not at_end)
            and (words.startswith(stem) or not at_start)
            and stem in words
            for stem, at_end, at_start, _ in self._wild
        )

    def suspect(self, text: str) -> bool:
        """Whether a text may hold a secret; see Redaction.suspect."""
        if super().suspect(text):
            return True
        if self._wild and any(sign in text for sign in _ASSIGNS):
            joined = text.casefold().translate(SEPARATORS)
            if any(plain in joined for _, _, _, plain in self._wild):
                return True
        return MARK_SIGN in text or self._may_have_email(text)

    def text(self, value: str) -> str:
        """Return a text without secrets: the very same where there are none."""
        if value in self.clean:
            return value
        own = value.replace(MARK_SIGN, _FOREIGN) if MARK_SIGN in value else value
        cleaned = super().text(own)
        if self._email is not None and self._may_have_email(cleaned):
            return self._email.sub("", cleaned)
        return cleaned

    def tree(self, value: Any) -> Any:
        """Return a value without secrets; see Redaction.tree. Short names are looked at, too: expressions
        may be meant for them."""
        after = super().tree(value)
        return after if self._has_clean_names(after) else self._renamed(after)

    def _has_clean_names(self, value: Any) -> bool:
        if isinstance(value, dict):
            if not self._names.issuperset(value) and not all(map(self._is_clean_name, value)):
                return False
            value = value.values()
        elif not isinstance(value, list | tuple):
            return True
        return all(self._has_clean_names(held) for held in value if isinstance(held, dict | list | tuple))

    def _is_clean_name(self, name: object) -> bool:
        if not isinstance(name, str) or name in self._names:
            return True
        if self._new_name(name) != name:
            return False
        if len(self._names) >= _REMEMBERED:
            self._names.clear()
        if len(name) <= _NAME_END:
            self._names.add(name)
        return True

    def _renamed(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {self._new_name(name): self._renamed(held) for name, held in value.items()}
        return list(map(self._renamed, value)) if isinstance(value, list | tuple) else value

    def _new_name(self, name: Any) -> Any:
        if not isinstance(name, str):
            return name
        if MARK_SIGN not in name:
            return self.text(name)
        for rule in self._expressions:  # the sign is ours by now
            name = rule.sub("", name)
        return name

    def _may_have_email(self, text: str) -> bool:
        """The expression costs a microsecond, and is asked only where it may match."""
        if self._email is None or not ("@" in text or "%40" in text):
            return False
        return self._email.search(text) is not None


def number_of(mark: str) -> int:
    """Return the number of the rule that left a mark, -1 for the layer's own."""
    return ord(mark[1]) - _FIRST if mark.startswith(MARK_SIGN) else -1


def _words(name: str) -> str:
    """A name in small letters with `_` between its words: `accountId`, `account-id` and `ACCOUNT_ID` are one,
    and `*_id` is not `paid`."""
    return _BETWEEN.sub("_", name).casefold()


def _valid(text: str) -> str:
    """Text that RE2 takes: half surrogate pairs become `?`."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
