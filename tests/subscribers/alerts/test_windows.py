"""Windows: every event is in them once, however it was delivered; what is late is counted as late."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscribers.alerts import windows
from subscribers.alerts.measures import measure_of
from subscribers.alerts.model import SLOT_S, Group, Measure, Sample, Selector
from subscribers.alerts.state import LAST, Entry, StateError
from subscribers.alerts.state_memory import MemoryState
from subscribers.alerts.windows import Ledgered, Points

SPANS = Selector(signal="span")
COUNTED = measure_of(SPANS, by=("service",), late_s=120, keep_s=3600, keep_hours_s=30 * 86_400)
VALUED = measure_of(SPANS, by=("service",), is_valued=True, late_s=120, keep_s=3600)
#: A minute that begins an hour.
BEGAN_S = 1_795_305_600
Event = tuple[int, int, str, float]  # hash, slot after BEGAN_S, group, number


class State(MemoryState):
    """A memory that counts what is asked of it, and can stop at a call."""

    def __init__(self) -> None:
        super().__init__(now_s=lambda: BEGAN_S)
        self.queries = 0
        self.dies_at_delete = False

    def query(self, partition: str, first: str = "", last: str = LAST):  # type: ignore[no-untyped-def]
        """Count the query."""
        self.queries += 1
        return super().query(partition, first, last)

    def delete(self, keys) -> None:  # type: ignore[no-untyped-def]
        """Remove, or die before it."""
        if self.dies_at_delete:
            raise StateError("the process is gone")
        super().delete(keys)


def write(state: MemoryState, measure: Measure, events: Sequence[Event]) -> None:
    """Write events as one delivery does."""
    cells: dict[tuple[int, Group], Points] = defaultdict(lambda: Points({}))
    for event, slot, group, number in events:
        cells[slot, (group,)].add(event, number)
    for (at, by), points in cells.items():
        state.put(e for e, _ in windows.parts(measure, BEGAN_S // SLOT_S + at, by, points))


def totals(state: MemoryState, measure: Measure, first: int, last: int) -> dict[Group, tuple[int, float]]:
    """Return count and sum of each group in slots, all of them summed."""
    read = Ledgered(state)
    read.advance([measure], BEGAN_S)
    read.advance([measure], BEGAN_S + last * SLOT_S + measure.late_s)
    sums = read.over(measure, BEGAN_S + first * SLOT_S, BEGAN_S + last * SLOT_S)
    return {group: (one.sketch.count, round(one.sketch.total, 6)) for group, one in sums.items()}


EVENTS = st.lists(
    st.tuples(
        st.integers(0, 40), st.integers(0, 5), st.sampled_from(["a", "b"]), st.floats(0.5, 100.0, width=16)
    ),
    max_size=60,
    # The same event is the same wherever it comes again.
    unique_by=lambda event: event[0],
)


@given(events=EVENTS, data=st.data(), measure=st.sampled_from([COUNTED, VALUED]))
def test_an_event_counts_once_however_batches_are_cut(
    events: list[Event], data: st.DataObject, measure: Measure
) -> None:
    """Delivered in one batch, cut anywhere, in any order, and some of it twice: the windows are the same."""
    once, recut = State(), State()
    write(once, measure, events)
    shuffled = data.draw(st.permutations(events))
    again = data.draw(st.lists(st.sampled_from(events), max_size=20)) if events else []
    rest = [*shuffled, *again]
    while rest:
        size = data.draw(st.integers(1, len(rest)))
        write(recut, measure, rest[:size])
        rest = rest[size:]
    assert totals(once, measure, 0, 6) == totals(recut, measure, 0, 6)
    expected: dict[Group, tuple[int, float]] = defaultdict(lambda: (0, 0.0))
    for _, _, group, number in events:
        count, total = expected[(group,)]
        expected[(group,)] = (count + 1, total + number)
    assert totals(once, measure, 0, 6) == {g: (n, round(t, 6)) for g, (n, t) in expected.items()}


def test_what_is_summed_is_not_summed_again() -> None:
    """A delivery that comes again after its slot was closed changes nothing, and is counted as late."""
    state = State()
    read = Ledgered(state)
    read.advance([COUNTED], BEGAN_S)
    write(state, COUNTED, [(1, 0, "a", 1.0), (2, 0, "a", 1.0)])
    read.advance([COUNTED], BEGAN_S + 180)
    write(state, COUNTED, [(1, 0, "a", 1.0), (3, 0, "a", 1.0)])
    read.advance([COUNTED], BEGAN_S + 240)
    assert read.over(COUNTED, BEGAN_S, BEGAN_S + 60)[("a",)].sketch.count == 2
    assert read.take_late() == {COUNTED.id: 2}
    assert read.take_late() == {}
    assert not list(state.query(f"part#{COUNTED.id}"))


def test_a_slot_is_waited_for_as_long_as_its_events_may_come() -> None:
    """Within the allowance nothing is summed, for more may come."""
    state = State()
    read = Ledgered(state)
    read.advance([COUNTED], BEGAN_S)
    write(state, COUNTED, [(1, 0, "a", 1.0)])
    read.advance([COUNTED], BEGAN_S + 179)
    assert read.over(COUNTED, BEGAN_S, BEGAN_S + 60) == {}
    write(state, COUNTED, [(2, 0, "a", 1.0)])
    read.advance([COUNTED], BEGAN_S + 180)
    assert read.over(COUNTED, BEGAN_S, BEGAN_S + 60)[("a",)].sketch.count == 2


def test_an_evaluation_that_dies_is_done_again() -> None:
    """Sums were written but parts not removed: the next one removes them, and none is called late."""
    state = State()
    write(state, COUNTED, [(1, 0, "a", 1.0)])
    state.dies_at_delete = True
    with pytest.raises(StateError):
        Ledgered(state).advance([COUNTED], BEGAN_S + 600)
    state.dies_at_delete = False
    read = Ledgered(state)
    read.advance([COUNTED], BEGAN_S + 660)
    assert read.take_late() == {}
    assert read.over(COUNTED, BEGAN_S, BEGAN_S + 60)[("a",)].sketch.count == 1
    assert not list(state.query(f"part#{COUNTED.id}"))


@given(EVENTS, st.integers(0, 200), st.integers(1, 200))
def test_hours_are_what_their_minutes_are(events: list[Event], first: int, length: int) -> None:
    """A long window is read as hours where it can be, and says the same."""
    state = State()
    spread = [(event, slot * 37 + event, group, 1.0) for event, slot, group, _ in events]
    write(state, COUNTED, spread)
    last = first + length
    expected: dict[Group, tuple[int, float]] = defaultdict(lambda: (0, 0.0))
    for _, slot, group, _ in spread:
        if first <= slot < last:
            count, _ = expected[(group,)]
            expected[(group,)] = (count + 1, count + 1.0)
    read = Ledgered(state)
    read.advance([COUNTED], BEGAN_S)
    read.advance([COUNTED], BEGAN_S + 400 * SLOT_S)
    minutes = msgspec.structs.replace(COUNTED, keep_hours_s=0)
    found = read.over(minutes, BEGAN_S + first * SLOT_S, BEGAN_S + last * SLOT_S)
    assert {g: (s.sketch.count, s.sketch.total) for g, s in found.items()} == expected
    # Minutes of 400 minutes ago are gone by the rule's reach: the first hour is read whole.
    by_hours = read.over(COUNTED, BEGAN_S, BEGAN_S + 300 * SLOT_S)
    whole = read.over(minutes, BEGAN_S, BEGAN_S + 300 * SLOT_S)
    assert {g: s.sketch.count for g, s in by_hours.items()} == {g: s.sketch.count for g, s in whole.items()}


def test_what_was_read_is_not_read_again() -> None:
    """A minute's evaluation reads what is new: a fixed number of queries, however long the window."""
    state = State()
    read = Ledgered(state)
    for minute in range(130):
        write(state, COUNTED, [(minute, minute, "a", 1.0)])
        read.advance([COUNTED], BEGAN_S + minute * SLOT_S)
        read.over(COUNTED, BEGAN_S + (minute - 60) * SLOT_S, BEGAN_S + minute * SLOT_S)
    before = state.queries
    read.advance([COUNTED], BEGAN_S + 130 * SLOT_S)
    read.over(COUNTED, BEGAN_S + 68 * SLOT_S, BEGAN_S + 128 * SLOT_S)
    assert state.queries - before <= 3


