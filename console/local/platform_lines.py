"""The lines Lambda itself writes around a function's own, as text and as JSON. Pure functions.

Text lines follow what CloudWatch shows, tabs and trailing newlines included; JSON lines the Telemetry
API's schema at the default system log level INFO, where a successful platform.runtimeDone is absent.
https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from console.local.invocation import FunctionConfig, trace_fields

_RUNTIME_VERSION = f"python:{sys.version_info.major}.{sys.version_info.minor}.v38"
_VERSION_HASH = "0" * 64


@dataclass(frozen=True, slots=True)
class Report:
    """What is known when an invocation is over. span_id: 16 hex, the invocation's own segment."""

    request_id: str
    trace_header: str
    span_id: str
    status: str
    error_type: str | None
    duration_ms: float
    billed_ms: int
    memory_mb: int
    max_memory_mb: int
    init_ms: float | None
    fatal: bool


class Lines(Protocol):
    """The lines of one log format; now_ms is Unix time. Each returns the messages to write."""

    def init_start(self, stream: str, now_ms: int) -> list[str]: ...

    def init_failed(
        self, phase: str, status: str, error_type: str | None, init_ms: float, now_ms: int
    ) -> list[str]: ...

    def start(self, request_id: str, trace_header: str, span_id: str, now_ms: int) -> list[str]: ...

    def timed_out(self, request_id: str, timeout_s: float, now_ms: int) -> list[str]: ...

    def exited(self, request_id: str, reason: str) -> list[str]: ...

    def finished(self, report: Report, now_ms: int) -> list[str]: ...


def lines_for(config: FunctionConfig) -> Lines:
    """Return the lines of the function's log format."""
    return JsonLines(config) if config.json_logs else TextLines(config)


