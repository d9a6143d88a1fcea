"""Beside the tracers of others, as layers and started as theirs are: one trace, which is theirs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.observe import overlaid, tracers
from tests.observe.attached import TRACE, TRACEPARENT, Ran, Run
from tests.observe.http_echo import Server, serving

pytestmark = [pytest.mark.runtime, overlaid.needs_layers]

STARTS = {
    "Datadog's tracer": tracers.datadog,
    "Elastic APM": tracers.elastic,
    "New Relic": tracers.new_relic,
    "OpenTelemetry's instrumentation of Lambda": tracers.opentelemetry,
}
each = pytest.mark.parametrize("name", STARTS)


@pytest.fixture
def server() -> Iterator[Server]:
    """A server that says what it was sent."""
    with serving() as found:
        yield found


def _passive(observed: Ran) -> list[str]:
    return re.findall(r"passive beside ([^:]+):", "".join(observed.said))


@each
def test_a_tracers_trace_is_in_our_lines_and_calls(
    run: Run, opt: Path, tmp_path: Path, server: Server, name: str
) -> None:
    """Cold and warm: the log line joins the other's span, correlation goes on, no span of ours is there."""
    observed = STARTS[name](run, opt, tmp_path)
    for said in ([name], []):
        reply = tracers.reply(observed, server.url)
        line = tracers.told(observed)
        assert [line["trace_id"], line["span_id"]] == reply["own"]
        assert line["correlation_id"] == reply["sent"]["x-correlation-id"] == "CLM-1"
        assert reply["sent"]["traceparent"].split("-")[1] == reply["own"][0]
        assert sum("|count|claims|" in line for line in observed.log.messages()) == 1
        assert observed.spans == []
        assert _passive(observed) == said
        assert not [line for line in observed.said if '"level":"WARN"' in line]


@each
def test_a_tracer_goes_on_with_the_callers_trace(
    run: Run, opt: Path, tmp_path: Path, server: Server, name: str
) -> None:
    """Where the other one takes the trace from the event, it is the caller's in our lines as well."""
    observed = STARTS[name](run, opt, tmp_path)
    reply = tracers.reply(
        observed, server.url, headers={"traceparent": TRACEPARENT, "x-correlation-id": "C-2"}
    )
    line = tracers.told(observed)
    assert [line["trace_id"], line["span_id"]] == reply["own"]
    assert line["correlation_id"] == reply["sent"]["x-correlation-id"] == "C-2"
    if name != "New Relic":  # what stands in for its handler does not read the event
        assert line["trace_id"] == TRACE


@each
def test_an_error_beside_a_tracer_is_the_functions_own(
    run: Run, opt: Path, tmp_path: Path, server: Server, name: str
) -> None:
    """Type, message and stack are what they are beside the other one alone: no frame of ours."""
    source = "def handler(event, context):\n    raise ValueError('no such claim')\n"
    replies = []
    for folder, more in (("ours", {}), ("theirs", {"OBSERVE_DISABLED": "1"})):
        (tmp_path / folder).mkdir()
        observed = STARTS[name](run, opt, tmp_path / folder, source, **more)
        replies.append([tracers.reply(observed, server.url) for _ in range(2)][1])
        assert observed.spans == []
    for reply in replies:
        assert (reply["errorType"], reply["errorMessage"]) == ("ValueError", "no such claim")
        assert "app.py" in reply["stackTrace"][-1]
        reply["stackTrace"] = [re.sub(r'File ".*/', 'File "', frame) for frame in reply["stackTrace"]]
    if name == "Datadog's tracer":  # its wrapper's own frame is named like the function that it wraps: ours
        assert "in observed" in replies[0]["stackTrace"].pop(1)
        assert "in handler" in replies[1]["stackTrace"].pop(1)
    assert replies[0]["stackTrace"] == replies[1]["stackTrace"]


@each
def test_an_init_error_beside_a_tracer(run: Run, opt: Path, tmp_path: Path, name: str) -> None:
    """What fails in the function's module is reported as beside the other one alone."""
    reports = []
    for folder, more in (("ours", {}), ("theirs", {"OBSERVE_DISABLED": "1"})):
        (tmp_path / folder).mkdir()
        observed = STARTS[name](run, opt, tmp_path / folder, "import no_such_module\n", **more)
        reply = json.loads(observed(tracers.EVENT).payload)
        reports.append((reply["errorType"], reply["errorMessage"]))
    assert reports[0][0] == reports[1][0]
    # wrapt, by which OpenTelemetry loads the function, does not say why that failed; with us it does.
    assert reports[0][1] == reports[1][1] or "OpenTelemetry" in name
    assert "no_such_module" in reports[0][1]


def test_opentelemetrys_wrapper_first(run: Run, opt: Path, tmp_path: Path, server: Server) -> None:
    """The other order: AWS_LAMBDA_EXEC_WRAPPER is theirs, which is given ours as the next."""
    observed = tracers.opentelemetry_first(run, opt, tmp_path)
    reply = tracers.reply(observed, server.url)
    assert [tracers.told(observed)[name] for name in ("trace_id", "span_id")] == reply["own"]
    assert reply["sent"]["x-correlation-id"] == "CLM-1"
    assert reply["handler"] == "otel_wrapper.lambda_handler"
    assert observed.spans == []