def test_counting_begins_with_the_first_event_or_the_first_evaluation() -> None:
    """Before it nothing is known, which is not the same as nothing; a line that comes late begins it not."""
    state = State()
    write(state, COUNTED, [(1, -200, "a", 1.0), (2, 3, "a", 1.0)])
    read = Ledgered(state)
    read.advance([COUNTED, VALUED], BEGAN_S + 600)
    assert read.began_s(COUNTED) == BEGAN_S + 3 * SLOT_S
    assert read.began_s(VALUED) == BEGAN_S + 600


def test_what_was_in_no_rule_for_a_while_begins_anew() -> None:
    """Nobody counted it meanwhile, so that nothing came is not known."""
    read = Ledgered(State())
    read.advance([COUNTED, VALUED], BEGAN_S)
    for minute in range(60):
        read.advance([COUNTED], BEGAN_S + minute * SLOT_S, BEGAN_S + (minute - 1) * SLOT_S)
    read.advance([COUNTED, VALUED], BEGAN_S + 3600, BEGAN_S + 3540)
    assert read.began_s(COUNTED) == BEGAN_S
    assert read.began_s(VALUED) == BEGAN_S + 3600


def test_a_pause_longer_than_parts_are_kept_begins_anew() -> None:
    """What was counted on the first of three days has expired."""
    read = Ledgered(State())
    read.advance([COUNTED], BEGAN_S)
    read.advance([COUNTED], BEGAN_S + 3 * 86_400, BEGAN_S)
    assert read.began_s(COUNTED) == BEGAN_S + 3 * 86_400


