"""Events inside events: payloads with members of ours, state machines' input, destinations."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from observe.context import extract
from observe.services import source_of
from observe.services.destination import DEPTH_MAX
from observe.services.payload import carried
from observe.services.shapes import MEMBERS_MAX

FOLDER = Path(__file__).parents[1] / "data" / "events"
TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=20,
)


def _event(name: str) -> Any:
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))["event"]


def test_our_own_member_wins_and_takes_no_foreign_tracestate() -> None:
    """A tracestate belongs to the traceparent beside it, not to the one that wins."""
    other = {"traceparent": TRACEPARENT.replace("4bf9", "aaaa"), "tracestate": "other=1"}
    assert carried({"headers": other, "_observe": {"traceparent": TRACEPARENT}}) == {
        "traceparent": TRACEPARENT
    }
    assert carried({"headers": other}) == other


@given(JSON)
def test_what_is_no_object_carries_nothing(value: Any) -> None:
    """Only an object has members."""
    assert isinstance(value, dict) or carried(value) == {}


def test_the_node_functions_numbers_are_read() -> None:
    """They write their call chain's length as a number and the debug flag as text or as a boolean."""
    context = extract(carried({"__context__": {"call-chain-length": 2, "debug-log-enabled": True}}))
    assert (context.hops, context.debug) == (2, True)


# --- Step Functions -------------------------------------------------------------------------


def test_no_trace_is_derived_from_an_execution() -> None:
    """Two tasks of an execution that carries nothing have their own traces and share its ARN."""
    event = _event("step-functions-nested")
    source = source_of(event)
    assert source is not None
    (record,) = source.records(event)
    assert record.headers == {}
    assert record.message_id == event["_context"]["Execution"]["Id"]


def test_a_context_object_is_found_among_a_bounded_number_of_members() -> None:
    """A payload of thousands of members costs no more than one of a few."""
    state = _event("step-functions-context")
    filler = {f"a{n}": {} for n in range(MEMBERS_MAX)}
    source = source_of({**dict(list(filler.items())[1:]), "last": state})
    assert source is not None
    assert source.name == "Step Functions"
    assert source_of({**filler, "last": state}) is None


# --- Destinations ---------------------------------------------------------------------------


def _ended(payload: Any, times: int) -> Any:
    for _ in range(times):
        payload = {"requestContext": {"requestId": "r"}, "requestPayload": payload}
    return payload


@pytest.mark.parametrize(
    ("times", "found"), [(1, True), (DEPTH_MAX, True), (DEPTH_MAX + 1, False), (400, False)]
)
def test_a_destinations_event_is_opened_to_a_depth(times: int, found: bool) -> None:
    """However deep somebody nests destinations, reading one ends."""
    event = _ended({"_observe": {"traceparent": TRACEPARENT}}, times)
    source = source_of(event)
    assert source is not None
    (record,) = source.records(event)
    assert record.headers == ({"traceparent": TRACEPARENT} if found else {})
    assert record.message_id == "r"


def test_a_strangers_event_is_not_trusted_for_having_failed() -> None:
    """Debug, hops and baggage of a public request stay outside; those of an internal event come along."""
    asked = {"x-correlation-id": "CLM-1", "baggage": "observe.debug=1", "call-chain-length": "3"}
    strange = _ended({"httpMethod": "GET", "headers": asked, "requestContext": {}}, 1)
    own = _ended({"_observe": asked}, 1)
    for event, headers in ((strange, {"x-correlation-id": "CLM-1"}), (own, asked)):
        source = source_of(event)
        assert source is not None
        assert [record.headers for record in source.records(event)] == [headers]


def test_each_message_of_a_failed_batch_keeps_its_id() -> None:
    """A batch that failed as a whole is its messages again."""
    event = _ended(_event("sqs-batch"), 1)
    source = source_of(event)
    assert source is not None
    assert [record.message_id for record in source.records(event)] == ["m-1", "m-2"]


def test_a_failed_event_is_never_changed() -> None:
    """Taking headers away from a record takes nothing from the event."""
    event = _event("destination-http")
    before = copy.deepcopy(event)
    source = source_of(event)
    assert source is not None
    source.records(event)
    assert event == before
