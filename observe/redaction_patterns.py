"""The team's own expressions of secrets: taken where they are provably cheap, refused where they may not be.

An expression runs on every text that is written, and a stranger writes some of these. So the ways in which
it can match from one place are counted before it is used: they are the product of its choices.

UnsafePatternError: why one is refused; it is said once and left out.
"""

from __future__ import annotations

import re

from observe import guard, settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

#: The longest match of an expression, in characters, and that times the ways to match from one place.
LENGTH_MAX = 1024
WORK_MAX = 16_384


class UnsafePatternError(ValueError):
    """An expression that may be slow on some text, or matches nothing at all."""


def compiled(expressions: Iterable[str]) -> list[re.Pattern[str]]:
    """Return those of the expressions that can be used; each other one is said once."""
    found, problems = [], []
    for text in expressions:
        try:
            found.append(judged(text))
        except (UnsafePatternError, re.error, OverflowError, RecursionError) as fault:
            problems.append(f"OBSERVE_REDACT_PATTERNS: {text!r} is left out: {fault}")
    if problems:
        guard.guarded(settings.say, problems)
    return found


def judged(text: str) -> re.Pattern[str]:
    """Compile an expression that is cheap on any text.

    Raises UnsafePatternError for one that is not, re.error for one that is none.
    """
    # Python's own parser, so that what is judged is what runs. It has no public name.
    tree = re._parser.parse(text)  # type: ignore[attr-defined]
    least, most = tree.getwidth()
    if least == 0:
        raise UnsafePatternError("it matches the empty text")
    if most * _ways(tree) > WORK_MAX:
        raise UnsafePatternError("it can match in too many ways from one place")
    return re.compile(text)


def _ways(sequence: Any) -> int:
    """In how many ways a sequence can match from one place, at most."""
    if sequence.getwidth()[1] > LENGTH_MAX:
        raise UnsafePatternError(
            f"a repeat in it has no bound, or it matches more than {LENGTH_MAX} characters"
        )
    ways = 1
    for operation, argument in sequence:
        ways *= _ways_of(str(operation), argument)
    return ways


def _ways_of(operation: str, argument: Any) -> int:
    if operation in ("LITERAL", "NOT_LITERAL", "ANY", "IN", "AT", "CATEGORY", "RANGE"):
        return 1
    if operation in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
        least, most, inside = argument
        return _repeated(int(least), int(most), _ways(inside))
    if operation == "BRANCH":
        return sum(_ways(one) for one in argument[1])
    if operation == "SUBPATTERN":
        return _ways(argument[3])
    if operation == "ATOMIC_GROUP":
        return _ways(argument)
    if operation in ("ASSERT", "ASSERT_NOT"):
        return _ways(argument[1])
    raise UnsafePatternError(f"{operation.lower()} is not allowed in it")


def _repeated(least: int, most: int, inside: int) -> int:
    if inside > 1 and most > 1:
        raise UnsafePatternError("a repeat or an alternative is repeated in it")
    return (most - least + 1) * inside
