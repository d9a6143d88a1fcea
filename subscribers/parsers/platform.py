"""What Lambda itself says about invocations, in text.

Text is `KEYWORD key: value` with the pairs divided by tabs, newlines or two and more spaces, in any
order: AWS's own emulator writes Init Duration before Duration, where positional readers miss it. Copies from
a console have single spaces; keys that are known divide there, too.

    START, END, REPORT RequestId: U ...     INIT_START, INIT_REPORT, RESTORE_START, RESTORE_REPORT ...
    XRAY TraceId: 1-... SegmentId: ...      where a reader of lines cut it off its REPORT
    EXTENSION, TELEMETRY, LOGS Name: ...    an extension is ready, or subscribed to telemetry
    <time> U Task timed out after 3.00 seconds
    RequestId: U Error: Runtime exited with error: signal: killed\\nRuntime.ExitError
    RequestId: U Process exited before completing request

https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-view.html
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

_KEYS = (
    *("Billed Duration", "Memory Size", "Max Memory Used", "Init Duration", "Billed Restore Duration"),
    *("Status", "Error Type", "Phase", "XRAY TraceId", "SegmentId", "Sampled", "State", "Events", "Types"),
    *("Runtime Version", "Runtime Version ARN"),
)
_PAIRS = re.compile(r"[\t\n]+| {2,}")
#: For lines without tabs. What other keys end with divides behind a number or an ID only.
_SPACED = re.compile(
    rf"\n+| {{2,}}| (?=(?:{'|'.join(_KEYS)}): )|(?<= ms|[0-9a-f]{{3}}) (?=(?:Restore )?Duration: )"
)
_KEYWORDS = {
    "START RequestId: ": "start",
    "END RequestId: ": "end",
    "REPORT RequestId: ": "report",
    "INIT_START ": "init_start",
    "INIT_REPORT ": "init_report",
    "RESTORE_START ": "restore_start",
    "RESTORE_REPORT ": "restore_report",
    "XRAY TraceId: ": "xray",
}
#: The first words of the lines that name what they are about as a pair.
_NAMED = {"START ": "RequestId: ", "END ": "RequestId: ", "REPORT ": "RequestId: ", "XRAY ": "TraceId: "}
_ABOUT = {"EXTENSION": "extension", "TELEMETRY": "subscription", "LOGS": "subscription"}
#: Text key -> the last word of our metric.
_VALUES = {
    "Duration": "duration",
    "Billed Duration": "billed_duration",
    "Memory Size": "memory_size",
    "Max Memory Used": "memory_used",
    "Init Duration": "init_duration",
    "Restore Duration": "restore_duration",
    "Billed Restore Duration": "billed_restore_duration",
}
_TIMED_OUT = "Task timed out after "
_EXITED = "Process exited before completing request"
_REQUEST = re.compile(
    r"RequestId: ([0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}) (?:Error: )?(.+)", re.DOTALL
)
#: What ends such a line, or stands below it: `Runtime.ExitError`, `Extension.Crash`.
ERROR_TYPE = re.compile(r"(?:Runtime|Extension|Sandbox|Function)\.[A-Z]\w*")


def read(draft: Draft) -> bool:
    """Fill the draft of a text line that starts with one of the keywords; False if none does."""
    text = draft.message
    keyword = text[: text.find(" ") + 1]
    keyword += _NAMED.get(keyword, "")
    kind = _KEYWORDS.get(keyword)
    if not kind or not text.startswith(keyword):
        return _read_about(draft) or read_exit(draft)
    if kind in ("start", "end") and "\t" not in text:
        return _read_boundary(draft, kind, text[len(keyword) :])
    pairs = _pairs(text[len(keyword) :] if "_" in keyword else text[keyword.index(" ") + 1 :])
    request_id, _, version = pairs.pop("RequestId", "").partition(" Version: ")
    record = PlatformRecord(kind=kind, values=_text_values(pairs), status=pairs.pop("Status", ""))
    record.error_type, record.version = pairs.pop("Error Type", ""), version
    record.phase = pairs.get("Phase", "")
    root = pairs.pop("XRAY TraceId", "") or (pairs.pop("TraceId", "") if kind == "xray" else "")
    take_xray(record, root, pairs.pop("SegmentId", ""))
    attributes = _snake(pairs)
    if version:
        attributes[semconv.FAAS_VERSION] = version
    return tell(draft, record, request_id, attributes)


def _read_boundary(draft: Draft, kind: str, rest: str) -> bool:
    """`U Version: 7` of START, `U` of END."""
    request_id, _, version = rest.partition(" Version: ")
    version = version.strip()
    record = PlatformRecord(kind=kind, version=version)
    return tell(draft, record, request_id.strip(), {semconv.FAAS_VERSION: version} if version else {})


def _read_about(draft: Draft) -> bool:
    r"""`EXTENSION\tName: sidecar\tState: Ready\tEvents: [INVOKE, SHUTDOWN]`, and subscriptions alike."""
    text = draft.message
    word = text[: next((i for i in (9, 4) if text[i : i + 1] in (" ", "\t")), 0)]
    if word not in _ABOUT or "Name: " not in text or "State: " not in text:
        return False
    pairs = _pairs(text[len(word) :].strip())
    if "Name" not in pairs or "State" not in pairs:
        return False
    record = PlatformRecord(kind=_ABOUT[word], error_type=pairs.pop("Error Type", ""))
    attributes: dict[str, Any] = _snake(pairs)
    for key in ("events", "types"):
        if key in attributes:
            listed = attributes[key].strip("[]").split(",")
            attributes[key] = [item.strip() for item in listed if item.strip()]
    return tell(draft, record, "", attributes)


def read_timeout(draft: Draft) -> bool:
    """Fill the draft of `<time> <request id> Task timed out after 3.00 seconds`; False if it is not one."""
    parts = draft.message.split(" ", 2)
    if len(parts) != 3 or not parts[2].startswith(_TIMED_OUT) or not draft.stamp(rfc3339(parts[0])):
        return False
    draft.error_message = parts[2].strip()
    return tell(draft, PlatformRecord(kind="timeout", status="timeout"), parts[1], {})


def read_exit(draft: Draft) -> bool:
    """Fill the draft of `RequestId: U Error: <what became of the process>`; False if it is not one."""
    found = _REQUEST.fullmatch(draft.message)
    if found is None:
        return False
    request_id, said = found.groups()
    said, _, rest = said.partition("\n")
    error_type = rest.strip()
    if said.startswith(_TIMED_OUT):
        draft.error_message = said.strip()
        return tell(draft, PlatformRecord(kind="timeout", status="timeout"), request_id, {})
    named = ERROR_TYPE.fullmatch(error_type) is not None
    if not (named or said.startswith(("Runtime exited", _EXITED))):
        return False
    record = PlatformRecord(kind="exit", status="error", error_type=error_type if named else "")
    record.killed = "signal: killed" in said
    draft.error_message = said.strip()
    return tell(draft, record, request_id, {})


def tell(draft: Draft, record: PlatformRecord, request_id: str, attributes: dict[str, Any]) -> bool:
    """Fill the draft with what a record says; always True."""
    draft.dataset, draft.platform, draft.request_id = DATASET, record, request_id
    draft.level = "ERROR" if record.status in FAILED or record.error_type else "INFO"
    if record.kind == "logs_dropped":
        draft.level = "WARN"
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


def take_xray(record: PlatformRecord, root: str, segment: str) -> None:
    """Give the record X-Ray's identity: `1-<8 hex>-<24 hex>` and 16 hex digits; what is none is left out."""
    record.trace_id = ids.root_of(f"Root={root}")
    record.span_id = segment if ids.is_span_id(segment) else ""


def _pairs(text: str) -> dict[str, str]:
    if "\t" not in text:
        parts = _SPACED.split(text)
    elif "  " in text:
        parts = _PAIRS.split(text)
    else:  # as Lambda writes it
        parts = text.replace("\n", "\t").split("\t")
    pairs = (part.partition(": ") for part in parts)
    return {key.strip(): value.strip() for key, found, value in pairs if found}


def _text_values(pairs: dict[str, str]) -> dict[str, float]:
    """Take `9.14 ms` and `128 MB` out of the pairs; what is no number stays a pair."""
    values: dict[str, float] = {}
    for key in [key for key in pairs if key in _VALUES]:
        number = pairs[key].partition(" ")[0]
        if number.replace(".", "", 1).isdecimal() and len(number) < 19:
            values[_VALUES[key]] = float(number)
            del pairs[key]
    return values


def _snake(pairs: dict[str, str]) -> dict[str, Any]:
    """`Runtime Version ARN` -> `runtime_version_arn`, as attribute names are written."""
    return {key.lower().replace(" ", "_"): value for key, value in pairs.items()}