@pytest.mark.parametrize(
    ("name", "environment"),
    [
        ("Datadog's tracer", {"DD_TRACE_ENABLED": "false"}),
        ("Elastic APM", {"ELASTIC_APM_ENABLED": "false"}),
        ("New Relic", {"NEW_RELIC_ENABLED": "false"}),
        ("OpenTelemetry's instrumentation of Lambda", {"OTEL_SDK_DISABLED": "true"}),
    ],
)
def test_a_tracer_that_is_switched_off(
    run: Run, opt: Path, tmp_path: Path, server: Server, name: str, environment: dict[str, str]
) -> None:
    """Nobody else makes a span, so ours are there."""
    source = tracers.APP + "    return []\n"
    observed = STARTS[name](run, opt, tmp_path, source, **environment)
    reply = tracers.reply(observed, server.url)
    line, own = tracers.told(observed), observed.spans[0]
    assert (line["trace_id"], line["span_id"]) == (own["traceId"], own["spanId"])
    assert reply["sent"]["x-correlation-id"] == "CLM-1"  # Datadog sends a trace of its own nevertheless
    assert _passive(observed) == []


def test_both_where_both_are_asked_for(run: Run, opt: Path, tmp_path: Path, server: Server) -> None:
    """OBSERVE_MODE=all: spans of ours beside Datadog's, in traces of their own."""
    observed = tracers.datadog(run, opt, tmp_path, OBSERVE_MODE="all")
    tracers.reply(observed, server.url)
    assert tracers.told(observed)["trace_id"] == observed.spans[0]["traceId"]
    assert _passive(observed) == []


def test_passive_beside_a_tracer_that_we_do_not_know(run: Run) -> None:
    """OBSERVE_MODE=passive: the log line and the IDs as ever, no span."""
    source = "import observe\ndef handler(event, context):\n    observe.log.info('told')\n"
    observed = run(source, environment={"OBSERVE_MODE": "passive"})
    assert observed(tracers.EVENT).status == "success"
    assert tracers.told(observed)["correlation_id"] == "CLM-1"
    assert observed.spans == observed.said == []


def test_a_handler_that_is_decorated_by_hand(run: Run, opt: Path, tmp_path: Path, server: Server) -> None:
    """Where the function itself decorates its handler with Datadog's wrapper, ours is around it and joins."""
    source = tracers.APP + tracers.DATADOG
    source += "\nfrom datadog_lambda.wrapper import datadog_lambda_wrapper\n"
    source += "handler = datadog_lambda_wrapper(handler)\n"
    layers = overlaid.overlay(opt, tmp_path / "opt", overlaid.DATADOG)
    observed = run(source, opt=layers, memory_mb=512)
    reply = tracers.reply(observed, server.url)
    line = tracers.told(observed)
    assert reply["sent"]["x-correlation-id"] == line["correlation_id"] == "CLM-1"
    assert reply["sent"]["traceparent"].split("-")[1] == reply["own"][0]
    assert [line["trace_id"], line["span_id"]] == reply["own"]
    assert observed.spans == []


def test_switched_off_the_other_wrapper_still_runs(
    run: Run, opt: Path, tmp_path: Path, server: Server
) -> None:
    """OBSERVE_DISABLED takes us out of the chain, not what is chained."""
    source = "from opentelemetry import trace\ndef handler(event, context):\n"
    source += "    return trace.get_current_span().get_span_context().is_valid\n"
    observed = tracers.opentelemetry(run, opt, tmp_path, source, OBSERVE_DISABLED="1")
    assert tracers.reply(observed, server.url) is True
    assert observed.spans == observed.said == []


def test_a_wrapper_that_is_missing(run: Run) -> None:
    """What OBSERVE_EXEC_WRAPPER names and is no program is left out, and that is said."""
    source = "def handler(event, context):\n    return 1\n"
    observed = run(source, environment={"OBSERVE_EXEC_WRAPPER": "/opt/no such"})
    assert json.loads(observed(tracers.EVENT).payload) == 1
    assert len(observed.spans) >= 1
    assert [json.loads(line)["message"] for line in observed.said] == [
        "hybrid-observe: OBSERVE_EXEC_WRAPPER is left out: it names no program"
    ]


def test_sentry(run: Run, opt: Path, tmp_path: Path, server: Server) -> None:
    """Sentry's headers are its own and our spans stay: its transactions are for errors, not for the chain."""
    source = """
import os, sentry_sdk, urllib.request
from sentry_sdk.integrations.aws_lambda import AwsLambdaIntegration
sentry_sdk.init(dsn="http://1@127.0.0.1:9/1", integrations=[AwsLambdaIntegration()], traces_sample_rate=1.0)
def handler(event, context):
    with sentry_sdk.start_transaction(name="claims"):
        sent = urllib.request.urlopen(event["url"]).read().decode()
    if event.get("boom"):
        raise ValueError("no such claim")
    return sent
"""
    layers = overlaid.overlay(opt, tmp_path / "opt", overlaid.SENTRY)
    observed = run(source, opt=layers, memory_mb=512)
    sent = json.loads(json.loads(observed({**tracers.EVENT, "url": server.url}).payload))
    assert sent["sentry-trace"]
    assert sent["x-correlation-id"] == "CLM-1"
    assert sent["traceparent"].split("-")[2] in [span["spanId"] for span in observed.spans]
    assert observed.said == []
    failed = json.loads(observed({**tracers.EVENT, "url": server.url, "boom": True}).payload)
    assert (failed["errorType"], failed["errorMessage"]) == ("ValueError", "no such claim")
