"""What every backend of the state must do, whichever it is."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from msgspec.structs import replace as changed

from subscribers.alerts.state import BODY_MAX_BYTES, LAST, Entry, State, StateConflictError
from subscribers.alerts.state_dynamodb import DynamoState
from subscribers.alerts.state_memory import MemoryState
from subscribers.alerts.state_sqlite import SqliteState
from tests.subscribers.alerts.states import NOW_S, Clock, Reference, make_table

Make = Callable[[Clock], State]
_tables = itertools.count()


@pytest.fixture(params=["memory", "sqlite", "dynamodb"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Make]:
    """Makes an empty state of a backend."""
    with ExitStack() as opened:
        if request.param == "memory":
            yield MemoryState
        elif request.param == "sqlite":
            files = itertools.count()

            def sqlite(clock: Clock) -> State:
                return opened.enter_context(closing(SqliteState(tmp_path / f"{next(files)}.sqlite", clock)))

            yield sqlite
        else:
            request.getfixturevalue("aws")  # the environment points to moto
            table = make_table(request.getfixturevalue("moto"), f"state{next(_tables)}")
            yield lambda clock: DynamoState(table, now_s=clock, sleep=lambda _: None)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def state(make: Make, clock: Clock) -> State:
    return make(clock)


def _entry(sort: str, body: bytes = b"x", expires_s: int = 0, version: int = 0) -> Entry:
    return Entry("p", sort, body, expires_s, version)


def test_what_was_put_comes_back(state: State) -> None:
    """Every field of it, and only under its own key."""
    entry = Entry("p", "s", bytes(range(256)), NOW_S + 60)
    state.put([entry])
    assert state.get("p", "s") == entry
    assert list(state.query("p")) == [entry]
    assert state.get("p", "t") is state.get("q", "s") is None
    assert list(state.query("q")) == []


def test_putting_twice_changes_nothing(state: State) -> None:
    """What is written again is there once; what is put over another replaces it."""
    state.put([_entry("a"), _entry("b")])
    state.put(iter([_entry("b"), _entry("a", b"y")]))
    assert list(state.query("p")) == [_entry("a", b"y"), _entry("b")]


def test_the_last_of_several_of_a_key_wins(state: State) -> None:
    """Within one call, too, where DynamoDB itself refuses duplicates."""
    state.put([_entry("a", b"1"), _entry("b", b"2"), _entry("a", b"3")])
    assert [entry.body for entry in state.query("p")] == [b"3", b"2"]


def test_nothing_is_put_and_deleted(state: State) -> None:
    """No entries are no mistake."""
    state.put([])
    state.delete([])
    state.delete([("p", "nobody"), ("p", "nobody")])
    assert list(state.query("p")) == []


def test_the_order_is_that_of_code_points(state: State) -> None:
    """UTF-16 would have the last two the other way round; a NUL is a character like any other."""
    sorts = ["\0", "\0a", "A", "a", "a\0", "aa", "é", "\uffff", "\U0001f600"]
    state.put([_entry(sort) for sort in reversed(sorts)])
    assert [entry.sort for entry in state.query("p")] == sorts


@pytest.mark.parametrize(
    ("first", "last", "found"),
    [
        ("", LAST, "abcd"),
        ("b", LAST, "bcd"),
        ("", "b", "ab"),
        ("b", "c", "bc"),
        ("b", "b", "b"),
        ("bb", "bc", ""),
        ("c", "b", ""),
        ("", "", ""),
    ],
)
def test_bounds_are_both_included(state: State, first: str, last: str, found: str) -> None:
    """Bounds that nothing can be between find nothing."""
    state.put([_entry(sort) for sort in "abcd"])
    assert "".join(entry.sort for entry in state.query("p", first, last)) == found


def test_a_large_partition_is_read_whole(state: State) -> None:
    """However many pages it has, each entry comes once; what is deleted meanwhile is no fault."""
    wanted = [_entry(f"{i:05d}", b"y" * 4_000) for i in range(700)]
    state.put(wanted)
    assert list(state.query("p")) == wanted
    read = state.query("p")
    first = next(read)
    state.delete((e.partition, e.sort) for e in wanted)
    assert first == wanted[0]
    assert len(list(read)) < len(wanted)


def test_a_body_may_be_as_large_as_is_said(state: State) -> None:
    """And several of them in one call; one more byte is refused, and with it nothing is written."""
    large = [_entry(str(i), bytes(BODY_MAX_BYTES)) for i in range(3)]
    state.put(large)
    assert list(state.query("p")) == large
    with pytest.raises(ValueError, match="at most 389,120"):
        state.put([_entry("ok"), _entry("large", bytes(BODY_MAX_BYTES + 1))])
    assert state.get("p", "ok") is None


@pytest.mark.parametrize(
    ("key", "said"),
    [
        (("", "s"), "empty partition"),
        (("p", ""), "empty sort"),
        (("p", "é" * 513), r"1,026 bytes; at most 1,024"),
        (("p" * 2_049, "s"), "at most 2,048"),
        (("p", "\ud800"), "UTF-8"),
    ],
)
def test_a_key_that_no_table_could_hold_is_refused_everywhere(
    state: State, key: tuple[str, str], said: str
) -> None:
    """The embedded run must not accept what the deployed one does not."""
    entry = Entry(*key, b"x")
    for call in (lambda: state.put([entry]), lambda: state.replace(entry)):
        with pytest.raises(ValueError, match=said):
            call()
    with pytest.raises(ValueError, match=said):
        state.get(*key)
    with pytest.raises(ValueError, match=said):
        state.delete([key])


def test_what_has_expired_is_gone(state: State, clock: Clock) -> None:
    """Whether it was already removed or not; 0 is never."""
    state.put([_entry("a", expires_s=NOW_S + 10), _entry("b", expires_s=NOW_S + 20), _entry("c")])
    clock.now_s += 10
    assert [entry.sort for entry in state.query("p")] == ["a", "b", "c"]
    clock.now_s += 1
    assert [entry.sort for entry in state.query("p")] == ["b", "c"]
    assert state.get("p", "a") is None
    clock.now_s += 3600
    state.put([_entry("d")])
    assert [entry.sort for entry in state.query("p")] == ["c", "d"]


def test_replace_counts_versions(state: State) -> None:
    """Whoever has read the latest one may write the next."""
    first = state.replace(_entry("a", b"1"))
    assert first == state.get("p", "a") == _entry("a", b"1", version=1)
    second = state.replace(changed(first, body=b"2"))
    assert second == state.get("p", "a") == _entry("a", b"2", version=2)


def test_replace_refuses_what_others_have_changed(state: State) -> None:
    """Nothing is written then, and the reason is a word."""
    state.replace(state.replace(_entry("a")))
    for version in (0, 1, 3):
        with pytest.raises(StateConflictError) as raised:
            state.replace(_entry("a", b"lost", version=version))
        assert raised.value.reason == "conflict"
    with pytest.raises(StateConflictError):
        state.replace(_entry("nobody", version=1))
    assert list(state.query("p")) == [_entry("a", version=2)]


def test_replace_makes_anew_what_is_deleted_or_expired(state: State, clock: Clock) -> None:
    """An expired entry is none, although it may still be stored; so is its version."""
    old = state.replace(_entry("a", expires_s=NOW_S + 10))
    clock.now_s += 11
    with pytest.raises(StateConflictError):
        state.replace(changed(old, expires_s=0))
    assert state.replace(_entry("a", b"new")).version == 1
    state.delete([("p", "a")])
    assert state.replace(_entry("a", b"again")).version == 1


def test_put_begins_versions_anew(state: State) -> None:
    """Whoever read it before has lost then; what `put` wrote can be put and deleted, not replaced."""
    read = state.replace(_entry("a"))
    state.put([changed(read, body=b"put")])
    assert state.get("p", "a") == _entry("a", b"put")
    with pytest.raises(StateConflictError):
        state.replace(read)
    with pytest.raises(StateConflictError):
        state.replace(_entry("a"))


def test_one_of_several_threads_wins_each_version(state: State) -> None:
    """Every increment that succeeds is kept: none is lost, whoever is at work beside."""
    wins: list[int] = []

    def add() -> None:
        for _ in range(5):
            while True:
                found = state.get("p", "n")
                n = int(found.body) if found else 0
                try:
                    state.replace(_entry("n", str(n + 1).encode(), version=found.version if found else 0))
                except StateConflictError:
                    continue
                wins.append(n)
                break

    threads = [threading.Thread(target=add) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(wins) == list(range(15))
    assert state.get("p", "n") == _entry("n", b"15", version=15)


_PARTITIONS = st.sampled_from(["p", "q"])
_SORTS = st.sampled_from(["\0", "a", "a\0", "ab", "b", "\uffff", "\U0001f600"])
_ENTRIES = st.builds(
    Entry,
    _PARTITIONS,
    _SORTS,
    st.binary(max_size=3),
    st.sampled_from([0, NOW_S - 5, NOW_S + 5, NOW_S + 50]),
    st.integers(0, 3),
)


def test_it_agrees_with_the_plainest_state(make: Make) -> None:
    """Whatever is done in whatever order, what is there is what a dictionary would have."""

    class Machine(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.clock = Clock()
            self.state, self.reference = make(self.clock), Reference(self.clock)
            # A table has no second instance: it is emptied.
            for partition in ("p", "q"):
                self.state.delete([(e.partition, e.sort) for e in self.state.query(partition)])

        @rule(entries=st.lists(_ENTRIES, max_size=5))
        def put(self, entries: list[Entry]) -> None:
            self.state.put(entries)
            self.reference.put(entries)

        @rule(keys=st.lists(st.tuples(_PARTITIONS, _SORTS), max_size=3))
        def delete(self, keys: list[tuple[str, str]]) -> None:
            self.state.delete(keys)
            self.reference.delete(keys)

        @rule(entry=_ENTRIES, is_read=st.booleans())
        def replace(self, entry: Entry, is_read: bool) -> None:
            if is_read and (found := self.state.get(entry.partition, entry.sort)):
                entry = changed(entry, version=found.version)
            wanted = self.reference.replace(entry)
            if wanted is not None:
                assert self.state.replace(entry) == wanted
                return
            with pytest.raises(StateConflictError):
                self.state.replace(entry)

        @rule(partition=_PARTITIONS, first=st.just("") | _SORTS, last=st.just(LAST) | _SORTS)
        def query(self, partition: str, first: str, last: str) -> None:
            found = list(self.state.query(partition, first, last))
            assert found == self.reference.query(partition, first, last)

        @rule(passed_s=st.sampled_from([1, 6, 70]))
        def wait(self, passed_s: int) -> None:
            self.clock.now_s += passed_s

        @rule(partition=_PARTITIONS, sort=_SORTS)
        def get(self, partition: str, sort: str) -> None:
            assert self.state.get(partition, sort) == self.reference.live().get((partition, sort))

        @invariant()
        def is_the_same(self) -> None:
            for partition in ("p", "q"):
                assert list(self.state.query(partition)) == self.reference.query(partition, "", LAST)

    run_state_machine_as_test(Machine, settings=settings(max_examples=25, stateful_step_count=15))
