"""The windows a rule looks at: where they end, which are known, and what several of them say together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import msgspec

from subscribers.alerts.model import SLOT_S, Group, Measure, Sample, Statistic, Sum, Windows
from subscribers.alerts.saying import clock, duration

Verdict = Literal["breach", "ok", "unknown"]

_QUANTILES: dict[Statistic, float] = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """What one window of one group says. value: None where there is no number; said: without the place."""

    first_s: int
    verdict: Verdict
    said: str
    value: float | None = None
    limit: float | None = None
    samples: tuple[Sample, ...] = ()
    details: dict[str, float] = {}


class Together(msgspec.Struct, frozen=True):
    """What the last windows say. shown: the one whose numbers are told; since_s: 0 unless they breach."""

    verdict: Verdict
    shown: Look
    since_s: int
    said: str


def end_s(now_s: int, *measures: Measure) -> int:
    """Return the last whole minute of which all events of the measures can have come."""
    return (now_s - max(measure.late_s for measure in measures)) // SLOT_S * SLOT_S


def whole(seconds: int) -> int:
    """Return a length in whole slots, at least one: a window of 90 s is one of 2 min."""
    return max(-(-seconds // SLOT_S), 1) * SLOT_S


def last_windows(last_s: int, window_s: int, of: int) -> list[tuple[int, int]]:
    """Return the last windows as (first_s, last_s), the oldest first, one behind the other."""
    length = whole(window_s)
    return [(last_s - n * length, last_s - (n - 1) * length) for n in range(of, 0, -1)]


def is_known(windows: Windows, first_s: int, *measures: Measure) -> bool:
    """Whether the measures were counted when a window began."""
    return all(windows.began_s(measure) <= first_s for measure in measures)


def groups_of(measure: Measure, *sums: dict[Group, Sum]) -> list[Group]:
    """Return the groups that have data in any of these, in order; the only one where nothing splits it."""
    if not measure.by:
        return [()]
    return sorted(set().union(*sums))


def events_of(measure: Measure, found: Sum | None) -> float:
    """Return how many events were counted; see Sum for what a metric's count weighs."""
    if found is None:
        return 0
    return found.sketch.count if measure.is_valued else found.sketch.total


def value_of(statistic: Statistic, measure: Measure, found: Sum | None) -> float | None:
    """Return a statistic: 0 is the count and the sum of nothing, None what nothing has."""
    if statistic == "count":
        return events_of(measure, found)
    if statistic == "sum":
        return found.sketch.total if found else 0
    if found is None or not found.sketch.count or not measure.is_valued:
        return None
    sketch = found.sketch
    if statistic in _QUANTILES:
        return sketch.quantile(_QUANTILES[statistic])
    return {"avg": sketch.mean, "min": sketch.low, "max": sketch.high}[statistic]


def arrived_s(
    windows: Windows, measure: Measure, group: Group, first_s: int, last_s: int, nth: float = 1
) -> int | None:
    """Return when the nth event of a group in [first_s, last_s) came, None if so many did not.

    To the second where the samples are all there is, else the begin of its minute.
    """
    found = windows.over(measure, first_s, last_s).get(group)
    if found is None or events_of(measure, found) < nth:
        return None
    times = sorted(sample.time_unix_nano // 1_000_000_000 for sample in found.samples)
    if len(times) == found.sketch.count == events_of(measure, found):
        return times[math.ceil(nth) - 1]
    low, high = first_s // SLOT_S, last_s // SLOT_S
    while high - low > 1:
        middle = (low + high) // 2
        part = windows.over(measure, first_s, middle * SLOT_S).get(group)
        low, high = (low, middle) if events_of(measure, part) >= nth else (middle, high)
    return low * SLOT_S


def last_arrived_s(found: Sum | None) -> int | None:
    """Return when the last event came, as the samples tell it, in epoch seconds."""
    times = [sample.time_unix_nano // 1_000_000_000 for sample in found.samples] if found else []
    return max(times, default=None)


def together(looks: Sequence[Look], breaching: int) -> Together:
    """Return what windows say, the oldest first, of which `breaching` must breach.

    Unknown as long as those that are unknown could make it a breach.
    """
    broken = [n for n, look in enumerate(looks) if look.verdict == "breach"]
    unknown = sum(look.verdict == "unknown" for look in looks)
    if len(broken) >= breaching:
        shown = looks[broken[-1]]
        times = f", in {len(broken)} of the last {len(looks)} windows" if len(looks) > 1 else ""
        return Together("breach", shown, looks[_run(looks, broken[-1])].first_s, shown.said + times)
    if len(broken) + unknown >= breaching:
        shown = next(look for look in reversed(looks) if look.verdict == "unknown")
        return Together("unknown", shown, 0, shown.said)
    return Together("ok", looks[-1], 0, looks[-1].said)


def _run(looks: Sequence[Look], last: int) -> int:
    """Where the unbroken run of breaching windows begins that ends with the last of them."""
    while last and looks[last - 1].verdict == "breach":
        last -= 1
    return last


def period_said(first_s: int, last_s: int, judged_s: int) -> str:
    """Return a window as people read it: `5 min`, and when that was, if it is not the last one."""
    length = duration(last_s - first_s)
    return length if last_s == judged_s else f"the {length} before {clock(last_s, beside_s=judged_s)}"


def began_said(windows: Windows, judged_s: int, *measures: Measure) -> str:
    """Return why a window is unknown."""
    began_s = max(windows.began_s(measure) for measure in measures)
    if began_s > judged_s:
        return "nothing is known yet: counting has only begun"
    return f"too little is known yet: counting began at {clock(began_s, beside_s=judged_s)}"
