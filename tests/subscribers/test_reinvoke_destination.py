"""Records of on-failure destinations, in whatever they came."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from observe.testing import events
from subscribers.reinvoke import Failed
from subscribers.reinvoke_destination import NoDestinationError, failed_of

ARN = "arn:aws:lambda:eu-west-1:123456789012:function:assess"


def record(payload: str = '{"claim": 1.50}', **context: Any) -> str:
    """A record as Lambda writes it, with `payload` as it stands.

    https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
    """
    told = {
        "version": "1.0",
        "timestamp": "2019-11-14T18:16:05.568Z",
        "requestContext": {
            "requestId": "e4b46cbf-b738-xmpl-8880-a18cdf61200e",
            "functionArn": f"{ARN}:$LATEST",
            "condition": "RetriesExhausted",
            "approximateInvokeCount": 3,
            **context,
        },
        "requestPayload": "@payload@",
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        "responsePayload": {
            "errorMessage": "RequestId: e4b46cbf Process exited",
            "errorType": "Runtime.ExitError",
        },
    }
    return json.dumps(told).replace('"@payload@"', payload)


def read(text: str) -> list[Failed]:
    return failed_of(text.encode(), "record.json")


def test_a_record_tells_function_time_reason_and_event() -> None:
    """The payload is the text that it was: a number keeps its zero."""
    (found,) = read(record())
    assert found.event is not None
    assert (found.event.text, found.event.marks) == ('{"claim": 1.50}', None)
    assert (found.origin.account, found.origin.region) == ("123456789012", "eu-west-1")
    assert (found.function, found.version, found.attempts) == ("assess", "$LATEST", 3)
    assert found.why == "RetriesExhausted: Runtime.ExitError"
    assert found.time_unix_nano == 1_573_755_365_568_000_000
    assert not found.did_succeed


def wrapped() -> dict[str, str]:
    """What a record comes in, by a word."""
    text = record()
    tree = json.loads(text)
    return {
        "itself": text,
        "list": f"[{text}, {text}]",
        "lines": f"{text}\n{text}\n",
        "pretty, one behind another": f"{json.dumps(tree, indent=2)}\n{json.dumps(tree, indent=2)}",
        "byte order mark": "\ufeff" + text,
        "queue's event": json.dumps(events.sqs(text)),
        "receive-message": json.dumps({"Messages": [{"MessageId": "m", "Body": text}]}),
        "topic's event": json.dumps(events.sns(text)),
        "topic in a queue": json.dumps(
            {"Messages": [{"Body": json.dumps({"Type": "Notification", "Message": text})}]}
        ),
        "bus": json.dumps({"source": "lambda", "detail-type": "...", "detail": tree}),
    }


@pytest.mark.parametrize("name", [*wrapped()])
def test_a_record_is_found_in_whatever_it_came(name: str) -> None:
    """In each, with its event."""
    found = read(wrapped()[name])
    assert len(found) == (2 if name in ("list", "lines", "pretty, one behind another") else 1)
    assert {json.loads(one.event.text)["claim"] for one in found if one.event} == {1.5}


def test_a_record_of_a_success_says_so() -> None:
    """It is planned, to be refused with that reason."""
    (found,) = read(record(condition="Success"))
    assert found.did_succeed


def test_a_payload_that_did_not_fit_is_no_event() -> None:
    """Lambda leaves it out where the destination takes less."""
    (found,) = read(record("null"))
    assert found.event is None


def test_another_version_is_told() -> None:
    """By the response, else by the ARN."""
    text = record(functionArn=f"{ARN}:12")
    assert read(text)[0].version == "$LATEST"
    assert read(text.replace('"executedVersion": "$LATEST", ', ""))[0].version == "12"


@pytest.mark.parametrize(
    "text",
    ["", "null", "3", "[]", "{}", '{"a": 1}', json.dumps(events.sqs("hello")), json.dumps(events.http_api())],
)
def test_what_holds_no_record_is_an_error(text: str) -> None:
    """An API's event has a requestContext, too, and is none."""
    with pytest.raises(NoDestinationError, match=r"record\.json"):
        read(text)


@pytest.mark.parametrize("text", ["{", "[1, ", '{"requestContext": ', "[" * 100_000, "\x00"])
def test_what_is_no_json_is_an_error(text: str) -> None:
    """With the name of the file."""
    with pytest.raises(NoDestinationError, match=r"record\.json"):
        read(text)


@given(st.binary(max_size=60) | st.text(max_size=60).map(lambda text: text.encode("utf-8", "replace")))
def test_reading_raises_nothing_else(data: bytes) -> None:
    """Law: any bytes are records or a NoDestinationError."""
    try:
        assert failed_of(data, "x")
    except NoDestinationError as error:
        assert error.reason == "no_destination"  # noqa: PT017 - either is right


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=8,
)


@given(VALUES.filter(lambda value: value is not None), st.booleans(), st.sampled_from([None, 1]))
def test_a_payload_keeps_every_byte(value: Any, ascii_only: bool, indent: int | None) -> None:
    """Law: whatever the event and however it is written, the text is the same; also inside a message."""
    payload = (
        json.dumps(value, ensure_ascii=ascii_only, indent=indent, allow_nan=False)
        if _is_json(value)
        else "{}"
    )
    text = record(payload)
    for held in (text, json.dumps({"Messages": [{"Body": text}]})):
        (found,) = read(held)
        assert found.event is not None
        assert found.event.text == payload


def _is_json(value: Any) -> bool:
    try:
        json.dumps(value, allow_nan=False).encode()
        json.dumps(value, ensure_ascii=False).encode()
    except ValueError:
        return False
    return True
