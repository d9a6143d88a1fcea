"""Queues, brokers and streams: what a message carries in its own way, and what in the envelopes around it."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from observe.context import Context, extract, inject
from observe.services import shapes, source_of
from observe.services.envelopes import DEPTH_MAX, RECEIPTS_MAX
from observe.services.properties import octets, projected, scalar, sequence
from observe.source import VALUE_MAX, Record

FOLDER = Path(__file__).parents[1] / "data" / "events"
CONTEXT = Context("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", correlation_id="CLM-1", hops=2)
HEADERS = inject(CONTEXT)
OTHER = {name: value.replace("4bf9", "aaaa") for name, value in HEADERS.items()}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=20,
)
KEYS = st.sampled_from(
    [
        *(
            "eventSource",
            "EventSource",
            "Records",
            "records",
            "messages",
            "rmqMessagesByQueue",
            "q::/",
            "t-0",
        ),
        *("body", "attributes", "messageAttributes", "AWSTraceHeader", "DeadLetterQueueSourceArn"),
        *("RequestID", "ErrorCode", "stringValue", "Type", "TopicArn", "MessageId", "Message", "Sns"),
        *("MessageAttributes", "Value", "detail", "detail-type", "source", "id", "request-id"),
        *("requestContext", "requestPayload", "requestId", "responseElements", "x-amz-request-id"),
        *("topic", "partition", "offset", "headers", "0", "1", "properties", "correlationID", "messageID"),
        *("destination", "physicalName", "basicProperties", "correlationId", "bytes", "dynamodb"),
        *("NewImage", "SequenceNumber", "eventName", "eventSourceARN", "S", "N", "M", "_observe"),
        *("traceparent", "x-correlation-id", "baggage", "x_correlation_id", "__context__"),
    ]
)
WORDS = st.sampled_from(
    [
        *("aws:sqs", "aws:sns", "aws:s3", "aws:kafka", "SelfManagedKafka", "aws:mq", "aws:amq", "aws:rmq"),
        *("aws:dynamodb", "Notification", "aws.s3", "INSERT", "-1", "255", *HEADERS.values()),
    ]
)
SHAPES = st.recursive(
    JSON | WORDS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(KEYS, inner, max_size=6)
        | st.dictionaries(KEYS, inner, max_size=6).map(json.dumps)  # a text that is an event again
    ),
    max_leaves=40,
)


def _event(name: str) -> Any:
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))["event"]


def _records(event: Any) -> list[Record]:
    source = source_of(event)
    assert source is not None
    return source.records(event)


def _told(event: Any) -> dict[str, Any]:
    source = source_of(event)
    assert source is not None
    return source.describe(event)[1]


def _reads(event: Any) -> None:
    """Whatever matches `event` reads it without raising and without changing it."""
    before = copy.deepcopy(event)
    source = source_of(event)
    if source is not None:
        for record in source.records(event):
            assert all(isinstance(k, str) and isinstance(v, str) for k, v in record.headers.items())
            assert all(k == k.lower() for k in record.headers)
            assert isinstance(record.message_id, str)
            assert isinstance(record.receipts, tuple)
            assert all(isinstance(receipt, str) and receipt for receipt in record.receipts)
            extract(record.headers)
        name, attributes = source.describe(event)
        assert isinstance(name, str)
        assert name
        assert all(isinstance(value, str | int) for value in attributes.values())
    assert repr(event) == repr(before)


@given(SHAPES)
def test_capture_never_raises_on_any_json(event: Any) -> None:
    """Whatever JSON comes, the source that matches it yields records of strings and a name."""
    _reads(event)


@given(
    st.sampled_from(["aws:sqs", "aws:dynamodb"]),
    st.lists(st.dictionaries(KEYS, SHAPES, max_size=6) | JSON, max_size=3),
)
def test_no_record_of_a_queue_or_table_makes_capture_raise(service: str, items: list[Any]) -> None:
    """Anything may stand in the place of a message, of its attributes and of its body."""
    _reads({"Records": [{"eventSource": service}, *items]})
    for item in items:
        if isinstance(item, dict):
            _reads({"Records": [{**item, "eventSource": service}]})


@given(st.sampled_from(["aws:kafka", "SelfManagedKafka", "aws:mq", "aws:amq", "aws:rmq"]), SHAPES, SHAPES)
def test_no_message_of_a_broker_makes_capture_raise(service: str, item: Any, other: Any) -> None:
    """Anything may stand in the place of a message or of the batch."""
    for batch in ([item, other], {"0": item, "1": other}, item):
        _reads({"eventSource": service, "records": {"t-0": batch}, "messages": batch})
        _reads({"eventSource": service, "rmqMessagesByQueue": {"q::/": batch}})
        _reads({"eventSource": service, "records": batch, "rmqMessagesByQueue": batch})


@given(st.data())
def test_capture_never_raises_on_a_body_with_one_thing_wrong(data: st.DataObject) -> None:
    """An envelope with anything at all in one of its places is still read."""
    names = ["sqs-sns", "sqs-eventbridge", "sqs-s3", "sqs-destination", "sqs-dead-letter-lambda"]
    event = _event(data.draw(st.sampled_from(names)))
    message = event["Records"][0]
    body = json.loads(message["body"])
    spot = body
    while True:
        key = data.draw(st.sampled_from(sorted(spot)) if isinstance(spot, dict) else st.just(0))
        if not isinstance(spot[key], dict | list) or not spot[key] or data.draw(st.booleans()):
            break
        spot = spot[key]
    spot[key] = data.draw(JSON | SHAPES)
    message["body"] = json.dumps(body)
    _reads(event)


# --- Envelopes in a queue -------------------------------------------------------------------


def _queued(body: str, **members: Any) -> dict[str, Any]:
    return {"Records": [{"messageId": "m", "eventSource": "aws:sqs", "body": body, **members}]}


def _attributes(headers: dict[str, str]) -> dict[str, Any]:
    return {name: {"stringValue": value, "dataType": "String"} for name, value in headers.items()}


def _notification(message: str, headers: dict[str, str] | None = None) -> dict[str, Any]:
    return {
        "Type": "Notification",
        "MessageId": "sns-1",
        "TopicArn": "arn:aws:sns:eu-west-1:1:t",
        "Message": message,
        "MessageAttributes": {k: {"Type": "String", "Value": v} for k, v in (headers or {}).items()},
    }


def _in_topic(value: Any) -> Any:
    return _notification(json.dumps(value))


def _in_delivery(value: Any) -> Any:
    return {"Records": [{"EventSource": "aws:sns", "Sns": _in_topic(value)}]}


def _in_destination(value: Any) -> Any:
    return {"requestContext": {"requestId": "lambda-1"}, "requestPayload": value}


def _in_rule(value: Any) -> Any:
    """What a destination of the kind event bus makes of the end of an invocation."""
    return {"id": "event-1", "source": "lambda", "detail-type": "ended", "detail": _in_destination(value)}


#: How many envelopes each of them is.
WRAPS = {_in_topic: 1, _in_delivery: 1, _in_destination: 1, _in_rule: 2}
LEAVES = {
    "sns": _notification("x", HEADERS),
    "sns event": {"Records": [{"EventSource": "aws:sns", "Sns": _notification("x", HEADERS)}]},
    "eventbridge": {"id": "e", "source": "s", "detail-type": "d", "detail": {"_observe": HEADERS}},
    "eventbridge, members": {"id": "e", "source": "s", "detail-type": "d", "detail": {"a": 1, **HEADERS}},
}


@given(st.lists(st.sampled_from(list(WRAPS)), max_size=DEPTH_MAX), st.sampled_from(sorted(LEAVES)))
def test_a_context_is_read_back_through_every_envelope(wraps: list[Any], leaf: str) -> None:
    """What a carrier of ours wrote comes out as it was, through at most DEPTH_MAX envelopes."""
    value = LEAVES[leaf]
    for wrap in wraps:
        value = wrap(value)
    (record,) = _records(_queued(json.dumps(value)))
    if 1 + sum(WRAPS[wrap] for wrap in wraps) <= DEPTH_MAX:
        assert extract(record.headers) == CONTEXT
    else:
        assert record.headers == {}


@pytest.mark.parametrize("wrap", [_in_destination, _in_rule, _in_delivery], ids=lambda wrap: wrap.__name__)
def test_a_failed_invocations_event_is_read_like_any_event(wrap: Any) -> None:
    """A direct payload with our member is read whole; a stranger's request without debug, hops, baggage."""
    (own,) = _records(_queued(json.dumps(_in_destination(wrap({"_observe": HEADERS})))))
    inside = {"httpMethod": "GET", "headers": HEADERS, "requestContext": {}}
    (strange,) = _records(_queued(json.dumps(_in_destination(inside))))
    assert extract(own.headers).trace_id == CONTEXT.trace_id
    assert extract(strange.headers).trace_id == CONTEXT.trace_id
    assert "baggage" not in strange.headers


