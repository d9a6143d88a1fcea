"""What Lambda itself says about invocations: text lines and JSON `platform.*` records.

Text is `KEYWORD key: value` with the pairs divided by tabs, newlines or two and more spaces, in any
order: AWS's own emulator writes Init Duration before Duration, where positional readers miss it.

https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html
"""

from __future__ import annotations

import re
from typing import Any

from observe import ids, semconv
from subscribers.parsers.draft import Draft, PlatformRecord
from subscribers.parsers.times import rfc3339

DATASET = "lambda.platform"
PREFIX = "aws.lambda."
STATUS = PREFIX + "status"
OUT_OF_MEMORY = "Runtime.OutOfMemory"
#: A status that is a failed invocation; `failure` is a handler's exception in JSON records.
FAILED = ("error", "failure", "timeout")

_PAIRS = re.compile(r"[\t\n]+| {2,}")
_KEYWORDS = {
    "START RequestId: ": "start",
    "END RequestId: ": "end",
    "REPORT RequestId: ": "report",
    "INIT_START ": "init_start",
    "INIT_REPORT ": "init_report",
    "RESTORE_START ": "restore_start",
    "RESTORE_REPORT ": "restore_report",
}
_TYPES = {
    "platform.start": "start",
    "platform.runtimeDone": "end",
    "platform.report": "report",
    "platform.initStart": "init_start",
    "platform.initReport": "init_report",
    "platform.restoreStart": "restore_start",
    "platform.restoreReport": "restore_report",
}
#: Text key, JSON key -> the last word of our metric.
_TEXT_VALUES = {
    "Duration": "duration",
    "Billed Duration": "billed_duration",
    "Memory Size": "memory_size",
    "Max Memory Used": "memory_used",
    "Init Duration": "init_duration",
    "Restore Duration": "restore_duration",
    "Billed Restore Duration": "billed_restore_duration",
}
_JSON_VALUES = {
    "durationMs": "duration",
    "billedDurationMs": "billed_duration",
    "memorySizeMB": "memory_size",
    "maxMemoryUsedMB": "memory_used",
    "initDurationMs": "init_duration",
    "restoreDurationMs": "restore_duration",
    "billedRestoreDurationMs": "billed_restore_duration",
}
#: In these records `durationMs` is not the invocation's.
_OWN_DURATION = {
    "init_report": "init_duration",
    "restore_report": "restore_duration",
    "end": "runtime_duration",
}
_TIMED_OUT = "Task timed out after "


def read(draft: Draft) -> bool:
    """Fill the draft of a text line that starts with one of the keywords; False if none does."""
    text = draft.message
    keyword = text[: text.find(" ") + 1]
    if keyword in ("START ", "END ", "REPORT "):
        keyword += "RequestId: "
    kind = _KEYWORDS.get(keyword)
    if not kind or not text.startswith(keyword):
        return _read_exit(draft)
    pairs = _pairs(text[len(keyword) :] if "_" in keyword else text[keyword.index(" ") + 1 :])
    request_id, _, version = pairs.pop("RequestId", "").partition(" Version: ")
    record = PlatformRecord(kind=kind, values=_text_values(pairs), status=pairs.pop("Status", ""))
    record.error_type = pairs.pop("Error Type", "")
    _take_xray(record, pairs.pop("XRAY TraceId", ""), pairs.pop("SegmentId", ""))
    attributes = _snake(pairs)
    if version:
        attributes[semconv.FAAS_VERSION] = version
    return _tell(draft, record, request_id, attributes)


def read_timeout(draft: Draft) -> bool:
    """Fill the draft of `<time> <request id> Task timed out after 3.00 seconds`; False if it is not one."""
    parts = draft.message.split(" ", 2)
    if len(parts) != 3 or not parts[2].startswith(_TIMED_OUT) or not draft.stamp(rfc3339(parts[0])):
        return False
    draft.error_message = parts[2].strip()
    return _tell(draft, PlatformRecord(kind="timeout", status="timeout"), parts[1], {})


