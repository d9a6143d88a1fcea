"""A world to judge: events one by one, summed by looking at each. `model.Windows`, and slow on purpose."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable

from subscribers.alerts.judge import judge
from subscribers.alerts.measures import measure_of
from subscribers.alerts.model import AnyRule, Finding, Group, Measure, Sample, Selector, Sum
from subscribers.config import EMPTY, Config
from subscribers.insight.sketch import Sketch

#: A Saturday, 00:00 UTC.
START = 1_795_219_200
MINUTE, HOUR, DAY = 60, 3_600, 86_400

REQUESTS = Selector(signal="span", is_request=True)
FAILED = Selector(signal="span", is_request=True, status="error")


def measured(selector: Selector = REQUESTS, *by: str, late_s: int = 0, **more: object) -> Measure:
    """Return a measure that waits for no late events unless told so."""
    return measure_of(selector, by=by, late_s=late_s, **more)  # type: ignore[arg-type]


class World:
    """Events and when they arrive. now_s: what arrived by then is there; None for all of it.

    kept_s: what happened so long before now_s is forgotten; None for nothing.
    """

    def __init__(self, began_s: int = 0, kept_s: int | None = None) -> None:
        self.began = began_s
        self.kept_s = kept_s
        self.now_s: int | None = None
        self._events: dict[str, list[tuple[float, float, Group, float, str]]] = defaultdict(list)

    def add(
        self,
        measure: Measure,
        at_s: float,
        *group: str,
        value: float = 1.0,
        times: int = 1,
        after_s: float = 0,
        text: str = "",
    ) -> None:
        """Let events happen at a time, and arrive so much later."""
        self._events[measure.id] += [(at_s, at_s + after_s, group, value, text)] * times

    def each_minute(
        self, measure: Measure, first_s: int, minutes: int, times: int, *group: str, **more: object
    ) -> None:
        """Let as many events happen in each minute."""
        for n in range(minutes):
            self.add(measure, first_s + n * MINUTE + 1, *group, times=times, **more)  # type: ignore[arg-type]

    def over(self, measure: Measure, first_s: int, last_s: int) -> dict[Group, Sum]:
        """See `model.Windows`."""
        assert first_s % MINUTE == last_s % MINUTE == 0, "windows are made of whole slots"
        if self.now_s is not None and self.kept_s is not None:
            first_s = max(first_s, self.now_s - self.kept_s)
        found: dict[Group, list[tuple[float, float, str]]] = defaultdict(list)
        for at_s, arrives_s, group, value, text in self._events[measure.id]:
            if first_s <= at_s < last_s and (self.now_s is None or arrives_s <= self.now_s):
                found[group].append((at_s, value, text))
        return {group: _sum(measure, events) for group, events in found.items()}

    def began_s(self, measure: Measure) -> int:
        """See `model.Windows`."""
        return self.began


def timeline(
    rule: AnyRule, world: World, minutes: Iterable[int], config: Config = EMPTY
) -> dict[int, list[Finding]]:
    """Judge a rule at minutes since START, seeing what has arrived by then."""
    found = {}
    for minute in minutes:
        world.now_s = START + minute * MINUTE
        found[minute] = judge(rule, world, world.now_s, config)
    return found


def minutes_of(
    told: dict[int, list[Finding]], verdict: str, which: Callable[[Finding], bool] = lambda _: True
) -> list[int]:
    """Return the minutes at which a finding had a verdict."""
    return [minute for minute, some in told.items() if any(f.verdict == verdict and which(f) for f in some)]


def _sum(measure: Measure, events: list[tuple[float, float, str]]) -> Sum:
    values = [value for _, value, _ in events]
    latest = sorted(events, reverse=True)[:3]
    samples = tuple(Sample(int(at_s * 1e9), "", "", text=text) for at_s, _, text in latest)
    if measure.is_valued:
        return Sum(sketch=Sketch.of(values), samples=samples)
    return Sum(sketch=Sketch(count=len(values), total=sum(values)), samples=samples)