def test_a_message_has_its_own_id_and_the_receipts_of_what_it_was() -> None:
    """SNS, EventBridge and S3 returned other IDs to the sender than the one the queue gave."""
    (record,) = _records(_event("sqs-sns-s3"))
    assert record.message_id == "19dd0b57-b21e-4ac1-bd88-01bbb068cb78"
    assert record.receipts == ("95df01b4-ee98-5cb9-9903-4c221d41eb5e", "D82B88E5F771F645")
    detail = {"request-id": "s3-1"}
    body = {"id": "event-1", "source": "aws.s3", "detail-type": "Object Created", "detail": detail}
    (record,) = _records(_queued(json.dumps(body)))
    assert record.receipts == ("event-1", "s3-1")
    assert _records(_event("sqs-one"))[0].receipts == ()


def test_a_notification_of_many_objects_has_some_receipts() -> None:
    """However many records somebody puts into one notification."""
    item = {"eventSource": "aws:s3", "responseElements": {"x-amz-request-id": "r"}}
    (record,) = _records(_queued(json.dumps({"Records": [item] * 1000})))
    assert record.receipts == ("r",) * RECEIPTS_MAX


def test_a_messages_own_attributes_come_first() -> None:
    """Where they carry an ID the body is not opened, whatever it says."""
    body = json.dumps(_notification("x", OTHER))
    event = _queued(body, messageAttributes=_attributes(HEADERS))
    (record,) = _records(event)
    assert extract(record.headers) == CONTEXT
    assert record.receipts == ()
    assert "observe.envelope" not in _told(event)


