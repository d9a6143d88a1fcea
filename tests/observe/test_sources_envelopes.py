"""Messages of queues: the envelopes that other services put around them, and dead letters."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from observe.context import capture, extract
from observe.services import shapes
from observe.services.envelopes import DEPTH_MAX, RECEIPTS_MAX
from tests.observe.sources import (
    CONTEXT,
    HEADERS,
    OTHER,
    as_attributes,
    event_of,
    notification,
    queued,
    reads,
    records,
    told,
)


def _in_topic(value: Any) -> Any:
    return notification(json.dumps(value))


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
    "sns": notification("x", HEADERS),
    "sns event": {"Records": [{"EventSource": "aws:sns", "Sns": notification("x", HEADERS)}]},
    "eventbridge": {"id": "e", "source": "s", "detail-type": "d", "detail": {"_observe": HEADERS}},
    "eventbridge, members": {"id": "e", "source": "s", "detail-type": "d", "detail": {"a": 1, **HEADERS}},
}


@given(st.lists(st.sampled_from(list(WRAPS)), max_size=DEPTH_MAX), st.sampled_from(sorted(LEAVES)))
def test_a_context_is_read_back_through_every_envelope(wraps: list[Any], leaf: str) -> None:
    """What a carrier of ours wrote comes out as it was, through at most DEPTH_MAX envelopes."""
    value = LEAVES[leaf]
    for wrap in wraps:
        value = wrap(value)
    (record,) = records(queued(json.dumps(value)))
    if 1 + sum(WRAPS[wrap] for wrap in wraps) <= DEPTH_MAX:
        assert extract(record.headers) == CONTEXT
    else:
        assert record.headers == {}


@pytest.mark.parametrize("wrap", [_in_destination, _in_rule, _in_delivery], ids=lambda wrap: wrap.__name__)
def test_a_failed_invocations_event_is_read_like_any_event(wrap: Any) -> None:
    """A direct payload with our member, and a stranger's request, of which it is said that it is one."""
    (own,) = records(queued(json.dumps(_in_destination(wrap({"_observe": HEADERS})))))
    inside = {"httpMethod": "GET", "headers": HEADERS, "requestContext": {}}
    (strange,) = records(queued(json.dumps(_in_destination(inside))))
    assert extract(own.headers).trace_id == CONTEXT.trace_id
    assert extract(strange.headers).trace_id == CONTEXT.trace_id
    assert strange.public


def test_a_message_has_its_own_id_and_the_receipts_of_what_it_was() -> None:
    """SNS, EventBridge and S3 returned other IDs to the sender than the one the queue gave."""
    (record,) = records(event_of("sqs-sns-s3"))
    assert record.message_id == "19dd0b57-b21e-4ac1-bd88-01bbb068cb78"
    assert record.receipts == ("95df01b4-ee98-5cb9-9903-4c221d41eb5e", "D82B88E5F771F645")
    detail = {"request-id": "s3-1"}
    body = {"id": "event-1", "source": "aws.s3", "detail-type": "Object Created", "detail": detail}
    (record,) = records(queued(json.dumps(body)))
    assert record.receipts == ("event-1", "s3-1")
    assert records(event_of("sqs-one"))[0].receipts == ()


def test_a_notification_of_many_objects_has_some_receipts() -> None:
    """However many records somebody puts into one notification."""
    item = {"eventSource": "aws:s3", "responseElements": {"x-amz-request-id": "r"}}
    (record,) = records(queued(json.dumps({"Records": [item] * 1000})))
    assert record.receipts == ("r",) * RECEIPTS_MAX


def test_a_messages_own_attributes_come_first() -> None:
    """Where they carry an ID the body is not opened, whatever it says."""
    body = json.dumps(notification("x", OTHER))
    event = queued(body, messageAttributes=as_attributes(HEADERS))
    (record,) = records(event)
    assert extract(record.headers) == CONTEXT
    assert record.receipts == ()
    assert "observe.envelope" not in told(event)