def _read_exit(draft: Draft) -> bool:
    """`RequestId: U Error: Runtime exited with error: signal: killed\\nRuntime.ExitError`."""
    head, found, said = draft.message.partition(" Error: Runtime exited")
    if not found or not head.startswith("RequestId: "):
        return False
    said, _, error_type = f"Runtime exited{said}".partition("\n")
    record = PlatformRecord(kind="exit", status="error", error_type=error_type.strip())
    record.killed = "signal: killed" in said
    draft.error_message = said
    return _tell(draft, record, head[len("RequestId: ") :], {})


def read_record(draft: Draft, document: dict[str, Any]) -> bool:
    """Fill the draft of {"time", "type": "platform...", "record": {...}}; False if it is something else."""
    name, record = document["type"], document["record"]
    if not name.startswith("platform."):
        return False
    time, kind = document.get("time"), _TYPES.get(name, "other")
    draft.stamp(rfc3339(time) if isinstance(time, str) else None)
    told = PlatformRecord(kind=kind, values=_json_values(kind, record.get("metrics")))
    told.status = _text(record, "status")
    told.error_type = _text(record, "errorType")
    _take_tracing(told, record.get("tracing"))
    attributes = {key: value for key, value in record.items() if key not in _TAKEN}
    return _tell(draft, told, _text(record, "requestId"), {"type": name, **attributes})


#: Parts of a JSON record that have a field of their own.
_TAKEN = ("requestId", "metrics", "status", "errorType")


def _tell(draft: Draft, record: PlatformRecord, request_id: str, attributes: dict[str, Any]) -> bool:
    draft.dataset, draft.platform, draft.request_id = DATASET, record, request_id
    draft.level = "ERROR" if record.status in FAILED else "INFO"
    draft.error_type = record.error_type
    draft.attributes = {**attributes, **attributes_of(record)}
    return True


def attributes_of(record: PlatformRecord) -> dict[str, Any]:
    """What a log or span of this record says: the values under their metrics' names, and the status."""
    told: dict[str, Any] = {PREFIX + word: value for word, value in record.values.items()}
    if record.status:
        told[STATUS] = record.status
    if record.error_type:
        told[semconv.ERROR_TYPE] = record.error_type
    return told


def _pairs(text: str) -> dict[str, str]:
    parts = (part.partition(": ") for part in _PAIRS.split(text))
    return {key.strip(): value.strip() for key, found, value in parts if found}


def _text_values(pairs: dict[str, str]) -> dict[str, float]:
    """Take `9.14 ms` and `128 MB` out of the pairs; what is no number stays a pair."""
    values: dict[str, float] = {}
    for key, word in _TEXT_VALUES.items():
        number = pairs.get(key, "").partition(" ")[0]
        if number.replace(".", "", 1).isdecimal():
            values[word] = float(number)
            del pairs[key]
    return values


def _json_values(kind: str, told: object) -> dict[str, float]:
    if not isinstance(told, dict):
        return {}
    words = {**_JSON_VALUES, "durationMs": _OWN_DURATION.get(kind, "duration")}
    return {
        word: float(told[key])
        for key, word in words.items()
        if isinstance(told.get(key), int | float) and abs(told[key]) < 1e15
    }


def _take_xray(record: PlatformRecord, root: str, segment: str) -> None:
    record.trace_id = ids.root_of(f"Root={root}")
    record.span_id = segment if ids.is_span_id(segment) else ""


def _take_tracing(record: PlatformRecord, tracing: object) -> None:
    """`{"spanId", "type": "X-Amzn-Trace-Id", "value": "Root=...;Parent=...;Sampled=1"}`."""
    value = _text(tracing, "value") if isinstance(tracing, dict) else ""
    record.trace_id = ids.root_of(value)
    parent = ids.field_of(value, "Parent").lower()
    record.span_id = parent if ids.is_span_id(parent) else ""


def _text(document: dict[str, Any], key: str) -> str:
    value = document.get(key)
    return value if isinstance(value, str) else ""


def _snake(pairs: dict[str, str]) -> dict[str, str]:
    """`Runtime Version ARN` -> `runtime_version_arn`, as attribute names are written."""
    return {key.lower().replace(" ", "_"): value for key, value in pairs.items()}