def test_the_trace_header_comes_last() -> None:
    """It stands beside what was found and in the place of nothing."""
    told = "Root=1-67891233-abcdef012345678912345678"
    attributes = {"AWSTraceHeader": told}
    (record,) = _records(_queued(json.dumps(_notification("x", HEADERS)), attributes=attributes))
    assert extract(record.headers) == CONTEXT
    inner = {**HEADERS, "x-amzn-trace-id": "Root=1-00000000-000000000000000000000001"}
    (record,) = _records(_queued(json.dumps(_notification("x", inner)), attributes=attributes))
    assert record.headers["x-amzn-trace-id"] == inner["x-amzn-trace-id"]
    (record,) = _records(_queued("hello", attributes=attributes))
    assert record.headers == {"x-amzn-trace-id": told}


def test_a_tracestate_outside_does_not_go_with_a_traceparent_inside() -> None:
    """It belongs to another parent."""
    body = json.dumps(_notification("x", {"traceparent": HEADERS["traceparent"]}))
    (record,) = _records(_queued(body, messageAttributes=_attributes({"tracestate": "other=1"})))
    assert record.headers == {"traceparent": HEADERS["traceparent"]}


@pytest.mark.parametrize(
    "value",
    [
        {"detail": {"_observe": HEADERS}},
        {"detail": HEADERS, **OTHER},
        {"_observe": HEADERS, "detail": "nothing"},
        HEADERS,
        {"__context__": HEADERS},
        _notification(json.dumps({"_observe": HEADERS})),
    ],
)
def test_a_payload_is_read_but_not_believed_everything(value: Any) -> None:
    """A transformed event keeps its trace; an API that fills a queue directly passes no stranger's debug."""
    strange = json.dumps(value).replace("observe.hops=2", "observe.debug=1")
    (record,) = _records(_queued(strange))
    context = extract(record.headers)
    assert (context.trace_id, context.span_id) == (CONTEXT.trace_id, CONTEXT.span_id)
    assert context.correlation_id == "CLM-1"
    assert (context.debug, context.hops) == (False, 0)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "hello world",
        "[]",
        '{"claim": "CLM-1"}',
        '["traceparent"]',
        "<soap>raceparent</soap>",
        '"{\\"TopicArn\\""',
        json.dumps(_notification("x" * shapes.ENVELOPE_MAX, HEADERS)),
    ],
)
def test_a_body_that_is_no_envelope_is_not_decoded(body: str) -> None:
    """A look at it says so: it is no object, has none of the marks, or is too long."""
    assert not shapes.enveloped(body)
    assert _records(_queued(body))[0].headers == {}


