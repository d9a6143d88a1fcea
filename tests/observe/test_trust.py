"""The trust edge, wherever what a stranger wrote ends up: in a request, a failed event, a message's body."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

import observe
from observe import invocation, settings
from observe.context import Captured
from observe.services import source_of
from observe.source import lower
from observe.testing import LambdaContext
from tests.observe.running import run

TRACE = "a" * 32
ASKED = {
    "traceparent": f"00-{TRACE}-{'b' * 16}-00",
    "x-correlation-id": "CLM-1",
    "baggage": "observe.debug=1,tenant=7",
    "x-correlation-observe.hops": "40",
    "call-chain-length": "40",
}
REQUEST = {"httpMethod": "GET", "resource": "/claims", "headers": ASKED, "requestContext": {}}


def captured(event: Any, context: Any = None) -> Captured:
    source = source_of(event)
    assert source is not None
    return invocation.capture(source.records(event), source, context, settings.get())


def ended(payload: Any) -> Any:
    """What a destination gets of an asynchronous invocation."""
    return {"requestContext": {"requestId": "r"}, "requestPayload": payload}


def queued(body: Any) -> Any:
    message = {"eventSource": "aws:sqs", "messageId": "m", "body": json.dumps(body), "messageAttributes": {}}
    return {"Records": [message]}


def of_topic(body: Any) -> Any:
    return {"Records": [{"EventSource": "aws:sns", "Sns": {"MessageId": "m", "Message": json.dumps(body)}}]}


@pytest.mark.parametrize("event", [REQUEST, ended(REQUEST), ended(ended(REQUEST))])
def test_a_stranger_is_a_stranger_also_after_a_failure(event: Any) -> None:
    """IDs are believed; debug, hops, baggage in either dialect and "not sampled" are not."""
    context = captured(event).context
    assert (context.trace_id, context.correlation_id) == (TRACE, "CLM-1")
    assert (context.debug, context.hops, context.baggage, context.sampled) == (False, 0, (), True)


def test_an_internal_caller_is_believed_after_a_failure() -> None:
    context = captured(ended({"_observe": ASKED})).context
    assert (context.debug, context.hops, context.sampled) == (True, 40, False)


def test_strict_starts_afresh_after_a_failure_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """And links to what the stranger said."""
    monkeypatch.setenv("OBSERVE_TRUST", "strict")
    settings.reset()
    found = captured(ended(REQUEST))
    assert found.context.trace_id != TRACE
    assert TRACE in [link[0] for link in found.links]


@pytest.mark.parametrize("wrap", [queued, of_topic])
@pytest.mark.parametrize("body", [{"headers": ASKED}, {"detail": {"headers": ASKED}}, ASKED])
def test_what_stands_in_a_body_is_believed_like_a_stranger(wrap: Any, body: Any) -> None:
    """An API may put what strangers send straight into a queue or a topic."""
    context = captured(wrap(body)).context
    assert context.correlation_id == "CLM-1"
    assert (context.debug, context.hops, context.baggage) == (False, 0, ())


def test_a_record_of_a_failed_event_is_believed_like_it() -> None:
    """`observe.records` holds the same edge."""
    seen: list[Any] = []

    def handler(event: Any, context: Any) -> None:
        for record in observe.records(event):
            with record:
                seen.append(observe.current())

    run(ended(REQUEST), handler)
    assert [(context.correlation_id, context.debug, context.baggage) for context in seen] == [
        ("CLM-1", False, ())
    ]


# --- Who tells more -------------------------------------------------------------------------

XRAY = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0"


@pytest.mark.parametrize(
    "event",
    [
        {"headers": {"X-Amzn-Trace-Id": XRAY}},
        {"Records": [{"eventSource": "aws:sqs", "messageId": "m", "attributes": {"AWSTraceHeader": XRAY}}]},
    ],
)
def test_a_callers_own_id_tells_more_than_xrays_header(event: Any) -> None:
    """Who invokes a function and says who it is, is heard, whatever X-Ray has put into the payload."""
    custom = {"traceparent": f"00-{TRACE}-{'b' * 16}-01"}
    assert captured(event, LambdaContext(custom=custom)).context.trace_id == TRACE
    assert captured(event, LambdaContext()).context.trace_id == "5759e988bd862e3fe1be46a994272793"


def test_datadogs_attribute_of_a_topic() -> None:
    """A text, or octets."""
    told = json.dumps({"x-datadog-trace-id": "5", "x-datadog-parent-id": "7"})
    for attribute in (
        {"Type": "String", "Value": told},
        {"Type": "Binary", "Value": base64.b64encode(told.encode()).decode()},
    ):
        message = {"MessageId": "m", "Message": "x", "MessageAttributes": {"_datadog": attribute}}
        event = {"Records": [{"EventSource": "aws:sns", "Sns": message}]}
        assert captured(event).context.trace_id == f"{5:032x}"
        inside = {"Type": "Notification", "TopicArn": "t", **message}
        assert captured(queued(inside)).context.trace_id == f"{5:032x}"


def test_many_spellings_of_one_name_are_joined_once() -> None:
    """2^16 of them are joined in the time of reading them, as HTTP joins repeated headers."""
    names = [
        "".join(c.upper() if n >> i & 1 else c for i, c in enumerate("abcdefghijklmnop"))
        for n in range(1 << 16)
    ]
    joined = lower(dict.fromkeys(names, "v"))["abcdefghijklmnop"]
    assert joined == ",".join(["v"] * (1 << 16))
    assert lower({"A": "1", "a": ["2", "3"], "B": "4"}) == {"a": "1,2,3", "b": "4"}
