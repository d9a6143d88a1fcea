"""What Lambda says about invocations, in text and in JSON; golden lines from the field."""

from __future__ import annotations

import json
from typing import Any

import pytest

from subscribers.parsers.platform_signals import TOLD
from tests.subscribers.lambda_stream import (
    COLD,
    END,
    OTHER,
    REPORT,
    REQUEST,
    SPAN,
    START,
    T0_MS,
    TRACE,
    log_of,
    logs,
    metrics,
    spans,
    told,
    values,
)

XRAY = "XRAY TraceId: 1-5f84c3a1-0123456789abcdef01234567\tSegmentId: 0123456789abcdef\tSampled: true\t\n"
XRAY_TRACE, XRAY_SPAN = "5f84c3a10123456789abcdef01234567", "0123456789abcdef"
TIMEOUT = f"2026-11-21T03:30:13.150Z {REQUEST} Task timed out after 3.00 seconds\n\n"
EXIT = f"RequestId: {REQUEST} Error: Runtime exited with error: signal: killed\nRuntime.ExitError"
WARM = {
    "duration": 9.14,
    "billed_duration": 10,
    "memory_size": 128,
    "memory_used": 36,
    "invocations": 1,
    "memory_utilization": 28.125,
    "estimated_cost": pytest.approx(0.01 * 0.125 * 0.0000166667 + 0.0000002),
}


def record(type: str, time: str = "2026-11-21T03:30:10.500Z", **fields: Any) -> str:
    return json.dumps({"time": time, "type": f"platform.{type}", "record": fields})


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (f"{REPORT}\n", WARM),
        (COLD, {**WARM, "init_duration": 190.62, "cold_starts": 1}),
        (
            f"{REPORT}Restore Duration: 398.97 ms\tBilled Restore Duration: 182 ms\t\n",
            {
                **WARM,
                "restore_duration": 398.97,
                "billed_restore_duration": 182,
                "cold_starts": 1,
                "restores": 1,
            },
        ),
        (f"{REPORT}Status: timeout\t", {**WARM, "errors": 1, "timeouts": 1}),
        (f"{REPORT}Status: error\tError Type: Runtime.ExitError\t", {**WARM, "errors": 1}),
        (
            f"{REPORT}Status: error\tError Type: Runtime.OutOfMemory\t",
            {**WARM, "errors": 1, "out_of_memory": 1},
        ),
        # The emulator's order, where positional readers miss the report.
        (
            f"REPORT RequestId: {REQUEST}\tInit Duration: 0.03 ms\tDuration: 9.14 ms\t"
            "Billed Duration: 10 ms\tMemory Size: 128 MB\tMax Memory Used: 36 MB\t",
            {**WARM, "init_duration": 0.03, "cold_starts": 1},
        ),
        # Divided by blanks, as consoles copy it; by one only.
        (
            f"REPORT RequestId: {REQUEST}  Duration: 9.14 ms   Max Memory Used: 36 MB",
            {"duration": 9.14, "memory_used": 36, "invocations": 1},
        ),
        (COLD.replace("\t", " "), {**WARM, "init_duration": 190.62, "cold_starts": 1}),
        # Managed instances.
        (f"REPORT RequestId: {REQUEST}\tDuration: 9.14 ms", {"duration": 9.14, "invocations": 1}),
        (f"{REPORT}Duration: n/a", {k: v for k, v in WARM.items() if k != "duration"}),
        (
            "INIT_REPORT Init Duration: 9999.79 ms\tPhase: init\tStatus: timeout",
            {"init_duration": 9999.79, "init_errors": 1},
        ),
        ("RESTORE_REPORT Restore Duration: 398.97 ms", {"restore_duration": 398.97}),
        (TIMEOUT, {"errors": 1, "timeouts": 1}),
        (EXIT, {"errors": 1}),
        (EXIT.replace("Runtime.ExitError", "Runtime.OutOfMemory"), {"errors": 1, "out_of_memory": 1}),
        (START, {}),
        (END, {}),
        (
            record(
                "report",
                requestId=REQUEST,
                status="success",
                metrics={
                    "durationMs": 9.14,
                    "billedDurationMs": 10,
                    "memorySizeMB": 128,
                    "maxMemoryUsedMB": 36,
                    "initDurationMs": 190.62,
                },
            ),
            {**WARM, "init_duration": 190.62, "cold_starts": 1},
        ),
        (record("report", requestId=REQUEST, status="failure"), {"invocations": 1, "errors": 1}),
        (
            record("report", requestId=REQUEST, status="timeout", metrics={"restoreDurationMs": 7}),
            dict.fromkeys(("invocations", "errors", "timeouts", "cold_starts", "restores"), 1)
            | {"restore_duration": 7},
        ),
        (record("initReport", phase="init", metrics={"durationMs": 150.5}), {"init_duration": 150.5}),
        (record("restoreReport", metrics={"durationMs": 15.5}), {"restore_duration": 15.5}),
        (record("runtimeDone", requestId=REQUEST, status="success", metrics={"durationMs": 8.2}), {}),
        (record("report", requestId=5, status=[], metrics={"durationMs": "x"}), {"invocations": 1}),
    ],
)
def test_a_line_of_the_platform_becomes_metrics(line: str, expected: dict[str, float]) -> None:
    """Each fact once, under its own name, and the line itself is kept as a log."""
    parsed = told(line)
    assert values(parsed) == expected
    (log,) = logs(parsed)
    assert log.dataset == "lambda.platform"
    assert log.message == line.rstrip("\n")