@pytest.mark.parametrize(
    "body",
    [
        '{"TopicArn"',
        '{"traceparent": ' + "[" * 100_000,
        '{"traceparent": ' + "9" * 10_000 + "}",
        '{"traceparent": NaN, "TopicArn": 1e999}',
        '{"TopicArn": "t", "Type": "Notification", "Message": "{\\"detail-type\\""}',
    ],
)
def test_a_body_that_only_looks_like_one_carries_nothing(body: str) -> None:
    """Broken, deep or absurd JSON is somebody else's."""
    _reads(_queued(body))
    assert _records(_queued(body))[0].headers == {}


def test_events_in_events_without_end_are_read_with_an_end() -> None:
    """Escapes of escapes grow slowly: 100 queues in destinations of one another fit into one body."""
    body = "x"
    for _ in range(100):
        text = '"' + body.replace("\\", "\\u005c").replace('"', "\\u0022") + '"'
        record = f'{{"eventSource":"aws:sqs","body":{text}}}'
        body = f'{{"requestContext":{{}},"requestPayload":{{"Records":[{record}]}}}}'
        if len(body) > shapes.ENVELOPE_MAX // 2:
            break
    assert json.loads(body)
    _reads(_queued(body))


def test_a_value_that_no_header_has_is_left_out() -> None:
    """Values are bounded, wherever they stand."""
    long = {"baggage": "x" * (VALUE_MAX + 1), "traceparent": HEADERS["traceparent"]}
    wanted = {"traceparent": HEADERS["traceparent"]}
    octet = {name: list(value.encode()) for name, value in long.items()}
    rabbit = {"headers": {name: {"bytes": value} for name, value in octet.items()}}
    image = {"_observe": {"M": {name: {"S": value} for name, value in long.items()}}}
    for event in (
        _queued("x", messageAttributes=_attributes(long)),
        _queued(json.dumps(_notification("x", long))),
        _queued(json.dumps({"source": "s", "detail-type": "d", "detail": {"_observe": long}})),
        {"eventSource": "aws:kafka", "records": {"t-0": [{"headers": [octet]}]}},
        {"eventSource": "aws:mq", "messages": [{"properties": long, "correlationID": "x" * 9000}]},
        {"rmqMessagesByQueue": {"q::/": [{"basicProperties": {**rabbit, "correlationId": "x" * 9000}}]}},
        {"Records": [{"eventSource": "aws:dynamodb", "dynamodb": {"NewImage": image}}]},
    ):
        assert [record.headers for record in _records(event)] == [wanted]


# --- Dead letters ---------------------------------------------------------------------------


def test_a_dead_letter_of_lambda_has_the_event_in_it() -> None:
    """The failed invocation's request ID is a receipt: Invoke returned it to the caller."""
    attributes = _attributes({"RequestID": "lambda-1", "ErrorCode": "200", "ErrorMessage": "secret"})
    event = _queued(json.dumps({"_observe": HEADERS}), messageAttributes=attributes)
    (record,) = _records(event)
    assert extract(record.headers) == CONTEXT
    assert record.receipts == ("lambda-1",)
    assert _told(event)["aws.lambda.dead_letter.error_code"] == "200"
    assert "secret" not in repr(_told(event))
    notified = {"Records": [{"EventSource": "aws:sns", "Sns": _notification("x", HEADERS)}]}
    (record,) = _records(_queued(json.dumps(notified), messageAttributes=attributes))
    assert extract(record.headers) == CONTEXT
    assert record.receipts == ("lambda-1", "sns-1")


def test_no_record_of_a_failed_batch_speaks_for_the_others() -> None:
    """A letter with several records in it has nobody's context."""
    item = {"EventSource": "aws:sns", "Sns": _notification("x", HEADERS)}
    (record,) = _records(_queued(json.dumps(_in_destination({"Records": [item, item]}))))
    assert record.headers == {}


def test_a_dead_letter_of_a_queue_is_the_message_again() -> None:
    """It keeps what it carried, and says from which queue it comes."""
    event = _event("sqs-dead-letter")
    assert extract(_records(event)[0].headers).trace_id == CONTEXT.trace_id
    assert _told(event)["aws.sqs.dead_letter.source.name"] == "claims"


