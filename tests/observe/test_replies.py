"""The reply to a request that failed: it leaks nothing, and the error is told where it belongs."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import observe
from observe import guard, testing
from observe.testing import Lines
from tests.observe.attached import HTTP_EVENT
from tests.observe.running import run

ALB: dict[str, Any] = {
    "requestContext": {"elb": {"targetGroupArn": "arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/t/1"}},
    "httpMethod": "GET",
    "path": "/",
    "headers": {"x-correlation-id": "CLM-1"},
}
REST = {"httpMethod": "GET", "requestContext": {}, "headers": {"x-correlation-id": "CLM-1"}}
LATTICE = {
    "requestContext": {"serviceNetworkArn": "arn:aws:vpc-lattice:eu-west-1:1:servicenetwork/s"},
    "method": "GET",
    "path": "/",
    "headers": {"x-correlation-id": ["CLM-1"]},
}
SECRET = "table claims_2026 of host db-7 is locked"


def failing(event: Any, context: Any, **options: Any) -> Any:
    """A handler that turns an exception into a reply."""
    try:
        raise LookupError(SECRET)
    except LookupError:
        return observe.error_response(**options)


@pytest.mark.parametrize("event", [HTTP_EVENT, REST, LATTICE])
def test_a_safe_reply(lines: Lines, event: Any) -> None:
    """The ID to ask about, and nothing of the error; no member that a REST API would refuse."""
    reply = run(event, failing)
    assert json.loads(reply.pop("body")) == {"message": "Internal Server Error", "correlation_id": "CLM-1"}
    assert reply == {
        "statusCode": 500,
        "headers": {
            "content-type": "application/json",
            "cache-control": "no-store",
            "x-correlation-id": "CLM-1",
        },
        "isBase64Encoded": False,
    }


def test_the_error_is_logged_with_its_stack_and_fails_the_span(lines: Lines) -> None:
    """One ERROR line, one exception on the span, and the event of the invocation."""
    run(HTTP_EVENT, failing)
    (line,) = lines.logs
    assert (line["level"], line["status"], line["correlation_id"]) == ("ERROR", 500, "CLM-1")
    assert line["error"]["type"] == "LookupError"
    assert line["error"]["message"] == SECRET
    assert "in failing" in line["error"]["stack"]
    (span,) = lines.spans
    assert span["status"]["code"] == 2
    (event,) = span["events"]
    assert event["name"] == "exception"
    assert len(lines.failed_events) == 1


def test_what_the_caller_did_wrong_fails_no_span(lines: Lines) -> None:
    """Below 500 the error is a warning."""
    reply = run(
        HTTP_EVENT, lambda event, context: failing(event, context, status=422, message="no such claim")
    )
    assert reply["statusCode"] == 422
    assert json.loads(reply["body"])["message"] == "no such claim"
    assert [line["level"] for line in lines.logs] == ["WARN"]
    assert "status" not in lines.spans[0]
    assert "events" not in lines.spans[0]


def test_a_load_balancer_gets_what_it_wants(lines: Lines) -> None:
    """A reason phrase; and with multi-value headers on, nothing but these."""
    reply = run(ALB, failing)
    assert reply["statusDescription"] == "500 Internal Server Error"
    assert reply["headers"]["x-correlation-id"] == "CLM-1"
    several = {**ALB, "multiValueHeaders": {"x-correlation-id": ["CLM-1"]}}
    del several["headers"]
    reply = run(several, lambda event, context: failing(event, context, status=599))
    assert reply["statusDescription"] == "599 Error"
    assert "headers" not in reply
    assert reply["multiValueHeaders"]["x-correlation-id"] == ["CLM-1"]


def test_inside_a_record_s_block_the_id_is_the_record_s(lines: Lines) -> None:
    """The context is the one that is current."""
    context = observe.extract({"x-correlation-id": "REC-1"})
    with observe.use(context):
        assert observe.error_response()["headers"]["x-correlation-id"] == "REC-1"


def test_outside_of_an_invocation_and_without_an_error(lines: Lines) -> None:
    """There is no ID to tell, and no exception: a line says so all the same."""
    reply = observe.error_response()
    assert json.loads(reply["body"]) == {"message": "Internal Server Error"}
    assert "x-correlation-id" not in reply["headers"]
    (line,) = lines.logs
    assert line["level"] == "ERROR"
    assert "error" not in line


def test_further_headers_win_and_end_no_header(lines: Lines) -> None:
    """Whatever their case; control characters are left out."""
    further = {"Cache-Control": "max-age=1", "Access-Control-Allow-Origin": "*", "X-A": "b\r\nSet-Cookie: c"}
    headers = observe.error_response(headers=further)["headers"]
    assert headers["cache-control"] == "max-age=1"
    assert headers["access-control-allow-origin"] == "*"
    assert headers["x-a"] == "bSet-Cookie: c"
    assert headers["content-type"] == "application/json"


class _OddError(Exception):
    def __str__(self) -> str:
        raise OSError("no text")


ODD = st.one_of(
    st.none(), st.integers(), st.text(), st.binary(), st.just(_OddError()), st.lists(st.integers())
)


@given(ODD, ODD, ODD, st.one_of(ODD, st.dictionaries(st.text(), st.one_of(st.text(), st.integers()))))
def test_it_never_raises(error: Any, status: Any, message: Any, headers: Any) -> None:
    """Whatever it is given, a reply comes out that can be sent."""
    guard.faults.clear()
    with testing.capture():
        reply = observe.error_response(error, status=status, message=message, headers=headers)
    assert 400 <= reply["statusCode"] <= 599
    json.dumps(reply)
    assert guard.faults == {}
    message = json.loads(reply["body"])["message"]
    assert "OSError" not in message
