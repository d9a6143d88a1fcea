"""What Lambda itself says in JSON: `{"time", "type": "platform.<what>", "record": {...}}`.

Each record of the telemetry schema, and those of the older Logs API (`platform.end`, `platform.fault`,
`platform.logsSubscription`). Of `function` and `extension` the record is the line itself. Every field but the
type may be missing: managed instances tell less, and records of levels that are filtered never come.

https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html
"""

from __future__ import annotations

from typing import Any

from observe import ids, semconv
from subscribers.parsers import platform
from subscribers.parsers.draft import Draft, PlatformRecord
from subscribers.parsers.times import rfc3339

_PLATFORM = "platform."
_TYPES = {
    "initStart": "init_start",
    "initRuntimeDone": "init_done",
    "initReport": "init_report",
    "start": "start",
    "runtimeDone": "end",
    "end": "end",
    "report": "report",
    "restoreStart": "restore_start",
    "restoreRuntimeDone": "restore_done",
    "restoreReport": "restore_report",
    "extension": "extension",
    "telemetrySubscription": "subscription",
    "logsSubscription": "subscription",
    "logsDropped": "logs_dropped",
    "fault": "fault",
}
#: JSON key -> the last word of our metric.
_VALUES = {
    "durationMs": "duration",
    "billedDurationMs": "billed_duration",
    "memorySizeMB": "memory_size",
    "maxMemoryUsedMB": "memory_used",
    "initDurationMs": "init_duration",
    "restoreDurationMs": "restore_duration",
    "billedRestoreDurationMs": "billed_restore_duration",
    "producedBytes": "produced_bytes",
}
#: In these records `durationMs` is not the invocation's.
_OWN_DURATION = {
    "init_report": "init_duration",
    "init_done": "init_runtime_duration",
    "restore_report": "restore_duration",
    "restore_done": "restore_runtime_duration",
    "end": "runtime_duration",
}
_DROPPED = {"droppedRecords": "logs_dropped", "droppedBytes": "logs_dropped_bytes"}
#: What the record calls it -> OpenTelemetry's name, or the one that the text line has.
#: https://opentelemetry.io/docs/specs/semconv/registry/attributes/faas/
_RENAMED = {
    "version": semconv.FAAS_VERSION,
    "functionVersion": semconv.FAAS_VERSION,
    "functionName": semconv.FAAS_NAME,
    "functionArn": "aws.lambda.invoked_arn",
    "instanceId": "faas.instance",
    "instanceMaxMemory": "faas.max_memory",
    "initializationType": semconv.AWS_LAMBDA_INITIALIZATION_TYPE,
    "runtimeVersion": "runtime_version",
    "runtimeVersionArn": "runtime_version_arn",
    "runtimeArn": "runtime_version_arn",
}
#: Parts of a record that have a field of their own.
_TAKEN = ("requestId", "metrics", "status", "errorType", *_DROPPED)


def read(draft: Draft, document: dict[str, Any]) -> bool:
    """Fill the draft of a record of the platform; False if it is something else."""
    name, record = document["type"], document["record"]
    if not name.startswith(_PLATFORM):
        return False
    time = document.get("time")
    draft.stamp(rfc3339(time) if isinstance(time, str) else None)
    kind = _TYPES.get(name[len(_PLATFORM) :], "other")
    if isinstance(record, str):
        return _read_text(draft, name, kind, record)
    told = PlatformRecord(kind=kind, values=_values(kind, record))
    told.status, told.error_type = _text(record, "status"), _text(record, "errorType")
    told.phase = _text(record, "phase")
    told.version = _text(record, "version") or _text(record, "functionVersion")
    told.function, told.alias = _invoked(_text(record, "functionArn"))
    told.function = _text(record, "functionName") or told.function
    _take_tracing(told, record.get("tracing"))
    attributes = {_RENAMED.get(key, key): value for key, value in record.items() if key not in _TAKEN}
    return platform.tell(draft, told, _text(record, "requestId"), {"type": name, **attributes})


def read_line(draft: Draft, document: dict[str, Any]) -> bool:
    """Take the line out of {"time", "type": "function" | "extension", "record": "<line>"}.

    True if it was one: the draft's message is then the line, which is read like any other.
    """
    if document.get("type") not in ("function", "extension") or not isinstance(document.get("record"), str):
        return False
    time = document.get("time")
    draft.stamp(rfc3339(time) if isinstance(time, str) else None)
    draft.message = document["record"].rstrip("\r\n")
    return True


def _read_text(draft: Draft, name: str, kind: str, said: str) -> bool:
    """The Logs API's fault: `RequestId: U Process exited before completing request`."""
    line, message = draft.message, said.strip()
    draft.message = message
    if platform.read_exit(draft):
        draft.attributes["type"] = name
    else:
        record = PlatformRecord(kind=kind, status="error" if kind == "fault" else "")
        draft.error_message = message if kind == "fault" else ""
        platform.tell(draft, record, "", {"type": name})
    draft.message = line
    return True


def _values(kind: str, record: dict[str, Any]) -> dict[str, float]:
    if kind == "logs_dropped":
        return {word: float(record[key]) for key, word in _DROPPED.items() if _is_number(record.get(key))}
    told = record.get("metrics")
    if not isinstance(told, dict):
        return {}
    words = {**_VALUES, "durationMs": _OWN_DURATION.get(kind, "duration")}
    return {word: float(told[key]) for key, word in words.items() if _is_number(told.get(key))}


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e15


def _invoked(arn: str) -> tuple[str, str]:
    """(function, alias) of `arn:aws:lambda:<Region>:<account>:function:<name>[:<version or alias>]`."""
    parts = arn.split(":")
    if len(parts) < 7 or parts[5] != "function":
        return "", ""
    qualifier = parts[7] if len(parts) > 7 else ""
    return parts[6], "" if qualifier.isdecimal() or qualifier == "$LATEST" else qualifier


def _take_tracing(record: PlatformRecord, tracing: object) -> None:
    """`{"spanId", "type": "X-Amzn-Trace-Id", "value": "Root=...;Parent=...;Sampled=1"}`."""
    value = _text(tracing, "value") if isinstance(tracing, dict) else ""
    record.trace_id = ids.root_of(value)
    parent = ids.field_of(value, "Parent").lower()
    record.span_id = parent if ids.is_span_id(parent) else ""


def _text(document: dict[str, Any], key: str) -> str:
    value = document.get(key)
    return value if isinstance(value, str) else ""
