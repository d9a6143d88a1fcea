"""What a comparison says, in words."""

from __future__ import annotations

import math

from subscribers.insight.parity_compared import Parity
from subscribers.insight.parity_hours import Reweighted
from subscribers.insight.parity_verdict import (
    ERROR_MARGIN,
    LATENCY_MARGIN,
    LATENCY_MARGIN_MS,
    Judged,
    Verdict,
    together,
    traffic_needed,
)

VERDICTS: dict[Verdict, str] = {
    "regressed": "regressed",
    "better": "better",
    "as_good": "as good",
    "inconclusive": "inconclusive",
}
_NAMES = {"errors": "error rate", "p50": "median", "p95": "p95"}


def is_compared(item: Parity) -> bool:
    """Whether there was something on both sides to compare."""
    return item.comparison != "none" and item.serverless.count > 0


def verdict(item: Parity) -> str:
    """Return the verdict on an endpoint."""
    return VERDICTS[item.verdict] if is_compared(item) else "not compared"


def compared(item: Parity) -> str:
    """Return with what the serverless side was compared."""
    if not is_compared(item):
        return ""
    cutover = f", cutover {item.cutover}" if item.cutover else ""
    return {
        "side_by_side": "side by side",
        "before_after": f"before and after{cutover}",
        "baseline": f"with the legacy side of {item.baseline}",
        "numbers": f"with observe.yaml's numbers of {item.baseline}",
        "none": "",
    }[item.comparison]


def because(item: Parity) -> str:
    """Return why an endpoint has its verdict, without a dot at the end."""
    if not item.serverless.count:
        return "no serverless traffic"
    if item.comparison == "none":
        return "no legacy traffic, and no baseline to compare with"
    if item.verdict == "inconclusive":
        open_parts = [part for part in counting(item) if part.verdict == "inconclusive"]
        return "; ".join(filter(None, (*doubts(item), *map(measured, open_parts), needs(item))))
    decisive = [part for part in counting(item) if part.verdict == item.verdict]
    return "; ".join(map(measured, decisive))


def doubts(item: Parity) -> list[str]:
    """Return why there is no verdict, although there may be traffic enough for one."""
    found = []
    if item.shifts:
        mix = ", ".join(f"{one.status} {_percent(one.old)} to {_percent(one.new)}" for one in item.shifts)
        found.append(f"different answers ({mix})")
    if item.unknown_matters:
        shares = [
            f"{_percent(side.unknown / side.count)} of the {name} requests"
            for name, side in (("legacy", item.legacy), ("serverless", item.serverless))
            if side.unknown
        ]
        found.append(f"nobody told the outcome of {' and '.join(shares)}")
    if item.lost_matters:
        lost = f"{sum(item.lost):,} {'failure' if sum(item.lost) == 1 else 'failures'}"
        found.append(f"{lost} without a route may be this endpoint's")
    if item.reweighted:
        found.append(_other_hours(item, item.reweighted))
    return found


def _other_hours(item: Parity, found: Reweighted) -> str:
    totals = together(counting(item))
    errors = f"error rate {_percent(found.old_errors)} to {_percent(found.new_errors)}"
    parts = [f"{_NAMES[q]} {_ms(found.old_ms[q])} to {_ms(found.new_ms[q])}" for q in found.old_ms]
    return (
        f"the sides served at different hours: totals say {VERDICTS[totals]}, the same hours with the same"
        f" weight rather {VERDICTS[found.verdict]} ({', '.join((errors, *parts))})"
    )


def counting(item: Parity) -> list[Judged]:
    """Return the comparisons that the verdict rests on."""
    parts = [item.errors, item.p50, item.p95]
    return [part for part in parts if not (item.comparison == "numbers" and part.measure == "p50")]


def measured(part: Judged) -> str:
    """Return one comparison: `p95 120 ms to 250 ms, 2.08 times (1.7 to 2.6)`."""
    name = _NAMES[part.measure]
    if math.isnan(part.change):
        return f"{name} cannot be compared"
    if part.measure == "errors":
        limits = f"{_points(part.low)} to {_points(part.high)}"
        return (
            f"{name} {_percent(part.old)} to {_percent(part.new)}, {_points(part.change)} points ({limits})"
        )
    return f"{name} {_ms(part.old)} to {_ms(part.new)}, {part.change:.2f} times ({_times(part)})"


def needs(item: Parity) -> str:
    """Return how much more traffic a verdict needs, "" where it needs none or nobody can tell."""
    factor = traffic_needed(counting(item))
    if factor <= 1 or item.is_doubted:
        return ""
    if math.isinf(factor):
        return "what is measured is so near the margin, or compared with so little, that no number helps"
    more = f"{rounded((factor - 1) * item.serverless.count):,} serverless"
    if item.comparison in ("side_by_side", "before_after"):
        more += f" and {rounded((factor - 1) * item.legacy.count):,} legacy"
    return f"a verdict needs about {more} requests more, if they are like these"


def margins() -> str:
    """Return the margins as a sentence."""
    return (
        f"As good means: error rate at most {100 * ERROR_MARGIN:g} point higher, median and p95 at most"
        f" {100 * (LATENCY_MARGIN - 1):.0f}% or {LATENCY_MARGIN_MS:g} ms higher, whichever is more."
    )


def rounded(number: float) -> int:
    """Return a number of requests to two digits, rounded up."""
    if number < 10:
        return math.ceil(number)
    unit: int = 10 ** (math.floor(math.log10(number)) - 1)
    return math.ceil(number / unit) * unit


def _percent(share: float) -> str:
    return f"{100 * share:.1f}%" if share >= 0.01 or not share else f"{100 * share:.2g}%"


def _points(share: float) -> str:
    return f"{100 * share:+.1f}"


def _ms(ms: float) -> str:
    return f"{ms:.0f} ms" if ms >= 100 else f"{ms:.3g} ms"


def _times(part: Judged) -> str:
    """The limits; where the traffic tells none, that."""
    low = part.low if part.low > 0 else None
    high = part.high if math.isfinite(part.high) else None
    if low is None and high is None:
        return "too few requests for limits"
    if high is None:
        return f"at least {low:.2f}"
    return f"{low:.2f} to {high:.2f}" if low is not None else f"at most {high:.2f}"
