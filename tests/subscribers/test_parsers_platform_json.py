"""Every record of the telemetry schema, and what they amount to together."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.subscribers.lambda_stream import (
    OTHER,
    REQUEST,
    T0_MS,
    log_of,
    logs,
    metrics,
    spans,
    told,
    values,
)

ARN = "arn:aws:lambda:eu-west-1:123456789012:function:claims"
TYPES = [
    *("initStart", "initRuntimeDone", "initReport", "start", "runtimeDone", "end", "report", "restoreStart"),
    *("restoreRuntimeDone", "restoreReport", "extension", "telemetrySubscription", "logsSubscription"),
    *("logsDropped", "fault", "somethingNew"),
]


def record(type: str, time: str = "2026-11-21T03:30:10.500Z", **fields: Any) -> str:
    return json.dumps({"time": time, "type": f"platform.{type}", "record": fields})


@pytest.mark.parametrize(
    ("line", "level", "attributes", "counted"),
    [
        (
            record(
                "initStart",
                initializationType="on-demand",
                phase="init",
                runtimeVersion="python:3.12.v38",
                runtimeVersionArn="arn:x",
                functionName="claims",
                functionVersion="7",
                instanceId="2026/11/21/[7]0a",
                instanceMaxMemory=134217728,
            ),
            "INFO",
            {
                "phase": "init",
                "aws.lambda.initialization_type": "on-demand",
                "runtime_version": "python:3.12.v38",
                "runtime_version_arn": "arn:x",
                "faas.name": "claims",
                "faas.version": "7",
                "faas.instance": "2026/11/21/[7]0a",
                "faas.max_memory": 134217728,
            },
            {},
        ),
        (
            record("initRuntimeDone", phase="init", status="error", errorType="Runtime.ExitError"),
            "ERROR",
            {"aws.lambda.status": "error", "error.type": "Runtime.ExitError"},
            {"init_errors": 1},
        ),
        (
            record("initReport", phase="init", status="success", metrics={"durationMs": 125.5}),
            "INFO",
            {"aws.lambda.init_duration": 125.5},
            {"init_duration": 125.5},
        ),
        (
            record("restoreReport", status="timeout", metrics={"durationMs": 15.5}),
            "ERROR",
            {"aws.lambda.restore_duration": 15.5},
            {"restore_duration": 15.5, "init_errors": 1},
        ),
        (record("restoreStart", functionName="claims"), "INFO", {"faas.name": "claims"}, {}),
        (record("restoreRuntimeDone", status="success"), "INFO", {"aws.lambda.status": "success"}, {}),
        (
            record(
                "runtimeDone",
                requestId=REQUEST,
                status="success",
                metrics={"durationMs": 1, "producedBytes": 9},
            ),
            "INFO",
            {"aws.lambda.runtime_duration": 1, "aws.lambda.produced_bytes": 9},
            {},
        ),
        (
            record("runtimeDone", requestId=REQUEST, status="timeout", errorType="Sandbox.Timedout"),
            "ERROR",
            {"error.type": "Sandbox.Timedout"},
            {"errors": 1, "timeouts": 1},
        ),
        (record("end", requestId=REQUEST), "INFO", {}, {}),
        (
            record("extension", name="sidecar", state="Ready", events=["INVOKE", "SHUTDOWN"]),
            "INFO",
            {"name": "sidecar", "state": "Ready", "events": ["INVOKE", "SHUTDOWN"]},
            {},
        ),
        (
            record("extension", name="sidecar", state="Crashed", events=[], errorType="Extension.Crash"),
            "ERROR",
            {"error.type": "Extension.Crash"},
            {},
        ),
        (
            record("telemetrySubscription", name="sidecar", state="Subscribed", types=["platform"]),
            "INFO",
            {"name": "sidecar", "types": ["platform"]},
            {},
        ),
        (
            record("logsDropped", droppedBytes=1200, droppedRecords=12, reason="fallen behind"),
            "WARN",
            {"reason": "fallen behind"},
            {"logs_dropped": 12, "logs_dropped_bytes": 1200},
        ),
        (record("logsDropped", droppedBytes="x", reason="r"), "WARN", {"reason": "r"}, {}),
        (record("somethingNew", a=1), "INFO", {"a": 1}, {}),
    ],
)
def test_a_record_is_a_log_and_what_it_counts(
    line: str, level: str, attributes: dict[str, Any], counted: dict[str, float]
) -> None:
    """The names are those that the text lines have, or OpenTelemetry's."""
    log = log_of(line)
    assert (log.dataset, log.level, log.message) == ("lambda.platform", level, line)
    assert attributes.items() <= log.attributes.items()
    assert values(told(line)) == counted


