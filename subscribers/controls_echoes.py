"""What attributes have lost, in the texts beside them: a message that is the whole line says it, too.

A text of four characters or more goes wherever it is, one of three as a word, a shorter one only where it is
a cell of a line of columns: else every 1 of a line would go with a PIN of 1. Numbers go in whatever way they
are written, texts with the escapes of servers and formats, too. Linear in the length of the text; one in
which too much would have to be looked for goes as a whole.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import re2

from observe.redaction import MARK
from subscribers.controls_removed import NAMES
from subscribers.patterns import Pattern
from subscribers.signals import Log, Span

#: What is looked for in a signal's texts for what its attributes lose, in characters; beyond that a text
#: goes as a whole.
_SOUGHT_MAX = 8 << 20
#: What the search for other ways to write a text costs beside that.
_SPELLING_COST = 1 << 16
#: So many characters of a text are one expression.
_SPELT_MAX = 512
_WORD_LENGTH, _FREE_LENGTH = 3, 4
#: What is beside a cell of a line of columns.
_CELL = frozenset(",;|\t\"'\n")
#: Signs of the ways in which servers and formats write other characters.
_SIGN = re.compile(r"[%\\#+&]|\"\"|''")
_RUN = re.compile(r"[A-Za-z0-9]{2,}")
#: What is before a number in JSON, which a text takes the place of.
_MEMBER = re.compile(r'": {0,2}\Z')
#: A number as programs write it, COBOL's zoned ones with the sign in the last letter, too.
_NUMBER = re.compile(r"([0-9]++(?:\.[0-9]++)?+)([{}A-Rp-y]?)")
#: One with more digits than a double has, which is a text.
_EXACT = re.compile(r"-?[0-9]{1,38}\.[0-9]{1,18}")
_ZONED = str.maketrans("{ABCDEFGHI}JKLMNOPQRpqrstuvwxy", "0123456789" * 3)

#: (rule, field, what would be gone)
Tell = Callable[[str, str, str], None]
#: What attributes have lost -> the rule.
Lost = dict[str | int | float, str]


class _Number(NamedTuple):
    """A number that is gone. digits: without the zeros before them; is_decimal: nor those behind them."""

    digits: str
    is_decimal: bool
    rule: str


def leaves(value: Any) -> Iterator[str | int | float]:
    """Yield the texts and the numbers of a value, however deep they are."""
    found = [value]
    while found:
        one = found.pop()
        if isinstance(one, str | int | float):
            if not isinstance(one, bool):
                yield one
        elif isinstance(one, dict):
            found += one.values()
        elif isinstance(one, list | tuple):
            found += one


def without(signal: Log | Span, fields: Iterable[tuple[str, str]], lost: Lost, tell: Tell) -> dict[str, str]:
    """Return those texts of a signal that hold what its attributes have lost, by their names, without it.

    fields: (name of a text, what `tell` calls it)
    """
    numbers = [number for one, rule in lost.items() if (number := _number(one, rule)) is not None]
    texts = {text: rule for one, rule in lost.items() for text in _texts(one) if text not in MARK}
    secrets = sorted(texts.items(), key=lambda item: len(item[0]), reverse=True)
    made: dict[str, str] = {}
    for name, field in fields:
        before: str = getattr(signal, name)
        if before and before != MARK:
            sought = _Sought(before, field, tell)
            sought.take(secrets, numbers)
            if sought.text != before:
                made[name] = sought.text
    return made


class _Sought:
    """A text in which is looked for what others have lost."""

    def __init__(self, text: str, field: str, tell: Tell) -> None:
        self.text, self._field, self._tell = text, field, tell
        self._room = _SOUGHT_MAX

    def take(self, secrets: Sequence[tuple[str, str]], numbers: Sequence[_Number]) -> None:
        """Take all of it out. secrets: (text, rule), the longest first, as one may be a part of another."""
        self._room -= len(self.text) * (len(secrets) + len(numbers))
        if self._room >= 0:
            for secret, rule in secrets:
                self._take_text(secret, rule)
            if numbers:
                self._take_numbers(numbers)
        if self._room < 0:
            self._told(NAMES, self.text)
            self.text = MARK

    def _told(self, rule: str, text: str, count: int = 1) -> None:
        for _ in range(count):
            self._tell(rule, self._field, text)

    def _take_text(self, secret: str, rule: str) -> None:
        if len(secret) < _FREE_LENGTH:
            self._take_short(secret, rule)
            return
        if count := self.text.count(secret):
            self.text = self.text.replace(secret, MARK)
            self._told(rule, secret, count)
        if not (secret.isascii() and secret.isalnum()) and _SIGN.search(self.text):
            self._take_spelt(secret, rule)

    def _take_short(self, secret: str, rule: str) -> None:
        kept: list[str] = []
        begin, at = 0, self.text.find(secret)
        while at >= 0:
            end = at + len(secret)
            if self._is_apart(at, end, len(secret)):
                kept += (self.text[begin:at], MARK)
                begin = end
                self._told(rule, secret)
            at = self.text.find(secret, end)
        self.text = "".join((*kept, self.text[begin:]))

    def _is_apart(self, begin: int, end: int, length: int) -> bool:
        """Whether a part is a word, or a cell where it is shorter than words are taken."""
        beside = [one for one in (self.text[begin - 1 : begin], self.text[end : end + 1]) if one]
        if length >= _WORD_LENGTH:
            return not any(one.isalnum() or one == "_" for one in beside)
        return _CELL.issuperset(beside)

    def _take_spelt(self, secret: str, rule: str) -> None:
        """Take out what is written in another way: with escapes, doubled quotes, as part of an address."""
        for begin in range(0, len(secret), _SPELT_MAX):
            part = secret[begin : begin + _SPELT_MAX]
            run = max(_RUN.findall(part), key=len, default="")
            if len(part) < _FREE_LENGTH or run not in self.text:
                continue
            self._room -= _SPELLING_COST
            if self._room < 0:
                return
            expression = Pattern("".join(map(_spellings, part)))
            if not self.text.isascii():  # RE2 takes no half of a surrogate pair, and no sink does
                self.text = self.text.encode("utf-8", "replace").decode()
            count = sum(1 for _ in expression.values(self.text))
            self.text = expression.replaced(self.text, MARK)
            self._told(rule, part, count)

    def _take_numbers(self, numbers: Sequence[_Number]) -> None:
        def instead(match: re.Match[str]) -> str:
            plain = match[1].replace(".", "")
            said = [plain.lstrip("0")]
            if match[2]:  # it may be the sign, or begin what is behind the number
                said.append(f"{plain}{match[2]}".translate(_ZONED).lstrip("0"))
            for digits, is_decimal, rule in numbers:
                for one in said:
                    is_it = digits in one if len(digits) >= _FREE_LENGTH else digits == one
                    is_it = is_it or (is_decimal and digits == one.rstrip("0"))
                    if is_it and (len(match[0]) >= _WORD_LENGTH or self._is_apart(*match.span(), 0)):
                        self._told(rule, match[0])
                        is_member = _MEMBER.search(self.text, max(0, match.start() - 4), match.start())
                        return f'"{MARK}"' if is_member else MARK
            return match[0]

        self.text = _NUMBER.sub(instead, self.text)


def _number(value: str | float, rule: str) -> _Number | None:
    """A number by its digits; None of a text, of zero and of one with an exponent."""
    if isinstance(value, str) and not _EXACT.fullmatch(value):
        return None
    whole, point, fraction = str(value).lstrip("-").partition(".")
    digits = f"{whole}{fraction}".lstrip("0")
    digits = digits.rstrip("0") if point else digits
    return _Number(digits, bool(point), rule) if digits.isdecimal() else None


def _texts(value: str | float) -> tuple[str, ...]:
    """A text, or a number in the way that only a text has it."""
    if isinstance(value, str):
        return (value,)
    return (str(value).replace(".", ","),) if isinstance(value, float) else ()


@lru_cache(maxsize=1024)
def _spellings(character: str) -> str:
    """The expression of a character as servers and formats may write it."""
    if character.isascii() and character.isalnum():
        return character
    codes = [f"{byte:02x}" for byte in character.encode("utf-8", "replace")]
    plain = "." if "\ud800" <= character <= "\udfff" else re2.escape(character)
    ways = [plain, rf"\\+{plain}", f"{plain}{{2}}", rf"(?i:\\+u{ord(character):04x})"]
    ways += [f"(?i:{''.join(sign + code for code in codes)})" for sign in ("%", "#", r"\\+x")]
    return f"(?:{'|'.join((*ways, *_ALSO.get(character, ())))})"


_ALSO = {
    "\n": (r"\\+n",),
    "\r": (r"\\+r",),
    "\t": (r"\\+t",),
    " ": (r"\+",),
    "&": ("&amp;",),
    "<": ("&lt;",),
    ">": ("&gt;",),
    '"': ("&quot;", "&#34;"),
    "'": ("&apos;", "&#39;"),
}
