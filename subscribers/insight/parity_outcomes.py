"""Error rates where not every outcome is known: the verdict is one only if what is unknown cannot change it.

Two things are not known. Of an invocation that only the platform told (a layer that samples) nobody saw the
answer, unless it was killed. And a failure that names no route may be any endpoint's of its service.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import product

import msgspec

from subscribers.insight.parity_traffic import Served
from subscribers.insight.parity_verdict import Errors, Judged, judge_errors, verdict_on_errors


class Outcome(msgspec.Struct, frozen=True):
    """The judged error rates, and why there is no verdict on them although there is traffic.

    unknown: what nobody told the outcome of could change it; routeless: failures without a route could.
    """

    judged: Judged
    unknown: bool = False
    routeless: bool = False


def judge_outcomes(
    old: Served, new: Served, lost: tuple[int, int] = (0, 0), *, share: float | None = None, old_grows: bool
) -> Outcome:
    """Compare error rates of known outcomes, and hold the verdict against the other readings.

    lost: failures without a route of the old and the new side's service. share: the old side's error rate,
    where no more is known than that.
    """
    before, after = readings(old), readings(new)
    if share is not None:
        before = (Errors(share=share),)
    judged = judge_errors(before[0], after[0], old_grows=old_grows)
    if math.isnan(judged.change):
        return Outcome(judged)

    def differs(olds: tuple[Errors, ...], news: tuple[Errors, ...]) -> bool:
        return any(verdict_on_errors(*pair) != judged.verdict for pair in product(olds, news))

    unknown = differs(before, after)
    routeless = differs((before[0], *_with(before[0], lost[0])), (after[0], *_with(after[0], lost[1])))
    if not (unknown or routeless):
        return Outcome(judged)
    open_ = msgspec.structs.replace(judged, verdict="inconclusive", factor=math.inf, then="inconclusive")
    return Outcome(open_, unknown, routeless)


def readings(served: Served) -> tuple[Errors, ...]:
    """Return how a side's failures may be read: by known outcomes first; a second where some are unknown.

    The platform tells of every failure that it saw, the layer of a sample: so of the former as large a part
    counts as the layer's is of the rest. The second reading takes what is unknown for good; where all is
    unknown, the first does, and the second takes it for failed.
    """
    whole = Errors(served.failed, served.count)
    if not served.unknown:
        return (whole,)
    told = served.count - served.unknown - served.killed
    if not told:
        return (whole, Errors(served.failed + served.unknown, served.count))
    killed = round(served.killed * told / (told + served.unknown))
    return (Errors(served.failed - served.killed + killed, told + killed), whole)


def _with(errors: Errors, lost: int) -> Iterator[Errors]:
    if lost and errors.share is None:
        yield Errors(errors.failed + lost, errors.count + lost)
