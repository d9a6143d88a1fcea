"""What our carriers put into payloads, a handler does not see: it gets the bytes that its sender wrote."""

from __future__ import annotations

import base64
import copy
import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import observe
from observe.context import Context
from observe.services import carrier_of, source_of
from observe.settings import PAYLOAD_CARRIERS
from observe.testing import Lines
from tests.observe.running import run

CONTEXT = Context("a" * 32, "b" * 16, correlation_id="CLM-1", debug=True, hops=3)
#: Every byte of it matters: a number's zeros, keys that occur twice, letters, blanks.
DELICATE = (
    ' { "amount":1.10, "amount": 1.1e400 ,"name":"Zo\u00eb \\u00e9 \U0001f600", "_observer":{}, "x":[ ] }'
)


@pytest.fixture(autouse=True)
def _opted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OBSERVE_PAYLOAD_CARRIERS", ",".join(PAYLOAD_CARRIERS))
    observe.settings.reset()


def sent(service: str, operation: str, params: dict[str, Any]) -> dict[str, Any]:
    """What our carrier makes of a call."""
    carrier = carrier_of(service, operation)
    assert carrier is not None
    return carrier.carry(params, CONTEXT)


def invoked(text: str, carried: bool) -> Any:
    params: dict[str, Any] = {"FunctionName": "f", "InvocationType": "Event", "Payload": text}
    return json.loads((sent("lambda", "Invoke", params) if carried else params)["Payload"])


def _detail(text: str, carried: bool) -> str:
    params: dict[str, Any] = {"Entries": [{"Source": "s", "DetailType": "t", "Detail": text}]}
    told = (sent("events", "PutEvents", params) if carried else params)["Entries"][0]["Detail"]
    assert isinstance(told, str)
    return told


def _bus_event(text: str, carried: bool) -> str:
    """As its bytes are: the services do not write JSON as Python does."""
    return '{"version":"0","id":"e-1","detail-type":"t","source":"s","detail":' + _detail(text, carried) + "}"


def bus(text: str, carried: bool) -> Any:
    return json.loads(_bus_event(text, carried))


def _queue(body: str) -> Any:
    message = {"messageId": "m-1", "eventSource": "aws:sqs", "body": body, "messageAttributes": {}}
    return {"Records": [{"eventSource": "aws:sqs", "messageId": "m-0", "body": "plain"}, message]}


def bus_to_queue(text: str, carried: bool) -> Any:
    return _queue(_bus_event(text, carried))


def rule_to_queue(text: str, carried: bool) -> Any:
    """A rule whose InputPath is $.detail."""
    return _queue(_detail(text, carried))


def bus_to_topic(text: str, carried: bool) -> Any:
    message = {"MessageId": "m-1", "Message": _bus_event(text, carried), "MessageAttributes": {}}
    return {"Records": [{"EventSource": "aws:sns", "Sns": message}]}


def _data(service: str, text: str, carried: bool) -> str:
    params: dict[str, Any] = {"StreamName": "s", "PartitionKey": "k", "Data": text.encode()}
    if service == "firehose":
        params = {"DeliveryStreamName": "s", "Record": {"Data": text.encode()}}
    params = sent(service, "PutRecord", params) if carried else params
    return base64.b64encode(params.get("Record", params)["Data"]).decode()


def stream(text: str, carried: bool) -> Any:
    record = {"sequenceNumber": "1", "data": _data("kinesis", text, carried)}
    other = {"sequenceNumber": "2", "data": base64.b64encode(b"raw").decode()}
    return {"Records": [{"eventSource": "aws:kinesis", "kinesis": one} for one in (record, other)]}


def piped(text: str, carried: bool) -> Any:
    return [{"eventSource": "aws:kinesis", "sequenceNumber": "1", "data": _data("kinesis", text, carried)}]


def transformation(text: str, carried: bool) -> Any:
    record = {"recordId": "1", "data": _data("firehose", text, carried)}
    return {"deliveryStreamArn": "arn:aws:firehose:::deliverystream/s", "records": [record]}


def table(text: str, carried: bool) -> Any:
    params: dict[str, Any] = {"TableName": "t", "Item": {"document": {"S": text}}}
    item = (sent("dynamodb", "PutItem", params) if carried else params)["Item"]
    images = {"NewImage": item, "OldImage": {"document": {"S": "before"}}, "SequenceNumber": "1"}
    return {"Records": [{"eventSource": "aws:dynamodb", "eventName": "MODIFY", "dynamodb": images}]}


EVENTS: list[Callable[[str, bool], Any]] = [
    *(invoked, bus, bus_to_queue, rule_to_queue, bus_to_topic, stream, piped, transformation, table)
]
PAYLOADS = st.dictionaries(
    st.text(max_size=8).filter(lambda name: name not in ("detail", "_observe", "headers", "source")),
    st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=9), st.lists, max_leaves=4),
    max_size=4,
)


