"""Sources and carriers: every entry of the two registries keeps the same promises."""

from __future__ import annotations

import base64
import copy
import json
from importlib import import_module
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from observe.context import extract, inject
from observe.services import CARRIERS, SOURCES, carrier_of, http, invoke, shapes, sns, source_of, sqs
from observe.services.attributes import ATTRIBUTES_MAX, MESSAGE_MAX_BYTES, MESSAGE_MAX_BYTES_OLD
from observe.splice import splice
from observe.testing import LambdaContext
from tests.observe.sources import CONTEXT, EVENTS, JSON, event_of


@pytest.mark.parametrize("name", EVENTS)
def test_an_event_is_what_its_file_says(name: str) -> None:
    """Each file of tests/data/events says which source it is and what its records carry."""
    case = EVENTS[name]
    source = source_of(case["event"])
    assert (source.name if source else None) == case["source"]
    if source is None:
        return
    assert [record.headers for record in source.records(case["event"])] == case["headers"]
    told, attributes = source.describe(case["event"])
    assert {"name": told, "attributes": attributes} == case["span"]


#: Shapes of which another one is a special case that comes first.
GENERAL = {("http", "REST_API"), ("step_functions", "STEP_FUNCTIONS"), ("payload", "PAYLOAD")}


def test_every_event_matches_one_shape_or_a_special_case_of_one() -> None:
    """Match order matters nowhere else: what reads an event does not hang on what was added since."""
    assert len({place for _, place in SOURCES}) == len(SOURCES)
    for name, case in EVENTS.items():
        event = shapes.shown(case["event"])
        found = [place for matches, place in SOURCES if matches(event)]
        assert len(set(found[:1]) | (set(found) - GENERAL)) == (1 if case["source"] else 0), name


def test_every_source_has_an_event_file() -> None:
    """Adding a source without an event that shows it fails here."""
    told = {case["source"] for case in EVENTS.values()}
    found = {getattr(import_module(f"observe.services.{module}"), name).name for _, (module, name) in SOURCES}
    assert found == told - {None}


@pytest.mark.parametrize(
    ("name", "trigger", "partial"),
    [
        ("sqs-sns", "pubsub", True),
        ("kafka-msk", "pubsub", False),
        ("activemq", "pubsub", False),
        ("rabbitmq", "pubsub", False),
        ("dynamodb", "datasource", True),
    ],
)
def test_whom_lambda_heeds_without_being_told_more(name: str, trigger: str, partial: bool) -> None:
    """batchItemFailures of MQ are not heeded, of Kafka only in provisioned mode; strangers reach none."""
    source = source_of(event_of(name))
    assert source is not None
    assert (source.trigger, source.partial, source.public) == (trigger, partial, False)