def test_a_longer_reach_begins_anew() -> None:
    """Sums of the time before it are gone, and no hours were made."""
    state = State()
    Ledgered(state).advance([COUNTED], BEGAN_S)
    longer = msgspec.structs.replace(COUNTED, keep_s=2 * COUNTED.keep_s)
    read = Ledgered(state)
    read.advance([longer], BEGAN_S + 600, BEGAN_S)
    assert read.began_s(longer) == BEGAN_S + 600
    read.advance([COUNTED], BEGAN_S + 660, BEGAN_S + 600)
    assert read.began_s(COUNTED) == BEGAN_S + 600


def test_a_damaged_seal_begins_anew() -> None:
    """One entry must not stop all rules for good."""
    state = State()
    Ledgered(state).advance([COUNTED], BEGAN_S)
    state.put([Entry(windows.SEALS, COUNTED.id, b"garbage")])
    read = Ledgered(state)
    read.advance([COUNTED], BEGAN_S + 600, BEGAN_S)
    assert read.began_s(COUNTED) == BEGAN_S + 600


def test_sums_stay_numbers() -> None:
    """Two numbers as large as there are make no infinity, and what is none is not counted."""
    state = State()
    read = Ledgered(state)
    read.advance([COUNTED], BEGAN_S)
    huge = [(1, 0, "a", 1.7e308), (2, 0, "a", 1.7e308), (3, 0, "a", float("inf"))]
    write(state, COUNTED, huge)
    read.advance([COUNTED], BEGAN_S + 600)
    one = read.over(COUNTED, BEGAN_S, BEGAN_S + 60)[("a",)]
    assert (one.sketch.count, one.sketch.total) == (2, sys.float_info.max)


def test_an_event_without_room_in_one_delivery_counts_in_its_own_group() -> None:
    """One delivery had more groups than are kept, another had not: each event is in one group."""
    state = State()
    read = Ledgered(state)
    read.advance([COUNTED], BEGAN_S)
    write(state, COUNTED, [(1, 0, "a", 1.0), (2, 0, windows.OTHER, 1.0), (3, 0, windows.OTHER, 1.0)])
    write(state, COUNTED, [(2, 0, "b", 1.0)])
    read.advance([COUNTED], BEGAN_S + 600)
    found = read.over(COUNTED, BEGAN_S, BEGAN_S + 60)
    assert {group[0]: one.sketch.count for group, one in found.items()} == {"a": 1, "b": 1, windows.OTHER: 1}


