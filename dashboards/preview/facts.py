"""Facts of the store by measure, subject and piece of time: what expressions are evaluated over."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

#: Piece of time (its number from the epoch) -> values: of a count its sums, else every single value.
Values = dict[int, list[float]]


class Fact(NamedTuple):
    """Values of one measure of one subject in one piece of time."""

    measure: str
    subject: str
    piece: int
    values: Sequence[float]


class Facts:
    """All facts, in pieces of base_s seconds, and the same in longer pieces."""

    def __init__(self, facts: Iterable[Fact], base_s: int) -> None:
        self.base_s = base_s
        self._values: dict[tuple[str, str], Values] = defaultdict(dict)
        self._grouped: dict[tuple[str, str, int], Values] = {}
        for fact in facts:
            self._values[fact.measure, fact.subject].setdefault(fact.piece, []).extend(fact.values)

    def of(self, measure: str, subject: str, length_s: int) -> Mapping[int, Sequence[float]]:
        """Return the values by pieces of some length, a multiple of base_s; {} where nothing is known."""
        values = self._values.get((measure, subject), {})
        if length_s == self.base_s:
            return values
        key = (measure, subject, length_s)
        if key not in self._grouped:
            self._grouped[key] = _grouped(values, self.base_s, length_s)
        return self._grouped[key]

    def whole(self, measure: str, subject: str) -> Sequence[float]:
        """Return all values of the window."""
        return [value for values in self._values.get((measure, subject), {}).values() for value in values]

    def subjects(self, measure: str) -> list[str]:
        """Return the subjects that a measure has values of."""
        return sorted(subject for name, subject in self._values if name == measure)


def _grouped(values: Values, base_s: int, length_s: int) -> Values:
    out: Values = {}
    for piece, here in values.items():
        out.setdefault(piece * base_s // length_s, []).extend(here)
    return out
