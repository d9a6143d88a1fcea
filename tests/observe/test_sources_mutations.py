"""Whatever comes, an invocation is recorded: arbitrary JSON, and events with one thing wrong anywhere."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from observe import guard
from observe.source import VALUE_MAX
from observe.testing import Lines
from tests.observe.running import run
from tests.observe.sources import (
    EVENTS,
    HEADERS,
    JSON,
    TRACEPARENT,
    as_attributes,
    event_of,
    like_events,
    notification,
    queued,
    reads,
    records,
)

LINE_MAX_BYTES = 200 * 1024

# --- One thing wrong --------------------------------------------------------------------------


def _nested(depth: int, leaf: Any) -> Any:
    value: Any = leaf
    for n in range(depth):
        value = [value] if n % 2 else {"requestPayload": value, "requestContext": {}}
    return value


#: What no service puts there, and a test, a replay by hand or a stranger may.
WRONG: dict[str, Any] = {
    "null": None,
    "empty list": [],
    "empty object": {},
    "list of null": [None],
    "object": {"": [{}]},
    "zero": 0,
    "huge": 10**400,
    "not a number": math.nan,
    "infinite": -math.inf,
    "true": True,
    "empty text": "",
    "long text": "x" * 300_000,
    "no Unicode": "\ud800\0\x1b[2J\r\n",
    "half an aggregate": "84mawgqa",
    "half an event": '{"TopicArn":"","traceparent":[{"Type"',
    "deep": _nested(300, "x"),
}


def _spots(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of `value` and of everything inside it."""
    yield at
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from _spots(item, (*at, key))


def _with(value: Any, way: tuple[Any, ...], wrong: Any) -> Any:
    if not way:
        return wrong
    changed = value.copy()
    changed[way[0]] = _with(value[way[0]], way[1:], wrong)
    return changed


@pytest.mark.parametrize("name", EVENTS)
def test_an_event_with_one_thing_wrong_is_an_invocation(name: str, lines: Lines) -> None:
    """Each member and item of a sample, replaced by each of WRONG: one span each, and no fault of ours."""
    event = event_of(name)
    for way in _spots(event):
        for wrong in WRONG.values():
            lines.raw.clear()
            run(_with(event, way, wrong))
            spans = [line for line in lines.raw if line.startswith(b'{"resourceSpans"')]
            assert len(spans) == 1, way
            assert len(json.loads(spans[0])["resourceSpans"]) == 1, way
            assert all(len(line) <= LINE_MAX_BYTES for line in lines.raw), way
    assert not guard.faults


@given(st.data())
def test_an_event_with_anything_in_one_place_is_read(data: st.DataObject) -> None:
    """The same with what Hypothesis thinks of."""
    event = event_of(data.draw(st.sampled_from(sorted(EVENTS))))
    way = data.draw(st.sampled_from(list(_spots(event))))
    reads(_with(event, way, data.draw(JSON | SHAPES["requests"])))


@given(st.data())
def test_a_body_with_anything_in_one_place_is_read(data: st.DataObject) -> None:
    """Also where the event is the text of an envelope in a queue."""
    names = ["sqs-sns", "sqs-eventbridge", "sqs-s3", "sqs-destination", "sqs-dead-letter-lambda"]
    event = event_of(data.draw(st.sampled_from(names)))
    message = event["Records"][0]
    body = json.loads(message["body"])
    way = data.draw(st.sampled_from(list(_spots(body))))
    message["body"] = json.dumps(_with(body, way, data.draw(JSON | SHAPES["messages"])))
    reads(event)


# --- Arbitrary JSON ---------------------------------------------------------------------------

