"""A state that is looked at: it reads as if what was written were there, and what is below never changes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from subscribers.alerts.state import Entry
from subscribers.alerts.state_memory import MemoryState
from subscribers.alerts.state_overlay import OverlayState

KEYS = st.tuples(st.sampled_from(["p", "q"]), st.sampled_from(["a", "b", "c", "d"]))
WRITES = st.lists(st.tuples(st.sampled_from(["put", "delete", "replace"]), KEYS, st.binary(max_size=3)))


def everything(state: OverlayState | MemoryState) -> dict[tuple[str, str], bytes]:
    """What a state has in two partitions, by query."""
    return {(e.partition, e.sort): e.body for name in ("p", "q") for e in state.query(name)}


@given(st.dictionaries(KEYS, st.binary(max_size=3)), WRITES)
def test_it_reads_as_a_state_that_was_written(
    before: dict[tuple[str, str], bytes], writes: list[tuple[str, tuple[str, str], bytes]]
) -> None:
    """Whatever is put, replaced and deleted; and the state below is as it was."""
    below = MemoryState(now_s=lambda: 0)
    below.put(Entry(*key, body) for key, body in before.items())
    over, expected = OverlayState(below), dict(before)
    for what, key, body in writes:
        if what == "delete":
            over.delete([key])
            expected.pop(key, None)
        else:
            (over.put if what == "put" else lambda entries: over.replace(*entries))([Entry(*key, body)])
            expected[key] = body
    assert everything(over) == expected
    assert [e.sort for e in over.query("p", "b", "c")] == sorted(
        sort for partition, sort in expected if partition == "p" and "b" <= sort <= "c"
    )
    for partition in ("p", "q"):
        for sort in "abcd":
            entry = over.get(partition, sort)
            assert (entry.body if entry else None) == expected.get((partition, sort))
    assert everything(below) == before