@pytest.mark.parametrize(
    ("said", "request_id", "error"),
    [
        (f"RequestId: {REQUEST} Process exited before completing request", REQUEST, "Process exited"),
        ("something else broke", "", "something else broke"),
    ],
)
def test_the_fault_of_the_logs_api_is_text(said: str, request_id: str, error: str) -> None:
    """Its record is no object."""
    line = json.dumps({"time": "2026-11-21T03:30:10.500Z", "type": "platform.fault", "record": said})
    log = log_of(line)
    assert (log.dataset, log.level, log.request_id, log.message) == (
        "lambda.platform",
        "ERROR",
        request_id,
        line,
    )
    assert log.error_message.startswith(error)
    assert values(told(line)) == ({"errors": 1} if request_id else {})


@pytest.mark.parametrize("type", ["function", "extension"])
def test_a_line_that_an_extension_forwards_is_read_as_the_line(type: str) -> None:
    """With the time of its record, where the line has none."""
    inner = f"[ERROR]\t2026-11-21T03:30:10.123Z\t{REQUEST}\tbroken\n"
    wrapped = [
        json.dumps({"time": "2026-11-21T03:30:10.500Z", "type": type, "record": line})
        for line in (inner, "a print\n")
    ]
    first, second = logs(told(*wrapped))
    assert (first.message, first.level, first.request_id) == ("broken", "ERROR", REQUEST)
    assert first.time_unix_nano == T0_MS * 1_000_000 + 123_000_000
    assert (second.message, second.dataset) == ("a print", "lambda.text")
    assert (second.time_unix_nano, second.time_from) == (T0_MS * 1_000_000 + 500_000_000, "line")


def test_an_end_that_both_records_tell_is_counted_once() -> None:
    """At level WARN `runtimeDone` comes alone, at INFO the report follows."""
    done = record("runtimeDone", requestId=REQUEST, status="error", errorType="Runtime.OutOfMemory")
    report = record("report", requestId=REQUEST, status="error", errorType="Runtime.OutOfMemory")
    start = record("start", requestId=REQUEST, version="7")
    assert values(told(done)) == {"errors": 1, "out_of_memory": 1}
    assert values(told(start, done, report)) == {"invocations": 1, "errors": 1, "out_of_memory": 1}


def test_retries_are_counted_apart_where_no_start_is_told() -> None:
    """At level WARN an invocation is its `runtimeDone`; the same request may have several."""
    done = record("runtimeDone", requestId=REQUEST, status="timeout")
    found = [metric.name for metric in metrics(told(done, done, done.replace(REQUEST, OTHER)))]
    assert found.count("aws.lambda.timeouts") == 3


def test_an_init_that_two_records_tell_failed_once() -> None:
    """Again while a request waits, it is another one, and the request fails with it."""
    done = record("initRuntimeDone", phase="init", status="error")
    report = record("initReport", phase="init", status="error", metrics={"durationMs": 5})
    start = record("start", requestId=REQUEST)
    again = record("initReport", phase="invoke", status="timeout", metrics={"durationMs": 7})
    end = record("report", requestId=REQUEST, status="timeout")
    first = told(done, report)
    assert values(first) == {"init_errors": 1, "init_duration": 5}
    found = [
        (m.name.removeprefix("aws.lambda."), m.value) for m in metrics(told(done, report, start, again, end))
    ]
    assert found == [
        *(("init_errors", 1), ("init_duration", 5), ("init_duration", 7), ("init_errors", 1)),
        *(("errors", 1), ("timeouts", 1), ("invocations", 1)),
    ]


def test_the_invoked_arn_tells_function_and_alias() -> None:
    """The tags of what the report measures; a number or $LATEST is no alias."""
    report = record("report", requestId=REQUEST, metrics={"durationMs": 1})
    for qualifier, alias in ((":live", "live"), (":7", ""), (":$LATEST", ""), ("", "")):
        start = record("start", requestId=REQUEST, version="7", functionArn=ARN + qualifier)
        found = metrics(told(start, report))
        assert found[0].name == "aws.lambda.duration"
        expected = {
            "faas.name": "claims",
            "faas.version": "7",
            "cloud.account.id": "123456789012",
            "cloud.region": "eu-west-1",
        }
        assert found[0].tags == expected | ({"aws.lambda.alias": alias} if alias else {})


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
KEYS = [
    *(
        "requestId",
        "status",
        "errorType",
        "phase",
        "version",
        "functionArn",
        "functionName",
        "tracing",
        "name",
    ),
    *("state", "droppedBytes", "droppedRecords", "metrics", "spans", "instanceId"),
]


@given(st.sampled_from(TYPES), st.dictionaries(st.sampled_from(KEYS), JSON) | st.text(max_size=60), JSON)
def test_no_record_of_a_wrong_shape_is_an_error(type: str, fields: object, time: object) -> None:
    """A log of the platform in any case, with no more than one invocation's span."""
    parsed = told(json.dumps({"time": time, "type": f"platform.{type}", "record": fields}))
    (log,) = logs(parsed)
    assert log.dataset == "lambda.platform"
    assert len(spans(parsed)) <= 1
    for metric in metrics(parsed):
        assert metric.name.startswith("aws.lambda.")
