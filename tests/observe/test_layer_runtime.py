"""The built zip, attached by the exec wrapper, under the real runtime interface client.

The handlers here know nothing of the layer.
"""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.observe.attached import APP, HTTP_EVENT, TRACE, TRACEPARENT, Run

pytestmark = pytest.mark.runtime


def _derived(value: str) -> str:
    from observe.ids import derive_trace_id

    return derive_trace_id(value)


def test_a_handler_that_knows_nothing_of_us(run: Run) -> None:
    """Its lines and its result are what they were; one span line is added, under the client's ID."""
    bare, observed = run(APP, layer=False), run(APP)
    assert json.loads(bare(HTTP_EVENT).payload)["statusCode"] == 201
    reply = json.loads(observed(HTTP_EVENT).payload)
    assert (reply["statusCode"], reply["handler"]) == (201, "app.handler")
    assert reply["path"][-1].endswith("/observe-lib")
    assert observed.application == bare.application
    (span,) = observed.spans
    assert span["name"] == "POST /claims"
    assert span["attributes"]["correlation_id"] == "CLM-1"
    assert span["attributes"]["http.response.status_code"] == "201"
    assert span["attributes"]["faas.coldstart"] is True
    assert "parentSpanId" not in span
    assert observed.said == []

    request_id = observed(HTTP_EVENT).request_id
    (span,) = observed.spans
    assert span["attributes"]["faas.invocation_id"] == request_id
    assert "faas.coldstart" not in span["attributes"]


def test_a_foreign_traceparent_is_the_parent_and_the_correlation_id_is_linked(run: Run) -> None:
    """Two IDs, one story: the caller's trace goes on, and the derived trace is linked."""
    observed = run(APP)
    observed({**HTTP_EVENT, "headers": {"traceparent": TRACEPARENT, "x-correlation-id": "CLM-1"}})
    (span,) = observed.spans
    assert (span["traceId"], span["parentSpanId"]) == (TRACE, "00f067aa0ba902b7")
    assert span["links"][0]["traceId"] == _derived("CLM-1")


def test_an_exception_is_reported_as_without_us(run: Run) -> None:
    """Type, message and stack that the runtime reports are the handler's own, to the character."""
    bare, observed = run(APP, layer=False), run(APP)
    event = {**HTTP_EVENT, "boom": True}
    payloads = []
    for each in (bare, observed):
        result = each(event)
        assert result.status == "error"
        payloads.append(re.sub(rb"task\d|[0-9a-f-]{36}", b"", result.payload))
    assert payloads[0] == payloads[1]
    assert [re.sub(r"task\d", "", line) for line in observed.application] == [
        re.sub(r"task\d", "", line) for line in bare.application
    ]
    (span,) = observed.spans
    assert span["status"] == {"code": 2, "message": "no such claim"}
    (event_,) = span["events"]
    stack = event_["attributes"][2]["value"]["stringValue"]
    assert "ValueError: no such claim" in stack
    assert "bootstrap.py" not in stack


@pytest.mark.parametrize(
    ("source", "handler", "kind"),
    [
        ("import no_such_module", "app.handler", "Runtime.ImportModuleError"),
        ("def handler(:", "app.handler", "Runtime.UserCodeSyntaxError"),
        ("x = 1", "app.handler", "Runtime.HandlerNotFound"),
        ("x = 1", "nodot", "Runtime.MalformedHandlerName"),
        ("raise RuntimeError('at import')", "app.handler", "RuntimeError"),
    ],
)
def test_an_init_error_is_the_functions_own(run: Run, source: str, handler: str, kind: str) -> None:
    """What fails while the function's module is loaded is reported as it is without us."""
    bare, observed = run(source, layer=False, handler=handler), run(source, handler=handler)
    reports = []
    for each in (bare, observed):
        reply = json.loads(each({}).payload)
        reports.append({key: reply[key] for key in ("errorType", "errorMessage")})
        if isinstance(reply.get("errorMessage"), str):
            reports[-1]["errorMessage"] = re.sub(r"task\d", "", reply["errorMessage"])
    assert reports[0] == reports[1]
    assert reports[0]["errorType"] == kind


