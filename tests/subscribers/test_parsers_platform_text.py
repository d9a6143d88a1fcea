"""The rest of what Lambda says in text: extensions, exits, X-Ray's line, and whose metrics they are."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from subscribers.signals import Origin
from tests.subscribers.lambda_stream import (
    COLD,
    END,
    ORIGIN,
    REPORT,
    REQUEST,
    START,
    log_of,
    logs,
    metrics,
    spans,
    told,
    values,
)

EXITED = f"RequestId: {REQUEST} Error: Runtime exited with error: exit status 1"
XRAY = "XRAY TraceId: 1-5f84c3a1-0123456789abcdef01234567\tSegmentId: 0123456789abcdef\tSampled: true\t"


@pytest.mark.parametrize(
    ("line", "level", "attributes"),
    [
        (
            "EXTENSION\tName: sidecar\tState: Ready\tEvents: [INVOKE, SHUTDOWN]\n",
            "INFO",
            {"name": "sidecar", "state": "Ready", "events": ["INVOKE", "SHUTDOWN"]},
        ),
        (
            "EXTENSION Name: sidecar State: LaunchError Events: [] Error Type: UnknownError",
            "ERROR",
            {"name": "sidecar", "state": "LaunchError", "events": [], "error.type": "UnknownError"},
        ),
        (
            "TELEMETRY\tName: sidecar\tState: Subscribed\tTypes: [Platform, Function]",
            "INFO",
            {"name": "sidecar", "state": "Subscribed", "types": ["Platform", "Function"]},
        ),
        (
            "LOGS Name: sidecar State: Subscribed Types: [Platform]",
            "INFO",
            {"name": "sidecar", "state": "Subscribed", "types": ["Platform"]},
        ),
        (XRAY, "INFO", {"sampled": "true"}),
        (
            "INIT_REPORT Init Duration: 4.87 ms Phase: invoke Status: error Error Type: Runtime.ExitError",
            "ERROR",
            {"aws.lambda.init_duration": 4.87, "phase": "invoke", "error.type": "Runtime.ExitError"},
        ),
        (
            "RESTORE_REPORT Restore Duration: 9.5 ms\tStatus: timeout",
            "ERROR",
            {"aws.lambda.status": "timeout"},
        ),
        (EXITED, "ERROR", {"aws.lambda.status": "error"}),
        (f"{EXITED}\nRuntime.ExitError", "ERROR", {"error.type": "Runtime.ExitError"}),
        (f"RequestId: {REQUEST} Error: Runtime exited without providing a reason", "ERROR", {}),
        (f"RequestId: {REQUEST} Process exited before completing request", "ERROR", {}),
        (
            f"RequestId: {REQUEST} Error: fork/exec /var/task/bootstrap: permission denied\n"
            "Runtime.InvalidEntrypoint",
            "ERROR",
            {"error.type": "Runtime.InvalidEntrypoint"},
        ),
        (f"RequestId: {REQUEST} Error: exit status 2\nExtension.Crash", "ERROR", {}),
        (
            f"RequestId: {REQUEST} Error: Task timed out after 3.00 seconds",
            "ERROR",
            {"aws.lambda.status": "timeout"},
        ),
    ],
)
def test_a_line_is_one_of_the_platform(line: str, level: str, attributes: dict[str, Any]) -> None:
    """Its pairs are attributes; lists are lists."""
    log = log_of(line)
    assert (log.dataset, log.level, log.message) == ("lambda.platform", level, line.rstrip("\n"))
    assert attributes.items() <= log.attributes.items()


@pytest.mark.parametrize(
    "line",
    [
        "EXTENSION of the deadline",
        "LOGS Name: without more",
        "TELEMETRY\tState: Name: x",
        "XRAY is on",
        f"RequestId: {REQUEST} Error: something the function says",
        "RequestId: 7 Error: Runtime exited with error",
    ],
)
def test_prose_is_none(line: str) -> None:
    """The first word alone is what anybody may print."""
    assert log_of(line).dataset == "lambda.text"


def test_the_type_of_an_exit_may_be_an_event_of_its_own() -> None:
    """A reader of lines cuts it off; it is a part of the log before it, and counts once."""
    parsed = told(
        START, EXITED, "Runtime.ExitError", END, f"{REPORT}Status: error\tError Type: Runtime.ExitError"
    )
    assert [log.error_type for log in logs(parsed)] == ["", "Runtime.ExitError", "", "Runtime.ExitError"]
    assert len(parsed.joined) == 1
    assert parsed.silent == 0
    assert values(parsed)["errors"] == 1
    assert spans(parsed)[0].status_message == "Runtime.ExitError"


def test_x_rays_line_may_be_an_event_of_its_own() -> None:
    """It belongs to the report before it."""
    (span,) = spans(told(START, END, REPORT, XRAY))
    assert (span.trace_id, span.span_id) == ("5f84c3a10123456789abcdef01234567", "0123456789abcdef")
    assert logs(told(START, END, REPORT, XRAY))[-1].request_id == REQUEST


@pytest.mark.parametrize(
    ("origin", "version", "tags"),
    [
        (ORIGIN, "$LATEST", {"faas.name": "claims", "faas.version": "$LATEST"}),
        (
            replace(
                ORIGIN, log_group="/team/functions", log_stream="2026/11/21/claims-price[12]" + "0a" * 16
            ),
            "",
            {"faas.name": "claims-price", "faas.version": "12"},
        ),
        (replace(ORIGIN, log_group="/team/functions", log_stream="other"), "", {"faas.name": "claims"}),
        (
            replace(ORIGIN, log_stream="2026/11/21/[7]" + "0a" * 16),
            "",
            {"faas.name": "claims", "faas.version": "7"},
        ),
        (
            replace(ORIGIN, log_stream="2026/11/21/[7]" + "0a" * 16),
            "8",
            {"faas.name": "claims", "faas.version": "8"},
        ),
        (replace(ORIGIN, log_stream="", region="", account=""), "", {"faas.name": "claims"}),
    ],
)
def test_metrics_are_tagged_with_the_function(origin: Origin, version: str, tags: dict[str, str]) -> None:
    """Name and version by START, else by the stream's name; account and Region where they are known."""
    start = [f"START RequestId: {REQUEST} Version: {version}"] if version else []
    found = metrics(told(*start, END, COLD, origin=origin))
    where = {"cloud.account.id": origin.account, "cloud.region": origin.region}
    expected = tags | {key: value for key, value in where.items() if value}
    assert {tuple(sorted(metric.tags.items())) for metric in found} == {tuple(sorted(expected.items()))}


def test_metrics_of_the_function_itself_keep_their_tags() -> None:
    """The platform's tags are the platform's."""
    (metric,) = metrics(told(START, "claims.opened:1|c|#product:motor"))
    assert metric.tags == {"product": "motor"}


WORDS = [
    "REPORT",
    "START",
    "END",
    "XRAY",
    "EXTENSION",
    "RequestId: ",
    "Duration: ",
    "Restore ",
    "Billed ",
    " ms",
]
NOISE = [
    *WORDS,
    "\t",
    "  ",
    " ",
    "1.5",
    REQUEST,
    "Status: ",
    "Name: ",
    "State: ",
    "Events: ",
    "[a,",
    "]",
    "\n",
]


@given(st.lists(st.sampled_from(NOISE) | st.text(max_size=4), max_size=20).map("".join))
def test_any_text_is_read_without_raising(line: str) -> None:
    """Whatever stands where, there is one log or, where the line is blank, none."""
    assert len(logs(told(line))) == bool(line.strip(" \t\r\n"))