PARAMS: dict[tuple[str, str], list[dict[str, Any]]] = {
    ("sqs", "SendMessage"): [
        {"QueueUrl": "https://q/1/queue", "MessageBody": "{}"},
        {
            "QueueUrl": "q",
            "MessageBody": "é" * 9,
            "MessageAttributes": {"mine": {"DataType": "Number", "StringValue": "1"}},
        },
    ],
    ("sqs", "SendMessageBatch"): [
        {"QueueUrl": "q", "Entries": [{"Id": "1", "MessageBody": "a"}, {"Id": "2", "MessageBody": "b"}]},
        {"QueueUrl": "q", "Entries": []},
        {"QueueUrl": "q", "Entries": "not a list"},
    ],
    ("sns", "Publish"): [
        {"TopicArn": "arn:aws:sns:eu-west-1:1:t", "Message": "{}"},
        {"PhoneNumber": "+33600000000", "Message": "your code"},
        {"TopicArn": "t", "Message": "x", "MessageAttributes": "not a dictionary"},
    ],
    ("sns", "PublishBatch"): [
        {"TopicArn": "t", "PublishBatchRequestEntries": [{"Id": "1", "Message": "a"}]},
        {"TopicArn": "t", "PublishBatchRequestEntries": None},
    ],
    ("lambda", "Invoke"): [
        {"FunctionName": "f"},
        {"FunctionName": "f", "InvocationType": "Event", "Payload": b"{}"},
        {
            "FunctionName": "f",
            "ClientContext": base64.b64encode(b'{"custom":{"a":"1"},"env":{"v":1.10}}').decode(),
        },
        {"FunctionName": "f", "ClientContext": "not base64!"},
    ],
    ("lambda", "InvokeWithResponseStream"): [{"FunctionName": "f"}, {"FunctionName": "f", "Payload": b"{}"}],
    ("events", "PutEvents"): [
        {"Entries": [{"Source": "s", "DetailType": "t", "Detail": '{"a":1.10}', "Resources": ["arn"]}]},
        {"Entries": [{"Detail": "{}", "TraceHeader": "mine"}, {"Detail": "[]"}, {}]},
        {"Entries": "not a list"},
    ],
    ("kinesis", "PutRecord"): [{"StreamName": "s", "Data": b'{"a":1}', "PartitionKey": "1"}, {}],
    ("kinesis", "PutRecords"): [
        {
            "StreamARN": "arn:aws:kinesis:eu-west-1:1:stream/s",
            "Records": [{"Data": "{}", "PartitionKey": "1"}],
        },
        {"Records": [None]},
    ],
    ("firehose", "PutRecord"): [{"DeliveryStreamName": "s", "Record": {"Data": b"{}"}}, {"Record": 3}],
    ("firehose", "PutRecordBatch"): [{"DeliveryStreamName": "s", "Records": [{"Data": b"{}"}]}, {}],
    ("stepfunctions", "StartExecution"): [
        {"stateMachineArn": "arn:aws:states:eu-west-1:1:stateMachine:m", "input": "{}", "name": "n"},
        {"stateMachineArn": 3, "input": 3, "traceHeader": "mine"},
    ],
    ("stepfunctions", "StartSyncExecution"): [{"stateMachineArn": "m", "input": "{}", "name": "n"}, {}],
    ("s3", "PutObject"): [
        {"Bucket": "b", "Key": "k", "Body": b"x", "Metadata": {"mine": "1"}, "Tagging": "a=b"},
        {"Bucket": "b--x-s3", "Metadata": "not a dictionary", "Tagging": 3},
    ],
    ("s3", "CopyObject"): [
        {"Bucket": "b", "Key": "k", "CopySource": "b/c", "MetadataDirective": "REPLACE", "Metadata": {}},
        {"Bucket": "b", "Key": "k", "CopySource": "b/c", "TaggingDirective": "REPLACE"},
    ],
    ("s3", "CreateMultipartUpload"): [{"Bucket": "b", "Key": "k"}, {}],
    ("s3", "CompleteMultipartUpload"): [{"Bucket": "b", "Key": "k", "UploadId": "u"}],
    ("dynamodb", "PutItem"): [
        {"TableName": "t", "Item": {"id": {"S": "1"}, "n": {"N": "1.10"}, "l": {"L": [{"NULL": True}]}}},
        {"TableName": "t", "Item": {"id": "not typed"}},
        {"Item": 3},
    ],
    ("iot-data", "Publish"): [
        {"topic": "claims/1", "payload": b'{"a":1}', "userProperties": [{"mine": "1"}]},
        {"topic": "$aws/things/t/shadow/update", "payload": "{}", "userProperties": "not a list"},
    ],
}


@pytest.mark.parametrize("key", CARRIERS, ids=lambda key: ".".join(key))
def test_a_carrier_leaves_the_callers_parameters_alone_and_is_idempotent(key: tuple[str, str]) -> None:
    """The caller's dictionary stays as it was, and carrying twice is carrying once."""
    carrier = carrier_of(*key)
    assert carrier is not None
    for params in PARAMS[key]:
        before = copy.deepcopy(params)
        once = carrier.carry(params, CONTEXT)
        assert params == before
        assert carrier.carry(once, CONTEXT) == once
        assert isinstance(carrier.describe(params)[0], str)


def _received(message: dict[str, Any]) -> dict[str, Any]:
    """What Lambda makes of a message that was sent with these parameters."""
    attributes = {
        name: {"stringValue": value["StringValue"], "dataType": value["DataType"]}
        for name, value in message.get("MessageAttributes", {}).items()
    }
    system = message.get("MessageSystemAttributes", {})
    return {
        "messageId": "m",
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:eu-west-1:1:queue",
        "body": message["MessageBody"],
        "messageAttributes": attributes,
        "attributes": {name: value["StringValue"] for name, value in system.items()},
    }


def test_sqs_carries_the_whole_context() -> None:
    """What one function sends, the next one reads."""
    carried = sqs.carry_message({"QueueUrl": "q", "MessageBody": "x"}, CONTEXT)
    (record,) = sqs.records({"Records": [_received(carried)]})
    assert extract(record.headers) == CONTEXT


@given(st.integers(0, 12), st.booleans())
def test_sqs_never_exceeds_ten_attributes(existing: int, ours: bool) -> None:
    """However many attributes the caller set, ten is the limit, and none of the caller's is lost."""
    attributes: dict[str, Any] = {
        f"a{n}": {"DataType": "String", "StringValue": "v"} for n in range(existing)
    }
    if ours:
        attributes["TraceParent"] = {"DataType": "String", "StringValue": "the caller's own"}
    message = {"MessageBody": "x", "MessageAttributes": attributes}
    carried = sqs.carry_message(message, CONTEXT)
    assert len(carried["MessageAttributes"]) <= max(ATTRIBUTES_MAX, len(attributes))
    assert attributes.items() <= carried["MessageAttributes"].items()
    if not ours:
        (record,) = sqs.records({"Records": [_received(carried)]})
        assert extract(record.headers).trace_id == CONTEXT.trace_id