def test_a_timeout_is_told_before_lambda_kills(run: Run) -> None:
    """The span of an invocation that runs into its timeout is written by the watchdog."""
    observed = run(
        "import time\ndef handler(event, context):\n    print('working')\n    time.sleep(30)\n", timeout_s=1.0
    )
    assert observed(HTTP_EVENT).status == "timeout"
    (span,) = observed.spans
    assert span["status"] == {"code": 2, "message": "ran into its timeout"}
    assert span["attributes"]["error.type"] == "timeout"
    assert span["attributes"]["correlation_id"] == "CLM-1"
    assert observed(HTTP_EVENT).cold_start


def test_system_exit_is_told(run: Run) -> None:
    """sys.exit in a handler ends the process as it does without us, and the span says so."""
    observed = run("import sys\ndef handler(event, context):\n    sys.exit(3)\n")
    assert observed(HTTP_EVENT).status == "error"
    (span,) = observed.spans
    assert span["attributes"]["error.type"] == "SystemExit"


@pytest.mark.parametrize(
    "event", [None, 3, "text", [1, 2], {}, {"Records": []}, {"Records": [None]}, {"version": "2.0"}]
)
def test_an_unknown_event_reaches_the_handler_untouched(run: Run, event: Any) -> None:
    """Any JSON value arrives as it is, and the invocation has a trace from the environment."""
    observed = run("def handler(event, context):\n    return event\n")
    header = "Root=1-67891233-abcdef012345678912345678;Sampled=0"
    assert json.loads(observed(event, trace_header=header).payload) == event
    (span,) = observed.spans
    assert span["traceId"] == "67891233abcdef012345678912345678"
    assert span["attributes"]["faas.trigger"] == "other"


def test_a_synchronous_caller_is_the_parent(run: Run) -> None:
    """The client context of an Invoke carries the caller's context."""
    observed = run("def handler(event, context):\n    return context.client_context.custom\n")
    custom = {"custom": {"traceparent": TRACEPARENT, "x-correlation-id": "CLM-9"}}
    observed({}, client_context=json.dumps(custom))
    (span,) = observed.spans
    assert (span["traceId"], span["parentSpanId"]) == (TRACE, "00f067aa0ba902b7")
    assert span["attributes"]["correlation_id"] == "CLM-9"


def test_garbage_headers_meet_the_trust_edge(run: Run) -> None:
    """What a stranger sends is replaced or ignored, and that is said once."""
    observed = run(APP)
    headers = {"x-correlation-id": "<script>" * 40, "traceparent": "00-zz", "baggage": "observe.debug=1"}
    for _ in range(2):
        observed({**HTTP_EVENT, "headers": headers})
    (span,) = observed.spans
    assert span["attributes"]["correlation_id"] == _derived("<script>" * 40) == span["traceId"]
    assert observed.said == []


def test_json_mode_leads_with_timestamp_and_level(run: Run) -> None:
    """In Lambda's JSON mode no filter drops the span line."""
    observed = run(APP, environment={"AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": "WARN"})
    observed(HTTP_EVENT)
    (line,) = [line for line in observed.log.messages() if '"resourceSpans"' in line]
    assert re.match(r'\{"timestamp":"[0-9T:.-]+Z","level":"WARN","resourceSpans":', line)


def test_propagate_mode_writes_no_span(run: Run) -> None:
    """OBSERVE_MODE=propagate leaves the log exactly as it was."""
    bare, observed = run(APP, layer=False), run(APP, environment={"OBSERVE_MODE": "propagate"})
    bare(HTTP_EVENT)
    observed(HTTP_EVENT)
    assert observed.application == bare.application
    assert observed.spans == []


def test_disabled_loads_nothing(run: Run) -> None:
    """OBSERVE_DISABLED=1 runs the bare handler: no module of ours is loaded."""
    source = (
        "import sys\ndef handler(event, context):\n    return [m for m in sys.modules if 'observe' in m]\n"
    )
    observed = run(source, environment={"OBSERVE_DISABLED": "1"})
    assert json.loads(observed({}).payload) == []
    assert observed.spans == []
