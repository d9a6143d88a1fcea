"""One look at many lines for what may be a secret: a single pass of RE2 over all of them.

What `Redactor.suspects` says of a line costs some microseconds; here only those are asked that have in them
what one of its looks begins with. A page without such a thing costs a nanosecond a byte.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate

import re2

from observe.secret_names import WORDS
from subscribers.controls_redaction import Redactor
from subscribers.patterns import Pattern

#: What observe.secret_signs and `suspects` look for; rather more than that.
_SIGNS = (
    *("earer ", "asic ", "EARER ", "ASIC ", "live_", "test_", "npm_", "whsec_", "github_pat_", "glpat-"),
    *(
        "sk-",
        "-----BEGIN",
        "eyJ",
        "AKIA",
        "ASIA",
        "AIza",
        "SG.",
        "AAAAKgAAAA",
        "ya29.",
        "hvs.",
        "hooks.slack",
    ),
    *("@", "%40", r"\u", r"\/"),
)
#: Between groups of a card's digits.
_GROUP = "(?: {1,2}|-)"
#: What begins with a sign, and observe.secret_numbers' cards and accounts, but for what is around them.
_SHAPES = (
    *("gh[opsur]_", "xox[abeprs]-", r"[0-9]\.[0-9]{2,}[eE]"),
    *(
        "[2-6][0-9]{12}",
        f"[2-6][0-9]{{3}}(?:{_GROUP}[0-9]{{4}}){{3}}",
        f"3[0-9]{{3}}{_GROUP}[0-9]{{6}}{_GROUP}[0-9]{{4}}",
    ),
    r"(?:\A|[^0-9A-Za-z]|\\[a-z])(?:[A-Z]{2}[0-9]{2}(?:(?: ?[0-9A-Z]){11}|(?:-[0-9A-Z]{4}){2})"
    r"|[a-z]{2}[0-9]{2}[0-9a-z]{11})",
    r'"(?:body|data|value|key)"\s*:\s*"[A-Za-z0-9+/]{16}',
)
#: What may stand between the letters of a name: secret_names.SEPARATORS.
_BETWEEN = r"[-_. \t$]*"
_OPTIONS = re2.Options()
_OPTIONS.never_capture = True
_OPTIONS.max_mem = 32 << 20


class Screen:
    """A redaction's looks as one expression. Raises PatternError."""

    def __init__(self, redactor: Redactor) -> None:
        self._suspects = redactor.suspects
        self._is_anchored = redactor.is_anchored
        names = (_BETWEEN.join(map(re.escape, name)) for name in redactor.names if name.isascii())
        words = "|".join((*WORDS, *names))
        shapes = "|".join((*map(re.escape, _SIGNS), *_SHAPES))
        self._found = re2.compile(f"(?i:{words})|{shapes}", _OPTIONS).search
        self._patterns = [Pattern(expression) for expression in redactor.patterns]

    def suspected(self, lines: Sequence[str]) -> list[int]:
        """Return where the lines are that `suspects` is True of, in order."""
        if self._is_anchored or not lines:
            return list(range(len(lines)))
        joined = "\n".join(lines)
        if not joined.isascii():  # what is one letter without case is Unicode's matter, not the engine's
            suspects = self._suspects
            asked = (at for at, line in enumerate(lines) if not line.isascii() and suspects(line))
            ascii_ones = [line if line.isascii() else "" for line in lines]
            return sorted((*asked, *self.suspected(ascii_ones)))
        if any(pattern.found(joined) for pattern in self._patterns):
            return [at for at, line in enumerate(lines) if self._suspects(line)]
        return self._screened(joined, lines)

    def _screened(self, joined: str, lines: Sequence[str]) -> list[int]:
        raw = joined.encode()
        found: list[int] = []
        match = self._found(raw)
        if match is None:
            return found
        #: Where each line begins, and the one behind the last.
        begins = [0, *accumulate(len(line) + 1 for line in lines)]
        while match is not None:
            at = bisect_right(begins, match.end() - 1) - 1
            if self._suspects(lines[at]):
                found.append(at)
            match = self._found(raw, begins[at + 1]) if at + 1 < len(lines) else None
        return found