def test_sqs_without_room_uses_the_free_header() -> None:
    """Ten attributes of the caller's leave AWSTraceHeader, which carries trace and parent."""
    attributes = {f"a{n}": {"DataType": "String", "StringValue": "v"} for n in range(10)}
    carried = sqs.carry_message({"MessageBody": "x", "MessageAttributes": attributes}, CONTEXT)
    header = carried["MessageSystemAttributes"]["AWSTraceHeader"]["StringValue"]
    assert header == "Root=1-4bf92f35-77b34da6a3ce929d0e0e4736;Parent=00f067aa0ba902b7;Sampled=0"
    (record,) = sqs.records({"Records": [_received(carried)]})
    assert (extract(record.headers).trace_id, extract(record.headers).span_id) == (
        CONTEXT.trace_id,
        CONTEXT.span_id,
    )


@pytest.mark.parametrize("left", [0, 10, 76, 77, 10_000])
def test_sqs_never_exceeds_the_size_limit(left: int) -> None:
    """A message near 1 MiB is not pushed over it."""
    message = {"MessageBody": "é" * ((MESSAGE_MAX_BYTES - left) // 2)}
    carried = sqs.carry_message(message, CONTEXT)
    assert sqs._size(carried) <= MESSAGE_MAX_BYTES


def test_a_queue_with_the_old_limit_is_not_overfilled() -> None:
    """A message that fits 256 KiB still does: many queues have that limit."""
    message = {"MessageBody": "x" * MESSAGE_MAX_BYTES_OLD}
    carried = sqs.carry_message(message, CONTEXT)
    assert sqs._size(carried) == MESSAGE_MAX_BYTES_OLD
    assert "AWSTraceHeader" in carried["MessageSystemAttributes"]


def test_an_sqs_batch_shares_one_limit() -> None:
    """A batch whose messages together are near 1 MiB stays under it."""
    body = "x" * (MESSAGE_MAX_BYTES // 10 - 60)
    params = {"Entries": [{"Id": str(n), "MessageBody": body} for n in range(10)]}
    carried = sqs.carry_batch(params, CONTEXT)
    assert sum(sqs._size(entry) for entry in carried["Entries"]) <= MESSAGE_MAX_BYTES
    assert "MessageSystemAttributes" in carried["Entries"][-1]


def _delivered(message: dict[str, Any]) -> dict[str, Any]:
    """What Lambda makes of what was published with these parameters."""
    given = message.get("MessageAttributes", {})
    told = {name: {"Type": v["DataType"], "Value": v["StringValue"]} for name, v in given.items()}
    return {"EventSource": "aws:sns", "Sns": {"MessageId": "m", "MessageAttributes": told}}


def test_sns_carries_the_whole_context() -> None:
    """What one function publishes, the next one reads, alone and in a batch."""
    carried = sns.carry_message({"TopicArn": "t", "Message": "x"}, CONTEXT)
    (record,) = sns.records({"Records": [_delivered(carried)]})
    assert extract(record.headers) == CONTEXT
    batch = sns.carry_batch({"PublishBatchRequestEntries": [{"Id": "1", "Message": "x"}]}, CONTEXT)
    (record,) = sns.records({"Records": [_delivered(batch["PublishBatchRequestEntries"][0])]})
    assert extract(record.headers) == CONTEXT


@given(st.integers(0, 12))
def test_sns_never_makes_a_message_that_a_raw_subscription_throws_away(existing: int) -> None:
    """SNS discards a message with more than ten attributes on its way to a raw SQS subscription."""
    given_ones = {f"a{n}": {"DataType": "String", "StringValue": "v"} for n in range(existing)}
    message = {"TopicArn": "t", "Message": "x", "MessageAttributes": given_ones}
    carried = sns.carry_message(message, CONTEXT)["MessageAttributes"]
    assert len(carried) <= max(10, existing)
    assert given_ones.items() <= carried.items()
    assert ("traceparent" in carried) == (existing < 10)


def test_sns_stays_under_the_topics_limit() -> None:
    """A message of 256 KiB to the byte is published as it is; a batch shares one limit."""
    full = {"TopicArn": "t", "Message": "x" * MESSAGE_MAX_BYTES_OLD}
    assert sns.carry_message(full, CONTEXT) == full
    half = {"Message": "x" * (MESSAGE_MAX_BYTES_OLD // 2 - 50)}
    batch = sns.carry_batch({"PublishBatchRequestEntries": [half, half]}, CONTEXT)
    sizes = [sns._size(entry) for entry in batch["PublishBatchRequestEntries"]]
    assert sum(sizes) <= MESSAGE_MAX_BYTES_OLD


def test_a_phone_number_is_neither_an_attribute_nor_given_headers() -> None:
    """A text message to a person is left alone and named after nobody."""
    params = {"PhoneNumber": "+33600000000", "Message": "your code"}
    assert sns.carry_message(params, CONTEXT) == params
    assert "+33" not in repr(sns.PUBLISH.describe(params))


def test_invoke_carries_the_whole_context() -> None:
    """What a function invokes synchronously reads the context from its client context."""
    carried = invoke.carry({"FunctionName": "f"}, CONTEXT)
    custom = json.loads(base64.b64decode(carried["ClientContext"]))["custom"]
    assert extract(invoke.record(LambdaContext(custom=custom)).headers) == CONTEXT


def test_invoke_keeps_the_callers_client_context_to_the_byte() -> None:
    """Numbers, duplicate keys and blanks of the caller's client context are not re-serialised."""
    document = '{ "env": {"v": 1.10, "v": 2}, "custom" : { "a": "ë" } }'
    params = {"ClientContext": base64.b64encode(document.encode()).decode()}
    carried = base64.b64decode(invoke.carry(params, CONTEXT)["ClientContext"]).decode()
    added = json.dumps(inject(CONTEXT), separators=(",", ":"))[1:-1]
    assert carried.replace(added + ",", "") == document


def test_invoke_leaves_what_it_cannot_extend() -> None:
    """Asynchronous calls, client contexts that are no JSON object, and full ones are left alone."""
    full = base64.b64encode(b'{"custom":{"a":"' + b"x" * 2600 + b'"}}').decode()
    for params in (
        {"InvocationType": "Event"},
        {"ClientContext": "%%%"},
        {"ClientContext": base64.b64encode(b"[]").decode()},
        {"ClientContext": full},
    ):
        assert invoke.carry(params, CONTEXT) == params


def test_the_runtimes_w3c_fields_are_read() -> None:
    """awslambdaric 4.2 offers traceparent, tracestate and baggage by context.w3c()."""
    context = LambdaContext(custom={"x-correlation-id": "CLM-1", "n": 1})
    context.w3c = lambda: {"traceparent": inject(CONTEXT)["traceparent"]}  # type: ignore[attr-defined]
    assert extract(invoke.record(context).headers).correlation_id == "CLM-1"
    assert extract(invoke.record(context).headers).trace_id == CONTEXT.trace_id


def test_http_headers_of_the_caller_win() -> None:
    """A request that has its own correlation ID or traceparent keeps it."""
    added = http.carry({"x-correlation-id"}, CONTEXT, baggage=True)
    assert set(added) == {"traceparent", "baggage"}
    assert "tracestate" not in http.carry({"traceparent"}, CONTEXT, baggage=False)


@pytest.mark.parametrize(
    ("result", "code"),
    [
        ({"statusCode": 201}, 201),
        ({"statusCode": "502"}, 502),
        ({"statusCode": 99}, 0),
        ({}, 0),
        (None, 0),
        ("x", 0),
    ],
)
def test_the_status_of_a_reply(result: object, code: int) -> None:
    """A proxy reply names its status; anything else names none."""
    assert http.status_of(result) == code


@given(st.dictionaries(st.text(max_size=5), JSON.filter(lambda v: v == v), max_size=5), st.text(max_size=5))
def test_splicing_adds_and_keeps(document: dict[str, Any], key: str) -> None:
    """A spliced document has the members and, without them, is the document it was."""
    text = json.dumps(document, ensure_ascii=False)
    spliced = splice(text, key, {"observe": "1"})
    if isinstance(document.get(key, {}), dict):
        assert spliced is not None
        value = json.loads(spliced)
        assert value[key]["observe"] == "1" or "observe" in document[key]
        value[key].pop("observe")
        expected = {**document, key: {k: v for k, v in document.get(key, {}).items() if k != "observe"}}
        assert json.dumps(value, sort_keys=True) == json.dumps(expected, sort_keys=True)
        assert splice(spliced, key, {"observe": "2"}) == spliced
    else:
        assert spliced is None


@pytest.mark.parametrize(
    "text", ["", "[]", "3", "{", '{"a":', "{} trailing", "null", '{"a":1}{"b":2}', "[" * 100_000]
)
def test_splicing_declines_what_is_no_object(text: str) -> None:
    """What is not one JSON object is left alone."""
    assert splice(text, "custom", {"a": "1"}) is None