def test_metrics_have_units_and_kinds() -> None:
    """UCUM units as OpenTelemetry writes them."""
    units = {metric.name: (metric.kind, metric.unit) for metric in metrics(told(COLD))}
    assert units["aws.lambda.duration"] == ("distribution", "ms")
    assert units["aws.lambda.memory_size"] == ("gauge", "MBy")
    assert units["aws.lambda.cold_starts"] == ("count", "1")


@pytest.mark.parametrize(
    ("line", "request_id", "level", "attributes"),
    [
        (START, REQUEST, "INFO", {"faas.version": "$LATEST"}),
        (END, REQUEST, "INFO", {}),
        (
            "INIT_START Runtime Version: python:3.12.v38\tRuntime Version ARN: arn:aws:lambda:…",
            "",
            "INFO",
            {"runtime_version": "python:3.12.v38"},
        ),
        (
            "RESTORE_START Runtime Version: java:11.v20\tRuntime Version ARN: a",
            "",
            "INFO",
            {"runtime_version": "java:11.v20"},
        ),
        (
            "INIT_REPORT Init Duration: 9999.79 ms\tPhase: invoke\tStatus: error\t"
            "Error Type: Runtime.ImportModuleError",
            "",
            "ERROR",
            {"phase": "invoke", "aws.lambda.status": "error", "error.type": "Runtime.ImportModuleError"},
        ),
        (TIMEOUT, REQUEST, "ERROR", {"aws.lambda.status": "timeout"}),
        (EXIT, REQUEST, "ERROR", {"error.type": "Runtime.ExitError"}),
        (
            record("logsDropped", droppedBytes=12, droppedRecords=3, reason="x"),
            "",
            "WARN",
            {"aws.lambda.logs_dropped_bytes": 12, "aws.lambda.logs_dropped": 3, "reason": "x"},
        ),
    ],
)
def test_a_line_of_the_platform_is_a_log(
    line: str, request_id: str, level: str, attributes: dict[str, Any]
) -> None:
    """Request, level and what else the line says."""
    log = log_of(line)
    assert (log.dataset, log.request_id, log.level) == ("lambda.platform", request_id, level)
    assert attributes.items() <= log.attributes.items()


@pytest.mark.parametrize(
    "line", ["STARTING up", "END of file", "REPORT: fine", "INIT done", "RequestId: x", "2026 was fine"]
)
def test_prose_is_no_line_of_the_platform(line: str) -> None:
    """A keyword alone is what anybody may print."""
    assert log_of(line).dataset == "lambda.text"


def test_the_time_of_a_json_record_is_its_own() -> None:
    """Milliseconds of the record, not of its arrival."""
    log = log_of(record("start", requestId=REQUEST, time="2026-11-21T03:30:10.500Z"))
    assert (log.time_unix_nano, log.time_from) == (1_795_231_810_500_000_000, "line")