# --- Kafka, ActiveMQ, RabbitMQ --------------------------------------------------------------


def _spellings(value: str) -> list[Any]:
    """Octets in every way in which they have been seen."""
    signed = [byte - 256 if byte > 127 else byte for byte in value.encode()]
    digits = [str(byte) for byte in value.encode()]
    return [
        list(value.encode()),
        signed,
        digits,
        {str(n): byte for n, byte in reversed(list(enumerate(digits)))},
        {str(n): byte for n, byte in enumerate(signed)},
    ]


@given(st.text(min_size=1, max_size=50))
def test_octets_are_read_in_every_spelling(value: str) -> None:
    """Signed or not, as numbers or digits, in a list or in a map by index: the same text."""
    assert {octets(spelling) for spelling in _spellings(value)} == {value}


@pytest.mark.parametrize(
    "value",
    [[], {}, None, "text", 5, [255], [-1], [256], [-129], [10**30], [1.0], ["x"], [None], {"a": 1}, ["٣x"]],
)
def test_what_is_no_text_is_no_header(value: Any) -> None:
    """UTF-8 is read strictly, and nothing is guessed."""
    assert octets(value) is None


@given(JSON)
def test_no_value_is_read_with_an_exception(value: Any) -> None:
    """Anything at all may stand where octets, a list or a scalar should."""
    assert isinstance(octets(value), str | None)
    assert isinstance(scalar(value), str | None)
    assert isinstance(sequence(value), list)


def test_numbers_of_properties_are_text() -> None:
    """As a Java client would print them; one that no property holds is left out."""
    assert [scalar(value) for value in (2, True, 1.5, 2**65)] == ["2", "true", "1.5", None]


@pytest.mark.parametrize("form", range(5))
def test_kafka_headers_carry_the_whole_context(form: int) -> None:
    """In every spelling, and the last of one name counts."""
    headers = [{name: _spellings(value)[form]} for name, value in {**OTHER}.items()]
    headers += [{name: _spellings(value)[form]} for name, value in HEADERS.items()]
    for listed in (headers, {str(n): header for n, header in enumerate(headers)}):
        event = {"eventSource": "aws:kafka", "records": {"my-topic-12": [{"offset": 7, "headers": listed}]}}
        (record,) = _records(event)
        assert extract(record.headers) == CONTEXT
        assert record.message_id == "my-topic-12@7"


def test_many_headers_before_ours_do_not_hide_them() -> None:
    """A producer's tracing comes last; what is looked at is bounded from the other end."""
    headers = [{f"a{n}": [97]} for n in range(5000)] + [
        {name: list(value.encode())} for name, value in HEADERS.items()
    ]
    (record,) = _records({"eventSource": "aws:kafka", "records": {"t-0": [{"headers": headers}]}})
    assert extract(record.headers) == CONTEXT
    assert len(record.headers) == 1000


def test_every_kafka_record_is_one_whatever_it_is() -> None:
    """Records stay in the event's order, so that the n-th is the n-th."""
    event = {
        "eventSource": "aws:kafka",
        "records": {"t-0": [{"offset": 1}, None, {"offset": True}], "t-1": [{"offset": 2}]},
    }
    assert [record.message_id for record in _records(event)] == ["t-0@1", "", "", "t-1@2"]
    assert _told(event)["messaging.batch.message_count"] == 4


@pytest.mark.parametrize(
    "spell",
    [
        str,
        str.upper,
        lambda name: name.replace("-", "_"),
        lambda name: name.replace("-", "__dash__"),
        lambda name: name.title().replace("-", "_HYPHEN_"),
    ],
)
def test_properties_carry_the_whole_context(spell: Any) -> None:
    """JMS knows no hyphens; a table of RabbitMQ knows octets and texts."""
    spelled = {spell(name): value for name, value in HEADERS.items()}
    active = {"eventSource": "aws:mq", "messages": [{"properties": spelled, "correlationID": "rpc-1"}]}
    table = {name: {"bytes": list(value.encode())} for name, value in spelled.items()}
    for headers in (spelled, table):
        properties = {"headers": headers, "correlationId": "rpc-1"}
        rabbit = {"eventSource": "aws:rmq", "rmqMessagesByQueue": {"q::/": [{"basicProperties": properties}]}}
        assert [extract(record.headers) for record in _records(rabbit)] == [CONTEXT]
    assert [extract(record.headers) for record in _records(active)] == [CONTEXT]


