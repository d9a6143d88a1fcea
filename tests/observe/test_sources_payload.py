"""Events inside events: payloads with members of ours, state machines' input, destinations."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given

from observe.context import extract
from observe.services import shapes, source_of
from observe.services.destination import DEPTH_MAX
from observe.services.payload import carried
from observe.services.shapes import MEMBERS_MAX
from tests.observe.sources import JSON, TRACEPARENT, event_of


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
    event = event_of("step-functions-nested")
    source = source_of(event)
    assert source is not None
    (record,) = source.records(event)
    assert record.headers == {}
    assert record.message_id == event["_context"]["Execution"]["Id"]


def test_a_context_object_is_found_among_a_bounded_number_of_members() -> None:
    """A payload of thousands of members costs no more than one of a few."""
    state = event_of("step-functions-context")
    filler: dict[str, Any] = {f"a{n}": {} for n in range(MEMBERS_MAX)}
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


def test_each_message_of_a_failed_batch_keeps_its_id() -> None:
    """A batch that failed as a whole is its messages again."""
    event = _ended(event_of("sqs-batch"), 1)
    source = source_of(event)
    assert source is not None
    assert [record.message_id for record in source.records(event)] == ["m-1", "m-2"]


def test_a_failed_event_is_never_changed() -> None:
    """Taking headers away from a record takes nothing from the event."""
    event = event_of("destination-http")
    before = copy.deepcopy(event)
    source = source_of(event)
    assert source is not None
    source.records(event)
    assert event == before


@pytest.mark.parametrize(
    ("times", "found"), [(1, True), (DEPTH_MAX, True), (DEPTH_MAX + 1, False), (20_000, False)]
)
def test_ends_told_by_a_bus_are_opened_to_a_depth_too(times: int, found: bool) -> None:
    """A destination that is a bus, whose function has such a destination: reading them ends."""
    event: Any = {"_observe": {"traceparent": TRACEPARENT}}
    for _ in range(times):
        ended = {"requestContext": {"requestId": "r"}, "requestPayload": event}
        event = {"source": "lambda", "detail-type": "ended", "detail": ended}
    source = source_of(event)
    assert source is not None
    (record,) = source.records(event)
    assert record.headers == ({"traceparent": TRACEPARENT} if found else {})
    assert record.message_id == "r"


def test_a_payload_of_many_members_is_looked_up_and_not_searched() -> None:
    """Its own members are not compared with the names one by one."""

    class Members(dict[str, int]):
        """A payload that notices when somebody goes through it."""

        def __iter__(self) -> Any:
            raise AssertionError("searched")

    assert not shapes.payload(Members.fromkeys((f"a{n}" for n in range(1000)), 1))
    assert shapes.payload(Members(traceparent=1))