def test_the_groups_of_a_minute_are_bounded() -> None:
    """The largest are kept, the rest is one."""
    state = State()
    read = Ledgered(state)
    read.advance([COUNTED], BEGAN_S)
    events: list[Event] = [(n, 0, f"g{n % 3000}", 1.0) for n in range(3001)]
    write(state, COUNTED, events)
    read.advance([COUNTED], BEGAN_S + 600)
    found = read.over(COUNTED, BEGAN_S, BEGAN_S + 60)
    assert len(found) == windows.GROUPS_MAX + 1
    assert found[("g0",)].sketch.count == 2
    assert sum(one.sketch.count for one in found.values()) == 3001


def test_samples_are_the_latest() -> None:
    """Whoever looks wants to see what happens now."""
    samples = tuple(Sample(n, "s", "legacy", text=str(n)) for n in range(9))
    state = State()
    for sample in samples:
        points = Points({sample.time_unix_nano: 1.0}, (sample,))
        state.put(entry for entry, _ in windows.parts(COUNTED, BEGAN_S // SLOT_S, ("a",), points))
    read = Ledgered(state)
    read.advance([COUNTED], BEGAN_S + 600)
    assert [s.text for s in read.over(COUNTED, BEGAN_S, BEGAN_S + 60)[("a",)].samples] == ["8", "7", "6"]


def test_more_events_than_an_entry_holds_are_several_entries() -> None:
    """380 KB is what the smallest of the states takes."""
    points = Points({event: event / 2 for event in range(windows.PART_EVENTS + 1)})
    entries = list(windows.parts(VALUED, 1, ("a",), points))
    assert [len(hashes) for _, hashes in entries] == [windows.PART_EVENTS, 1]
    assert all(len(entry.body) < 380 * 1024 for entry, _ in entries)


@pytest.mark.parametrize("damaged", [b"garbage", b"", b"\x94\x90\xc4\x01x\xc4\x00\x90"])
def test_a_part_that_cannot_be_read_is_removed_and_counted(damaged: bytes) -> None:
    """It must not keep every later minute from being judged."""
    state = State()
    state.put([Entry(f"part#{COUNTED.id}", f"{BEGAN_S // SLOT_S:08x}#x#y", damaged)])
    write(state, COUNTED, [(1, 0, "a", 1.0)])
    read = Ledgered(state)
    read.advance([COUNTED], BEGAN_S + 600)
    assert read.over(COUNTED, BEGAN_S, BEGAN_S + 60)[("a",)].sketch.count == 1
    assert (read.take_unreadable(), read.take_unreadable()) == (1, 0)
    assert not list(state.query(f"part#{COUNTED.id}"))


def test_a_sum_that_cannot_be_read_is_said() -> None:
    """What was counted before is gone with it: a rule must not be judged on what is left."""
    state = State()
    read = Ledgered(state)
    read.advance([COUNTED], BEGAN_S)
    state.put([Entry(f"sum#{COUNTED.id}", f"m{BEGAN_S // SLOT_S:08x}#x", b"garbage")])
    read.advance([COUNTED], BEGAN_S + 600)
    with pytest.raises(StateError, match="cannot be read") as told:
        read.over(COUNTED, BEGAN_S, BEGAN_S + 60)
    assert told.value.reason == "corrupt"


def test_a_pause_of_a_day_is_made_up_for_in_steps() -> None:
    """What was counted meanwhile is summed, hours too, and only an hour of it is held at a time."""
    steady, paused = State(), State()
    reader = Ledgered(steady)
    reader.advance([COUNTED], BEGAN_S)
    Ledgered(paused).advance([COUNTED], BEGAN_S)
    for minute in range(0, 22 * 60, 7):
        for state in (steady, paused):
            write(state, COUNTED, [(minute, minute, "a", 1.0)])
        reader.advance([COUNTED], BEGAN_S + minute * SLOT_S)
    end_s = BEGAN_S + 23 * 3600
    reader.advance([COUNTED], end_s)
    late = Ledgered(paused)
    before = paused.queries
    late.advance([COUNTED], end_s)
    assert paused.queries - before > 23
    for first_s, last_s in ((BEGAN_S, end_s), (BEGAN_S + 20 * 3600, end_s), (end_s - 300, end_s)):
        assert late.over(COUNTED, first_s, last_s) == reader.over(COUNTED, first_s, last_s)
    assert not list(paused.query(f"part#{COUNTED.id}"))
