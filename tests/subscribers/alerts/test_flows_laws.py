"""However signals are cut into deliveries, and however often they are told, a flow is judged alike."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from subscribers.alerts.flows_deadline import Deadlines, deadline_of
from subscribers.alerts.flows_join import arrivals
from subscribers.alerts.model import Calendar
from subscribers.signals import Log
from tests.subscribers.alerts.flow_lines import (
    BY_NIGHT,
    LEDGER,
    PARIS,
    REPORT,
    WITHIN,
    Night,
    Watched,
    line,
    marks,
    paris,
)

T0 = paris("2026-03-25 00:00")
FLOW = replace(WITHIN, ends=(REPORT, LEDGER))

#: One line: at which point of the flow, of which claim, at which minute.
EVENTS = st.lists(
    st.tuples(st.integers(-1, 1), st.integers(0, 4), st.integers(0, 40)), unique=True, max_size=25
)


def _line(event: tuple[int, int, int]) -> Log:
    position, claim, minute = event
    return line(f"CLM-{claim}", T0 + 60 * minute, f"at {position}:")


def _told(night: Night, events: list[tuple[int, int, int]]) -> None:
    for event in events:
        night.state.put(marks(FLOW, [_line(event)], event[0]))


@given(EVENTS, st.data())
def test_any_order_any_cut_and_any_repetition_are_judged_alike(
    events: list[tuple[int, int, int]], data: st.DataObject
) -> None:
    """What was told before a judgement decides it; what is told again between two decides nothing."""
    once, often = Night(FLOW), Night(FLOW)
    _told(once, events)
    _told(
        often,
        data.draw(st.permutations(events + data.draw(st.lists(st.sampled_from(events))) if events else [])),
    )
    for minute in (10, 20, 30, 45, 70):
        assert often.judged(T0 + 60 * minute) == once.judged(T0 + 60 * minute)
        if events:
            _told(often, data.draw(st.lists(st.sampled_from(events), max_size=5)))


@given(EVENTS, st.lists(st.integers(0, 69), unique=True))
def test_how_often_it_is_judged_does_not_matter(
    events: list[tuple[int, int, int]], minutes: list[int]
) -> None:
    """An evaluator that was away for a while finds the same starts overdue as one that was not."""
    once, often = Night(FLOW), Night(FLOW)
    _told(once, events)
    _told(often, events)
    for minute in sorted(minutes):
        often.judged(T0 + 60 * minute)
    assert [item.mark.key for item in often.judged(T0 + 4200)[1].overdue] == [
        item.mark.key for item in once.judged(T0 + 4200)[1].overdue
    ]


@given(
    st.integers(0, 400 * 86_400), st.lists(st.integers(0, 86_400), max_size=20), st.sampled_from([0, 7200])
)
def test_a_remembered_deadline_is_the_one_that_is_computed(
    first: int, steps: list[int], within_s: int
) -> None:
    """Over weekends, holidays and both changes of the clocks, in any order of starts."""
    calendar = Calendar(150, PARIS, (0, 1, 2, 3, 6), ("2026-12-25",))
    flow = replace(BY_NIGHT, calendar=calendar, within_s=within_s)
    deadlines = Deadlines(flow)
    for step in steps:
        start_s = T0 + first + step
        found = deadlines.of(start_s)
        assert found == deadline_of(flow, start_s)
        assert found > start_s


@given(st.sets(st.integers(0, 3000)), st.sets(st.integers(0, 3000)))
def test_ends_are_found_whether_they_are_read_in_one_go_or_one_by_one(
    there: set[int], wanted: set[int]
) -> None:
    """Those that were asked for, and no other."""
    state = Watched()
    keys = {f"{n * 7919 % 65536:016x}": n for n in range(3001)}
    of_number = {n: key for key, n in keys.items()}
    for entry in marks(WITHIN, (line(f"CLM-{n}", T0, "listed") for n in there), 0):
        _, _, *rest = entry.sort.split("#")
        n = int(rest[-1], 16) % 3001
        state.put([replace(entry, sort="#".join(("e", of_number[n], *rest)))])
    held = {entry.sort.split("#")[1] for entry in state.query("flow#claims")}
    asked = {of_number[n] for n in wanted}
    assert set(arrivals(state, "flow#claims", asked)) == held & asked