@pytest.mark.parametrize(
    "lines", [(TIMEOUT, f"{REPORT}Status: timeout"), (f"{REPORT}Status: timeout", TIMEOUT)]
)
def test_a_timeout_told_by_two_lines_is_counted_once(lines: tuple[str, str]) -> None:
    """The old line and the report's status are one fact, in either order."""
    assert values(told(START, *lines)) == {**WARM, "errors": 1, "timeouts": 1}


def test_a_retry_of_the_same_request_is_counted_again() -> None:
    """Lambda retries with the same request ID: two invocations, two timeouts."""
    once = (START, TIMEOUT, END, f"{REPORT}Status: timeout")
    counted = [metric for metric in metrics(told(*once, *once)) if metric.name == "aws.lambda.timeouts"]
    assert len(counted) == 2


def test_an_init_told_by_two_lines_is_counted_once() -> None:
    """INIT_REPORT and the next report's Init Duration; the invocation was cold all the same."""
    found = values(told("INIT_REPORT Init Duration: 190.62 ms\tPhase: init", START, END, COLD))
    assert (found["init_duration"], found["cold_starts"]) == (190.62, 1)


def test_a_killed_runtime_whose_memory_was_full_ran_out_of_memory() -> None:
    """Older runtimes say only `signal: killed`; the report tells why."""
    full = REPORT.replace("Max Memory Used: 36 MB", "Max Memory Used: 128 MB")
    assert values(told(START, EXIT, END, full))["out_of_memory"] == 1
    assert "out_of_memory" not in values(told(START, EXIT, END, REPORT))


def test_an_uncaught_exception_in_text_is_an_error_of_its_invocation() -> None:
    """A text report has no status for it: the runtime's own line is the only witness."""
    line = "[ERROR] ValueError: boom\rTraceback (most recent call last):\r  File x"
    assert values(told(START, line, END, f"{REPORT}Status: error"))["errors"] == 1
    assert "errors" not in values(told(line))


def test_points_left_out_do_not_renumber_the_others() -> None:
    """The IDs of a report's metrics do not depend on what else was in the payload."""
    alone = {m.name: m.event_id[-2:] for m in metrics(told(f"{REPORT}Status: timeout"))}
    after = {m.name: m.event_id[-2:] for m in metrics(told(TIMEOUT, f"{REPORT}Status: timeout"))[2:]}
    assert after.items() <= alone.items()


# --- The span of an invocation --------------------------------------------------------------

OURS = json.dumps(
    {
        "timestamp": "2026-11-21T03:30:10.001Z",
        "level": "INFO",
        "message": "m",
        "requestId": REQUEST,
        "service": "claims",
        "correlation_id": "CLM-1",
        "trace_id": TRACE,
        "span_id": SPAN,
    }
)


def test_an_invocation_of_nobody_is_a_trace_of_its_own() -> None:
    """Without a layer and without X-Ray it is a request all the same: its ID is its request's."""
    (span,) = spans(told(START, END, COLD))
    assert span.trace_id == span.request_id.replace("-", "")
    assert (span.told_by, span.parent_span_id, span.links) == ("platform", "", ())


def test_the_span_runs_from_start_to_report_in_the_trace_our_lines_told() -> None:
    """A function that timed out could not write its span; the platform tells it."""
    parsed = told(START, OURS, TIMEOUT, END, f"{REPORT}Status: timeout")
    (span,) = spans(parsed)
    assert (span.trace_id, span.span_id, span.correlation_id) == (TRACE, SPAN, "CLM-1")
    assert (span.told_by, span.status, span.status_message) == ("platform", "error", "timeout")
    assert (span.start_unix_nano, span.end_unix_nano) == (T0_MS * 1_000_000, (T0_MS + 4) * 1_000_000)
    assert (span.name, span.kind, span.request_id) == ("claims", "server", REQUEST)
    assert span.attributes["faas.coldstart"] is False
    assert len({signal.event_id for signal in parsed.signals}) == len(parsed.signals)