def test_the_trace_header_comes_last() -> None:
    """It stands beside what was found and in the place of nothing."""
    told = "Root=1-67891233-abcdef012345678912345678"
    attributes = {"AWSTraceHeader": told}
    (record,) = records(queued(json.dumps(notification("x", HEADERS)), attributes=attributes))
    assert extract(record.headers) == CONTEXT
    inner = {**HEADERS, "x-amzn-trace-id": "Root=1-00000000-000000000000000000000001"}
    (record,) = records(queued(json.dumps(notification("x", inner)), attributes=attributes))
    assert record.headers["x-amzn-trace-id"] == inner["x-amzn-trace-id"]
    (record,) = records(queued("hello", attributes=attributes))
    assert record.headers == {"x-amzn-trace-id": told}


def test_a_tracestate_outside_does_not_go_with_a_traceparent_inside() -> None:
    """It belongs to another parent."""
    body = json.dumps(notification("x", {"traceparent": HEADERS["traceparent"]}))
    (record,) = records(queued(body, messageAttributes=as_attributes({"tracestate": "other=1"})))
    assert record.headers == {"traceparent": HEADERS["traceparent"]}


@pytest.mark.parametrize(
    "value",
    [
        {"detail": {"_observe": HEADERS}},
        {"detail": HEADERS, **OTHER},
        {"_observe": HEADERS, "detail": "nothing"},
        HEADERS,
        {"__context__": HEADERS},
        notification(json.dumps({"_observe": HEADERS})),
    ],
)
def test_a_payload_is_read_but_not_believed_everything(value: Any) -> None:
    """A transformed event keeps its trace; an API that fills a queue directly passes no stranger's debug."""
    strange = json.dumps(value).replace("observe.hops=2", "observe.debug=1")
    (record,) = records(queued(strange))
    assert record.public
    context = capture(record.headers, trust="public").context
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
        json.dumps(notification("x" * shapes.ENVELOPE_MAX, HEADERS)),
    ],
)
def test_a_body_that_is_no_envelope_is_not_decoded(body: str) -> None:
    """A look at it says so: it is no object, has none of the marks, or is too long."""
    assert not shapes.enveloped(body)
    assert records(queued(body))[0].headers == {}


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
    reads(queued(body))
    assert records(queued(body))[0].headers == {}


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
    reads(queued(body))


# --- Dead letters ---------------------------------------------------------------------------


def test_a_dead_letter_of_lambda_has_the_event_in_it() -> None:
    """The failed invocation's request ID is a receipt: Invoke returned it to the caller."""
    attributes = as_attributes({"RequestID": "lambda-1", "ErrorCode": "200", "ErrorMessage": "secret"})
    event = queued(json.dumps({"_observe": HEADERS}), messageAttributes=attributes)
    (record,) = records(event)
    assert extract(record.headers) == CONTEXT
    assert record.receipts == ("lambda-1",)
    assert told(event)["aws.lambda.dead_letter.error_code"] == "200"
    assert "secret" not in repr(told(event))
    notified = {"Records": [{"EventSource": "aws:sns", "Sns": notification("x", HEADERS)}]}
    (record,) = records(queued(json.dumps(notified), messageAttributes=attributes))
    assert extract(record.headers) == CONTEXT
    assert record.receipts == ("lambda-1", "sns-1")


def test_no_record_of_a_failed_batch_speaks_for_the_others() -> None:
    """A letter with several records in it has nobody's context."""
    item = {"EventSource": "aws:sns", "Sns": notification("x", HEADERS)}
    (record,) = records(queued(json.dumps(_in_destination({"Records": [item, item]}))))
    assert record.headers == {}


def test_a_dead_letter_of_a_queue_is_the_message_again() -> None:
    """It keeps what it carried, and says from which queue it comes."""
    event = event_of("sqs-dead-letter")
    assert extract(records(event)[0].headers).trace_id == CONTEXT.trace_id
    assert told(event)["aws.sqs.dead_letter.source.name"] == "claims"
