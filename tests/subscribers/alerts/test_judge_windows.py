"""Judging what subscribers wrote says the same as judging the events themselves."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from subscribers.alerts import windows
from subscribers.alerts.judge import judge
from subscribers.alerts.model import Absence, AnyRule, Flow, FlowPoint, NewError, Rate, Selector, Threshold
from subscribers.alerts.state_memory import MemoryState
from subscribers.alerts.windows import Ledgered, Points
from tests.subscribers.alerts.burning import objective
from tests.subscribers.alerts.worlds import FAILED, MINUTE, REQUESTS, START, World, measured

FAILURES, ALL = measured(FAILED, "service", late_s=60), measured(REQUESTS, "service", late_s=60)
SLOW = measured(REQUESTS, "service", late_s=60, is_valued=True)
RULES: tuple[AnyRule, ...] = (
    Rate(name="rate", bad=FAILURES, total=ALL, above=10, minimum=3, breaching=2, of=3),
    Threshold(name="count", measure=ALL, op="<", value=4),
    Threshold(name="slow", measure=SLOW, statistic="p95", value=50, minimum=2),
    Absence(name="silence", measure=ALL, every_s=600),
    objective(bad=FAILURES, total=ALL, percent=90),
)


@settings(max_examples=15)
@given(
    st.lists(
        st.tuples(st.integers(0, 59), st.sampled_from(["a", "b"]), st.booleans(), st.integers(1, 100)),
        max_size=80,
    )
)
def test_what_is_written_is_judged_like_what_happened(events: list[tuple[int, str, bool, int]]) -> None:
    """Law: parts in a state, summed minute by minute, give the findings that the events give."""
    world, state = World(began_s=START), MemoryState(now_s=lambda: START)
    read = Ledgered(state)
    for measure in (FAILURES, ALL, SLOW):
        read.advance([measure], START)
    for n, (minute, service, failed, ms) in enumerate(events):
        at_s = START + minute * MINUTE
        for measure, value in ((FAILURES, 1.0), (ALL, 1.0), (SLOW, float(ms))):
            if measure is FAILURES and not failed:
                continue
            world.add(measure, at_s, service, value=value)
            parts = windows.parts(measure, at_s // MINUTE, (service,), Points({n: value}))
            state.put(entry for entry, _ in parts)
    for minute in range(0, 66, 5):
        now_s = START + minute * MINUTE
        for measure in (FAILURES, ALL, SLOW):
            read.advance([measure], now_s)
        for rule in RULES:
            told = [(f.verdict, f.group, f.at_s, f.value, f.limit) for f in judge(rule, read, now_s)]
            assert told == [(f.verdict, f.group, f.at_s, f.value, f.limit) for f in judge(rule, world, now_s)]


def test_what_remembers_more_is_not_judged_here() -> None:
    """New errors and flows say that they are judged elsewhere."""
    errors = measured(Selector(signal="log"), "service", "error.fingerprint")
    flow = Flow(name="flow", start=FlowPoint(name="start", selector=REQUESTS, key="claim"), ends=())
    for rule in (NewError(name="new", measure=errors), flow):
        with pytest.raises(TypeError, match="is not judged by windows alone"):
            judge(rule, World(), START)