def test_without_start_in_the_batch_the_duration_tells_when_it_began() -> None:
    """9.14 ms before the report."""
    (span,) = spans(told(OURS, REPORT))
    assert span.end_unix_nano - span.start_unix_nano == 9_140_000


def test_without_our_lines_x_ray_tells_the_trace() -> None:
    """The segment that REPORT names is the invocation's."""
    (span,) = spans(told(START, END, REPORT + XRAY))
    assert (span.trace_id, span.span_id, span.status) == (XRAY_TRACE, XRAY_SPAN, "unset")
    whole = logs(told(START, "print", END, REPORT + XRAY))
    assert {(log.trace_id, log.span_id) for log in whole} == {(XRAY_TRACE, "")}
    # Of an invocation that was cut, ours may come in the next payload.
    assert not any(log.trace_id for log in logs(told("print", END, REPORT + XRAY)))


def test_the_tracing_of_a_json_start_tells_the_trace() -> None:
    """Root is the trace, Parent the invocation's segment."""
    value = "Root=1-5f84c3a1-0123456789abcdef01234567;Parent=0123456789abcdef;Sampled=1"
    start = record(
        "start", requestId=REQUEST, tracing={"spanId": "x", "type": "X-Amzn-Trace-Id", "value": value}
    )
    report = record(
        "report", "2026-11-21T03:30:10.750Z", requestId=REQUEST, status="error", errorType="Runtime.ExitError"
    )
    (span,) = spans(told(start, report))
    assert (span.trace_id, span.span_id) == (XRAY_TRACE, XRAY_SPAN)
    assert span.end_unix_nano - span.start_unix_nano == 250_000_000
    assert span.attributes["error.type"] == "Runtime.ExitError"


def test_a_root_without_a_parent_has_a_span_id_derived_from_the_request() -> None:
    """The same request has the same span again, and another request another one."""
    xray = "XRAY TraceId: 1-5f84c3a1-0123456789abcdef01234567\t"
    (one,), (same,) = spans(told(REPORT + xray)), spans(told(REPORT + xray))
    (other,) = spans(told((REPORT + xray).replace(REQUEST, OTHER)))
    assert one.span_id == same.span_id != other.span_id
    assert len(one.span_id) == 16


@pytest.mark.parametrize(
    "line",
    [
        "MONITORING|1795231810|1|count|aws.lambda.errors|#faas.name:claims,cloud.account.id:123456789012",
        "MONITORING|1|count|aws.lambda.errors|ns",
        "aws.lambda.errors:1|c|#faas.name:claims",
        json.dumps({"m": "aws.lambda.errors", "v": 1, "e": 1795231810, "t": ["faas.name:claims"]}),
        json.dumps(
            {
                "_aws": {
                    "Timestamp": T0_MS,
                    "CloudWatchMetrics": [
                        {"Namespace": "n", "Dimensions": [[]], "Metrics": [{"Name": "aws.lambda.errors"}]}
                    ],
                },
                "aws.lambda.errors": 1,
            }
        ),
        json.dumps({"metric": "MONITORING|1795231810|1|count|aws.lambda.errors"}),
    ],
)
def test_what_a_function_prints_is_not_what_lambda_says(line: str) -> None:
    """Alerts and costs count Lambda's own words: a metric of that name in a line has another one."""
    found = told(START, line, END, COLD)
    assert sum(m.name == "printed.aws.lambda.errors" for m in metrics(found)) == 1
    assert all(m.name != "aws.lambda.errors" for m in metrics(found))


def test_only_names_that_lambda_tells_are_taken() -> None:
    """Datadog's own metrics of functions begin alike, and are a team's."""
    found = metrics(told("aws.lambda.enhanced.invocations:1|c"))
    assert [m.name for m in found] == ["aws.lambda.enhanced.invocations"]


def test_every_name_that_lambda_tells_is_taken() -> None:
    """Whatever its lines amount to in these tests is on the list."""
    lines = [START, COLD, TIMEOUT, EXIT, record("initReport", phase="init", status="error"), END]
    dropped = record("logsDropped", droppedRecords=3, droppedBytes=12, reason="x")
    assert {m.name for m in metrics(told(*lines, dropped))} <= TOLD
