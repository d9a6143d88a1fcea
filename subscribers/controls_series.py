"""How many series a metric may have in this process: beyond it the tag with the most values is `other`.

The same guard as the layer's (observe.series), for what many functions send together: a series is one metric
of one service with one set of tags.
"""

from __future__ import annotations

from observe.series import OTHER

#: Series of one metric where the configuration says nothing: as in the layer.
SERIES_MAX = 1000
#: Series that are remembered in a process, and those of one metric that may have replaced tags, a tag.
_TRACKED_MAX, _REPLACED_MAX = 100_000, 100

Tags = dict[str, str]


class _Spread:
    """The series of one metric as hashes: its sets of tags, those with replaced ones, the values by tag."""

    __slots__ = ("marks", "replaced", "values")

    def __init__(self) -> None:
        self.marks: set[int] = set()
        self.replaced: set[int] = set()
        self.values: dict[str, set[int]] = {}


class SeriesGuard:
    """What a process has seen of each metric."""

    def __init__(self) -> None:
        self._spreads: dict[tuple[str, str], _Spread] = {}
        self._tracked = 0

    def bounded(self, service: str, name: str, tags: Tags, most: int) -> Tags:
        """Return the tags themselves, or with `other` where the metric has too many series.

        most: series of a metric; 0 for any number.
        """
        if not most or not tags:
            return tags
        spread, mark = self._spreads.get((service, name)), hash(frozenset(tags.items()))
        if spread is not None and mark in spread.marks:
            return tags
        if self._tracked >= _TRACKED_MAX or (spread is not None and len(spread.marks) >= most):
            return _replaced(tags, spread or _Spread())
        if spread is None:
            spread = self._spreads.setdefault((service, name), _Spread())
        spread.marks.add(mark)
        self._tracked += 1
        for key, value in tags.items():
            spread.values.setdefault(key, set()).add(hash(value))
        return tags


def _replaced(tags: Tags, spread: _Spread) -> Tags:
    """The tags with as few values replaced as it takes: first of the key that has the most."""
    keys = sorted(tags, key=lambda key: -len(spread.values.get(key, ())))
    for count in range(1, len(keys) + 1):
        worst = frozenset(keys[:count])
        kept = {key: OTHER if key in worst else value for key, value in tags.items()}
        mark = hash(frozenset(kept.items()))
        if mark in spread.marks or mark in spread.replaced:
            return kept
        if len(spread.replaced) < _REPLACED_MAX * count:
            spread.replaced.add(mark)
            return kept
    return {OTHER: OTHER}  # it is the keys that are too many
