"""Event IDs, checked against the documented byte layout."""

from __future__ import annotations

import hashlib
import struct

from hypothesis import given
from hypothesis import strategies as st

from subscribers.envelope import LogEvent
from subscribers.parsers.identity import event_ids


def expected(*fields: str) -> str:
    layout = b"".join(struct.pack(">I", len(f.encode())) + f.encode() for f in fields)
    return hashlib.blake2b(layout, digest_size=16).hexdigest()


def test_the_layout_is_what_the_documentation_says() -> None:
    """Six fields, each led by its length; identical lines are numbered."""
    events = [LogEvent(1795231810123, "hé"), LogEvent(1795231810123, "hé"), LogEvent(1795231810124, "hé")]
    assert event_ids("123", "/g", "s", events) == [
        expected("123", "/g", "s", "1795231810123", "hé", "0"),
        expected("123", "/g", "s", "1795231810123", "hé", "1"),
        expected("123", "/g", "s", "1795231810124", "hé", "0"),
    ]


def test_a_vector_for_other_languages() -> None:
    """A literal, so that a change of the layout cannot pass unseen."""
    (one,) = event_ids("123456789012", "/aws/lambda/claims", "stream", [LogEvent(1795231810123, "hello")])
    assert one == "91bfc80d8aa1519b303cadd2c948aea8"


def test_fields_cannot_run_into_each_other() -> None:
    """Group `ab` with stream `c` is not group `a` with stream `bc`."""
    event = [LogEvent(1, "m")]
    assert event_ids("1", "ab", "c", event) != event_ids("1", "a", "bc", event)


@given(st.lists(st.builds(LogEvent, st.integers(0, 2), st.text(max_size=2)), max_size=20))
def test_ids_are_unique_and_repeatable(events: list[LogEvent]) -> None:
    """No two events of a payload share an ID, and the payload has the same IDs again."""
    found = event_ids("1", "g", "s", events)
    assert len(set(found)) == len(events)
    assert found == event_ids("1", "g", "s", events)


@given(
    st.lists(
        st.builds(LogEvent, st.integers(0, 2), st.sampled_from(["a", "é", "b" * 3000, "\ud800", "?"])),
        max_size=20,
    )
)
def test_identical_lines_are_numbered_in_their_order(events: list[LogEvent]) -> None:
    """A law: n counts the lines before of the same time and the same bytes, wherever they stand."""
    seen: list[tuple[int, bytes]] = []
    wanted = []
    for event in events:
        line = event.timestamp_ms, event.message.encode(errors="replace")
        wanted.append(expected("1", "g", "s", str(line[0]), line[1].decode(), str(seen.count(line))))
        seen.append(line)
    assert event_ids("1", "g", "s", events) == wanted