def test_an_exact_name_counts_before_one_that_means_it() -> None:
    """In whichever order they come."""
    pairs = [("x-correlation-id", "a"), ("x_correlation_id", "b"), ("JMSCorrelationID", "c")]
    assert projected(pairs) == projected(reversed(pairs)) == {"x-correlation-id": "a"}
    assert projected([*pairs, ("X-Correlation-ID", "d")]) == {"x-correlation-id": "d"}


def test_a_correlation_id_of_the_protocol_is_taken_where_no_header_has_one() -> None:
    """JMSCorrelationID and AMQP's correlation-id are both sides' oldest common name for it."""
    for name, message_id in (("activemq-jms", "ID:1"), ("rabbitmq-bare", "")):
        record = _records(_event(name))[0]
        assert (extract(record.headers).correlation_id, record.message_id) == ("CLM-1", message_id)


# --- DynamoDB -------------------------------------------------------------------------------


def _change(image: Any, name: str = "INSERT") -> dict[str, Any]:
    arn = "arn:aws:dynamodb:eu-west-1:1:table/claims/stream/2026"
    change = {"NewImage": image, "SequenceNumber": "7"}
    return {"eventSource": "aws:dynamodb", "eventName": name, "eventSourceARN": arn, "dynamodb": change}


@pytest.mark.parametrize(
    "image",
    [
        {name: {"S": value} for name, value in HEADERS.items()},
        {"_observe": {"M": {name: {"S": value} for name, value in HEADERS.items()}}},
        {
            "_observe": {"M": {name: {"S": value} for name, value in HEADERS.items()}},
            **{name: {"S": value} for name, value in OTHER.items()},
        },
    ],
)
def test_an_item_carries_the_whole_context(image: Any) -> None:
    """Our own member counts before members of the item."""
    (record,) = _records({"Records": [_change(image)]})
    assert extract(record.headers) == CONTEXT
    assert record.message_id == "7"


def test_an_old_image_is_nobodys_context() -> None:
    """Who deletes an item did not write what was in it."""
    assert _records(_event("dynamodb-mixed"))[1].headers == {}


def test_what_was_done_is_told_if_it_was_the_same_to_all() -> None:
    """INSERT, MODIFY and REMOVE in the words of OpenTelemetry."""
    for name, word in (("INSERT", "insert"), ("MODIFY", "edit"), ("REMOVE", "delete")):
        assert _told({"Records": [_change({}, name)] * 2})["faas.document.operation"] == word
    assert "faas.document.operation" not in _told({"Records": [_change({}), _change({}, "REMOVE")]})


# --- All ------------------------------------------------------------------------------------


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
    source = source_of(_event(name))
    assert source is not None
    assert (source.trigger, source.partial, source.public) == (trigger, partial, False)


def test_ten_thousand_messages_are_ten_thousand_records() -> None:
    """Every one is read for itself."""
    bodies = [json.dumps(_notification("x", {**HEADERS, "x-correlation-id": f"CLM-{n}"})) for n in range(10)]
    items = _queued("")["Records"] * 10_000
    event = {"Records": [{**item, "body": bodies[n % 10]} for n, item in enumerate(items)]}
    found = _records(event)
    assert len(found) == 10_000
    assert {record.headers["x-correlation-id"] for record in found} == {f"CLM-{n}" for n in range(10)}


def test_a_plain_message_loads_no_envelopes() -> None:
    """Most messages are in none, and a function of a queue does not pay for those that are."""
    code = (
        "import sys\n"
        "from observe.services import source_of\n"
        "event = {'Records': [{'eventSource': 'aws:sqs', 'body': '{}'}]}\n"
        "source = source_of(event)\n"
        "source.records(event), source.describe(event)\n"
        "print(*sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = done.stdout.split()
    assert "observe.services.sqs" in loaded
    others = ("envelopes", "payload", "destination", "kafka", "properties", "eventbridge")
    assert not {f"observe.services.{name}" for name in others} & set(loaded)
    assert not {"base64", "hashlib", "dataclasses", "datetime", "urllib.parse"} & set(loaded)