#: JSON that looks like events of ours, by what it looks like.
SHAPES: dict[str, st.SearchStrategy[Any]] = {
    "requests": like_events(
        [
            *("requestContext", "connectionId", "eventType", "routeKey", "type", "methodArn", "routeArn"),
            *("headers", "multiValueHeaders", "httpMethod", "resource", "path", "http", "elb", "version"),
            *("body-json", "params", "header", "context", "raw_path", "method", "serviceNetworkArn"),
            *("info", "fieldName", "typeName", "parentTypeName", "channelNamespace", "request"),
            *("authorizationToken", "requestHeaders", "queryString", "operationName", "rawPath"),
            *("Records", "cf", "config", "userRequest", "xAmzRequestId", "configuration", "accessPointArn"),
            *("traceparent", "tracestate", "baggage", "x-correlation-id", "name", "value"),
        ],
        ["2.0", "TOKEN", "REQUEST", TRACEPARENT],
    ),
    "messages": like_events(
        [
            *("eventSource", "EventSource", "Records", "records", "messages", "rmqMessagesByQueue"),
            *("q::/", "t-0", "body", "attributes", "messageAttributes", "AWSTraceHeader", "_datadog"),
            *("DeadLetterQueueSourceArn", "RequestID", "ErrorCode", "stringValue", "binaryValue", "Type"),
            *("TopicArn", "MessageId", "Message", "Sns", "MessageAttributes", "Value", "messageId"),
            *("detail", "detail-type", "source", "id", "request-id", "requestContext", "requestPayload"),
            *("requestId", "responseElements", "x-amz-request-id", "s3", "bucket", "object", "topic"),
            *("partition", "offset", "headers", "0", "1", "properties", "correlationID", "messageID"),
            *("destination", "physicalName", "basicProperties", "correlationId", "bytes", "dynamodb"),
            *("NewImage", "OldImage", "SequenceNumber", "eventName", "eventSourceARN", "S", "N", "M"),
            *("traceparent", "x-correlation-id", "baggage", "x_correlation_id", "__context__", "_observe"),
        ],
        [
            *("aws:sqs", "aws:sns", "aws:s3", "aws:kafka", "SelfManagedKafka", "aws:mq", "aws:amq"),
            *("aws:rmq", "aws:dynamodb", "Notification", "aws.s3", "INSERT", "-1", "255"),
            *HEADERS.values(),
        ],
    ),
    "streams": like_events(
        [
            *("Records", "eventSource", "kinesis", "data", "sequenceNumber", "detail-type", "detail"),
            *("records", "deliveryStreamArn", "kinesisRecordMetadata", "resources", "id", "source"),
            *("eventSourceKey", "eventSourceARN", "_observe", "requestContext", "requestPayload"),
            *("request-id", "isFinalInvokeForWindow", "window", "state"),
        ],
        [
            *("aws:kinesis", "aws:sqs", "aws:kafka", "aws:rmq", "aws:amq", "aws:dynamodb", "lambda"),
            *("aws.s3", "84mawg==", "arn:aws:kinesis:eu-west-1:1:stream/s"),
        ],
    ),
    "platform": like_events(
        [
            *("Records", "ses", "mail", "eventSource", "invocationSchemaVersion", "tasks", "job"),
            *("userArguments", "events", "event", "fullDocument", "ns", "_id", "Execution", "StateMachine"),
            *("State", "Input", "Name", "Id", "RetryCount", "triggerSource", "userPoolId", "request"),
            *("clientMetadata", "awslogs", "data", "alarmArn", "alarmData", "state", "widgetContext"),
            *("invokingEvent", "configRuleArn", "CodePipeline.job", "DeploymentId", "RequestType"),
            *("LifecycleEventHookExecutionId", "ResponseURL", "SecretId", "Step", "Details"),
            *("ContactData", "Parameters", "actionGroup", "agent", "sessionAttributes", "bot"),
            *("invocationSource", "sessionState", "intent", "System", "context", "session", "directive"),
            *("header", "headers", "_observe", "__context__", "_datadog", "name", "value"),
        ],
        ["aws:ses", "aws:docdb", "ContactFlowEvent", TRACEPARENT],
    ),
}


@pytest.mark.parametrize("like", SHAPES)
@given(data=st.data())
def test_any_json_is_read(like: str, data: st.DataObject) -> None:
    """Whatever JSON comes, the source that matches it yields records of strings and a name."""
    reads(data.draw(SHAPES[like]))


@given(
    st.sampled_from(["aws:sqs", "aws:dynamodb"]),
    st.lists(SHAPES["messages"], max_size=3),
)
def test_any_record_of_a_queue_or_table_is_read(service: str, items: list[Any]) -> None:
    """Anything may stand in the place of a message, of its attributes and of its body."""
    reads({"Records": [{"eventSource": service}, *items]})
    for item in items:
        if isinstance(item, dict):
            reads({"Records": [{**item, "eventSource": service}]})


@given(
    st.sampled_from(["aws:kafka", "SelfManagedKafka", "aws:mq", "aws:amq", "aws:rmq"]),
    SHAPES["messages"],
    SHAPES["messages"],
)
def test_any_message_of_a_broker_is_read(service: str, item: Any, other: Any) -> None:
    """Anything may stand in the place of a message or of the batch."""
    for batch in ([item, other], {"0": item, "1": other}, item):
        reads({"eventSource": service, "records": {"t-0": batch}, "messages": batch})
        reads({"eventSource": service, "rmqMessagesByQueue": {"q::/": batch}})
        reads({"eventSource": service, "records": batch, "rmqMessagesByQueue": batch})


# --- Too long ---------------------------------------------------------------------------------


def test_a_value_that_no_header_has_is_left_out() -> None:
    """Values are bounded, wherever they stand."""
    long = {"baggage": "x" * (VALUE_MAX + 1), "traceparent": HEADERS["traceparent"]}
    wanted = {"traceparent": HEADERS["traceparent"]}
    octet = {name: list(value.encode()) for name, value in long.items()}
    rabbit = {"headers": {name: {"bytes": value} for name, value in octet.items()}}
    image = {"_observe": {"M": {name: {"S": value} for name, value in long.items()}}}
    for event in (
        queued("x", messageAttributes=as_attributes(long)),
        queued(json.dumps(notification("x", long))),
        queued(json.dumps({"source": "s", "detail-type": "d", "detail": {"_observe": long}})),
        {"eventSource": "aws:kafka", "records": {"t-0": [{"headers": [octet]}]}},
        {"eventSource": "aws:mq", "messages": [{"properties": long, "correlationID": "x" * 9000}]},
        {"rmqMessagesByQueue": {"q::/": [{"basicProperties": {**rabbit, "correlationId": "x" * 9000}}]}},
        {"Records": [{"eventSource": "aws:dynamodb", "dynamodb": {"NewImage": image}}]},
    ):
        assert [record.headers for record in records(event)] == [wanted]
