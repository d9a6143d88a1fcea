"""Whether both sides answer alike: who refuses everything is fast, and without errors."""

from __future__ import annotations

import msgspec

from subscribers.insight.parity_traffic import Served
from subscribers.insight.parity_verdict import ERROR_MARGIN, FALSE_VERDICTS
from subscribers.insight.sketch import Sketch
from subscribers.insight.statistics import difference, rate

#: Classes of answers that are no errors; failures are judged by themselves.
_CLASSES = ("1xx", "2xx", "3xx", "4xx")
_SUCCESSFUL = ("2xx", "3xx", "1xx")


class Shift(msgspec.Struct, frozen=True):
    """A class of answers that is more or less frequent by more than the margin. Shares: 0 to 1."""

    status: str
    old: float
    new: float


def shifts(old: Served, new: Served) -> tuple[Shift, ...]:
    """Return what changed in the status mix for sure (99%); of answers that are no errors."""
    before, after = _known(old), _known(new)
    if not (before and after):
        return ()
    found = []
    for status in _CLASSES:
        rates = [
            rate(side.statuses.get(status, 0), n, FALSE_VERDICTS / 2)
            for side, n in ((old, before), (new, after))
        ]
        _, low, high = difference(*rates)
        if low > ERROR_MARGIN or high < -ERROR_MARGIN:
            found.append(Shift(status, rates[0].estimate, rates[1].estimate))
    return tuple(found)


def same_class(old: Served, new: Served) -> str:
    """Return the class of successful answers that latencies can be compared in; "" where there is none."""
    shared = [status for status in _SUCCESSFUL if old.statuses.get(status) and new.statuses.get(status)]
    return max(shared, key=lambda status: old.statuses[status], default="")


def latencies(served: Served, status: str) -> tuple[Sketch, Sketch]:
    """Return the latencies of a class of answers: of all, and of those without a cold start."""
    return served.answered.get(status, Sketch()), served.answered_warm.get(status, Sketch())


def _known(served: Served) -> int:
    return sum(n for status, n in served.statuses.items() if status in _CLASSES)