def stripped(event: Any) -> Any:
    source = source_of(event)
    return event if source is None or source.strip is None else source.strip(event)


@pytest.mark.parametrize("make", EVENTS)
@given(payload=PAYLOADS.map(json.dumps) | st.just(DELICATE))
def test_a_handler_gets_what_was_sent(make: Callable[[str, bool], Any], payload: str) -> None:
    """Byte for byte, and from a copy; the context was read."""
    event = make(payload, True)
    before = copy.deepcopy(event)
    source = source_of(event)
    assert source is not None
    assert any(record.headers.get("traceparent") for record in source.records(event))
    assert repr(stripped(event)) == repr(make(payload, False))
    assert repr(event) == repr(before)


@pytest.mark.parametrize("make", EVENTS)
def test_what_is_not_ours_stays(make: Callable[[str, bool], Any]) -> None:
    """An event without our member, or with one of the caller's own of that name, is the very same object."""
    for payload in (
        DELICATE,
        '{"_observe":3}',
        '{"_observe":{"mine":"1"}}',
        '{"_observe":{}}',
        "[]",
        "nonsense",
    ):
        if make in (invoked, bus) and payload == "nonsense":
            continue
        event = make(payload, False)
        assert stripped(event) is event


def test_the_handler_does_not_see_it(lines: Lines) -> None:
    """Through the whole layer: a schema that allows no further member accepts the event."""
    seen: list[Any] = []
    run(invoked('{"claim":"CLM-1"}', True), lambda event, context: seen.append((event, observe.current())))
    (event, context) = seen[0]
    assert event == {"claim": "CLM-1"}
    assert (context.trace_id, context.correlation_id) == (CONTEXT.trace_id, "CLM-1")


def test_a_state_machine_keeps_it() -> None:
    """Its tasks hand it on to one another in what they return."""
    text = sent("stepfunctions", "StartExecution", {"stateMachineArn": "arn", "input": '{"claim":1}'})[
        "input"
    ]
    seen: list[Any] = []
    run(json.loads(text), lambda event, context: seen.append((event, observe.current())))
    assert seen[0][0] == json.loads(text)
    assert seen[0][1].trace_id == CONTEXT.trace_id


def test_a_dead_letter_keeps_it() -> None:
    """What Lambda gave up is to be invoked again, as it was."""
    event = _queue(json.dumps(invoked('{"claim":1}', True)))
    attributes = {"RequestID": {"stringValue": "r-1"}, "ErrorCode": {"stringValue": "200"}}
    event["Records"][1]["messageAttributes"] = attributes
    assert stripped(event) is event


def test_who_updates_an_item_is_not_who_put_it() -> None:
    """An attribute that was there before the change tells of whoever put the item, not of this change."""
    event = table("{}", True)
    change = event["Records"][0]["dynamodb"]
    change["OldImage"] = {**change["NewImage"], "document": {"S": "older"}}
    source = source_of(event)
    assert source is not None
    assert [record.headers for record in source.records(event)] == [{}]
    assert stripped(event)["Records"][0]["dynamodb"]["OldImage"] == {"document": {"S": "older"}}


def test_a_fault_of_stripping_costs_nothing(monkeypatch: pytest.MonkeyPatch, lines: Lines) -> None:
    """The handler gets the event as it came, and it is said."""
    event = invoked('{"claim":"CLM-1"}', True)
    source = source_of(event)
    monkeypatch.setattr(source, "strip", lambda event: 1 / 0)
    seen: list[Any] = []
    run(event, lambda event, context: seen.append(event))
    assert seen == [event]
    assert any(line.get("event") == "observe.fault" for line in lines.logs)


def test_the_digest_is_that_of_the_body() -> None:
    """Who compares it finds the body whole."""
    event = bus_to_queue('{"claim":1}', True)
    message = event["Records"][1]
    message["md5OfBody"] = hashlib.md5(message["body"].encode(), usedforsecurity=False).hexdigest()
    left = stripped(event)["Records"][1]
    assert left["body"] == bus_to_queue('{"claim":1}', False)["Records"][1]["body"]
    assert left["md5OfBody"] == hashlib.md5(left["body"].encode(), usedforsecurity=False).hexdigest()


def test_a_stream_without_old_images_does_not_tell_who_updated() -> None:
    """What was inserted is told; of a change nobody knows whether it was put or updated."""
    event = table("{}", True)
    del event["Records"][0]["dynamodb"]["OldImage"]
    source = source_of(event)
    assert source is not None
    assert [record.headers for record in source.records(event)] == [{}]
    event["Records"][0]["eventName"] = "INSERT"
    assert "traceparent" in source.records(event)[0].headers