def timestamp(now_ms: int) -> str:
    """Return Unix milliseconds as RFC 3339 with milliseconds and Z."""
    moment = datetime.fromtimestamp(now_ms / 1000, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{now_ms % 1000:03d}Z"


def billed_ms(duration_ms: float, init_ms: float | None) -> int:
    """Return the billed duration: every started millisecond, initialisation included."""
    return math.ceil(duration_ms + (init_ms or 0.0))


def timeout_text(timeout_s: float) -> str:
    """Return the words of a timeout, in log line and error document alike."""
    return f"Task timed out after {timeout_s:.2f} seconds"


def _version_arn(config: FunctionConfig) -> str:
    return f"arn:aws:lambda:{config.region}::runtime:{_VERSION_HASH}"


def _report_status(status: str, error_type: str | None) -> str:
    return f"Status: {status}" + (f"\tError Type: {error_type}" if error_type else "")


@dataclass(frozen=True, slots=True)
class TextLines:
    """Lambda's text format."""

    config: FunctionConfig

    def init_start(self, stream: str, now_ms: int) -> list[str]:  # noqa: ARG002 - JSON needs them
        """INIT_START, when an environment starts."""
        arn = _version_arn(self.config)
        return [f"INIT_START Runtime Version: {_RUNTIME_VERSION}\tRuntime Version ARN: {arn}\n"]

    def init_failed(
        self, phase: str, status: str, error_type: str | None, init_ms: float, now_ms: int
    ) -> list[str]:
        """INIT_REPORT, written only for an initialisation that failed."""
        del now_ms
        reported = _report_status(status, error_type)
        return [f"INIT_REPORT Init Duration: {init_ms:.2f} ms\tPhase: {phase}\t{reported}\n"]

    def start(self, request_id: str, trace_header: str, span_id: str, now_ms: int) -> list[str]:
        """START."""
        del trace_header, span_id, now_ms
        return [f"START RequestId: {request_id} Version: $LATEST\n"]

    def timed_out(self, request_id: str, timeout_s: float, now_ms: int) -> list[str]:
        """The line about a timeout, an empty line behind it."""
        return [f"{timestamp(now_ms)} {request_id} {timeout_text(timeout_s)}\n\n"]

    def exited(self, request_id: str, reason: str) -> list[str]:
        """The line about a process that ended by itself or was killed for its memory."""
        return [f"RequestId: {request_id} Error: {reason}\nRuntime.ExitError\n"]

    def finished(self, report: Report, now_ms: int) -> list[str]:
        """END and REPORT, with the XRAY line when the trace is sampled."""
        del now_ms
        return [f"END RequestId: {report.request_id}\n", _text_report(report)]


def _text_report(report: Report) -> str:
    fields = [
        f"REPORT RequestId: {report.request_id}",
        f"Duration: {report.duration_ms:.2f} ms",
        f"Billed Duration: {report.billed_ms} ms",
        f"Memory Size: {report.memory_mb} MB",
        f"Max Memory Used: {report.max_memory_mb} MB",
    ]
    if report.init_ms is not None:
        fields.append(f"Init Duration: {report.init_ms:.2f} ms")
    if report.fatal:
        # A handler's exception is a function error, not a failure of the environment: no Status.
        fields.append(_report_status(report.status, report.error_type))
    trace = trace_fields(report.trace_header)
    xray = f"XRAY TraceId: {trace.get('Root', '')}\tSegmentId: {report.span_id}\tSampled: true\t\n"
    return "\t".join(fields) + "\t\n" + (xray if trace.get("Sampled") == "1" else "")


@dataclass(frozen=True, slots=True)
class JsonLines:
    """Lambda's JSON format: {"time", "type", "record"}."""

    config: FunctionConfig

    def init_start(self, stream: str, now_ms: int) -> list[str]:
        """platform.initStart."""
        record = {
            "initializationType": "on-demand",
            "phase": "init",
            "runtimeVersion": _RUNTIME_VERSION,
            "runtimeVersionArn": _version_arn(self.config),
            "functionName": self.config.name,
            "functionVersion": "$LATEST",
            "instanceId": stream,
            "instanceMaxMemory": self.config.memory_mb << 20,
        }
        return [_event("platform.initStart", record, now_ms)]

    def init_failed(
        self, phase: str, status: str, error_type: str | None, init_ms: float, now_ms: int
    ) -> list[str]:
        """platform.initReport."""
        record = {
            "initializationType": "on-demand",
            "phase": phase,
            "status": status,
            **({"errorType": error_type} if error_type else {}),
            "metrics": {"durationMs": round(init_ms, 3)},
        }
        return [_event("platform.initReport", record, now_ms)]

    def start(self, request_id: str, trace_header: str, span_id: str, now_ms: int) -> list[str]:
        """platform.start, the only platform line that tells who the caller was."""
        tracing = {"spanId": span_id, "type": "X-Amzn-Trace-Id", "value": trace_header}
        record = {
            "requestId": request_id,
            "functionArn": self.config.arn,
            "version": "$LATEST",
            "tracing": tracing,
        }
        return [_event("platform.start", record, now_ms)]

    def timed_out(self, request_id: str, timeout_s: float, now_ms: int) -> list[str]:
        """Nothing: the status of runtimeDone and report says it."""
        del request_id, timeout_s, now_ms
        return []

    def exited(self, request_id: str, reason: str) -> list[str]:
        """Nothing: the errorType of runtimeDone and report says it."""
        del request_id, reason
        return []

    def finished(self, report: Report, now_ms: int) -> list[str]:
        """platform.runtimeDone unless successful, and platform.report."""
        outcome: dict[str, Any] = {"requestId": report.request_id, "status": report.status}
        if report.error_type is not None and report.status == "error":
            # Lambda passes its own types on and calls every other one Function.Unknown
            outcome["errorType"] = report.error_type if report.fatal else "Function.Unknown"
        duration = {"durationMs": round(report.duration_ms, 3)}
        done = {**outcome, "metrics": {**duration, "producedBytes": 0}}
        lines = [] if report.status == "success" else [_event("platform.runtimeDone", done, now_ms)]
        return [*lines, _event("platform.report", {**outcome, "metrics": _metrics(report)}, now_ms)]


def _metrics(report: Report) -> dict[str, float]:
    metrics: dict[str, float] = {
        "durationMs": round(report.duration_ms, 3),
        "billedDurationMs": report.billed_ms,
        "memorySizeMB": report.memory_mb,
        "maxMemoryUsedMB": report.max_memory_mb,
    }
    if report.init_ms is not None:
        metrics["initDurationMs"] = round(report.init_ms, 3)
    return metrics


def _event(kind: str, record: Mapping[str, object], now_ms: int) -> str:
    document = {"time": timestamp(now_ms), "type": kind, "record": record}
    return json.dumps(document, separators=(",", ":"))
