"""The formats `cef` and `leef`: security events with a header of bars and pairs behind it.

    CEF:0|Vendor|Product|1.0|100|worm stopped|10|src=10.0.0.1 dst=2.1.2.2 spt=1232 msg=it\\=stopped
    LEEF:2.0|Vendor|Product|1.0|41|^|src=10.0.1.8^dst=10.0.0.5^sev=5

A syslog header may stand before either. In CEF's header `\\|` and `\\\\`, in its pairs `\\=`, `\\\\`, `\\n`
and `\\r` are escapes; values have blanks, so that one ends where the next key begins. `cs1Label=Rule cs1=x`
is one attribute, `cef.Rule`. The severities 0-3 are INFO, 4-6 WARN, 7-8 ERROR, 9-10 FATAL, and so are Low,
Medium, High, Very-High.

https://docs.trellix.com/docs/common-event-format-cef
https://www.elastic.co/guide/en/beats/filebeat/current/exported-fields-cef.html
https://www.ibm.com/docs/en/dsm?topic=overview-leef-event-components
"""

from __future__ import annotations

import re
from typing import Any

from observe import semconv
from subscribers.formats import moments, syslog
from subscribers.formats.told import Clock, LineFormat, Reader, Told
from subscribers.parsers import java_dates

#: As far as a syslog header may reach.
_LEAD_MAX = 300
_FIELD = re.compile(r"((?:[^|\\]|\\.)*+)\|", re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES = {"n": "\n", "r": "\r"}
_KEY = re.compile(r"(?:^|(?<=\s))([A-Za-z_][\w.\-\[\]]{0,100}+)=")
_LABEL = re.compile(r"(?:c[sn]|cfp|c6a|flexString|flexNumber|flexDate|deviceCustomDate)\d{1,2}+Label")
_WORDS = {"low": "INFO", "medium": "WARN", "high": "ERROR", "very-high": "FATAL"}
_SEVERITIES = ("INFO",) * 4 + ("WARN",) * 3 + ("ERROR",) * 2 + ("FATAL",) * 2
_TIMES = ("rt", "end", "start", "deviceReceiptTime", "devTime")
#: How CEF and LEEF write times that are no milliseconds; a year and a zone may be missing.
_DATES = (
    "MMM dd yyyy HH:mm:ss.SSS z",
    "MMM dd yyyy HH:mm:ss.SSS",
    "MMM dd yyyy HH:mm:ss z",
    "MMM dd yyyy HH:mm:ss",
    "MMM dd HH:mm:ss.SSS z",
    "MMM dd HH:mm:ss.SSS",
    "MMM dd HH:mm:ss z",
    "MMM dd HH:mm:ss",
)
#: Keys with a name of their own in OpenTelemetry or ECS; the rest are `cef.<key>`, `leef.<key>`.
_NAMES = {
    "src": "source.address",
    "spt": "source.port",
    "srcPort": "source.port",
    "dst": "destination.address",
    "dpt": "destination.port",
    "dstPort": "destination.port",
    "shost": "source.domain",
    "dhost": "destination.domain",
    "suser": "source.user.name",
    "duser": "destination.user.name",
    "usrName": "user.name",
    "dvchost": semconv.HOST_NAME,
    "request": "url.original",
    "requestMethod": "http.request.method",
    "requestClientApplication": "user_agent.original",
    "act": "event.action",
    "outcome": "event.outcome",
    "externalId": "event.id",
    "proto": "network.transport",
    "app": "network.protocol.name",
    "fname": "file.name",
    "filePath": "file.path",
    "fsize": "file.size",
    "dvcpid": semconv.PROCESS_PID,
    "dproc": "process.name",
}
_NUMBERS = frozenset({"source.port", "destination.port", "file.size", semconv.PROCESS_PID})


def read_cef(text: str, clock: Clock) -> Told | None:
    """Return what one CEF event tells, or None for a line that is none."""
    found = _header(text, "CEF:", 7)
    if found is None:
        return None
    (version, vendor, product, release, event_class, name, severity), lead, rest = found
    told = _told("cef", _pairs(rest), lead, clock)
    told.level = level_of(severity)
    told.attributes |= {
        "observer.vendor": vendor,
        "observer.product": product,
        "observer.version": release,
        "event.code": event_class,
        "cef.severity": severity,
        "cef.version": version,
    }
    if told.message:
        told.attributes["cef.name"] = name
    told.message = told.message or name
    return told


def read_leef(text: str, clock: Clock) -> Told | None:
    """Return what one LEEF event tells, or None for a line that is none."""
    found = _header(text, "LEEF:", 5)
    if found is None:
        return None
    (version, vendor, product, release, event_id), lead, rest = found
    separator = "\t"
    if (
        version.startswith("2")
        and (match := _FIELD.match(rest))
        and len(match[1]) < 6
        and "=" not in match[1]
    ):
        separator, rest = _separator(match[1]), rest[match.end() :]
    parts = (part.partition("=") for part in rest.split(separator))
    told = _told("leef", {key.strip(): value for key, equals, value in parts if equals}, lead, clock)
    told.level = level_of(str(told.attributes.get("leef.sev", "")))
    told.attributes |= {
        "observer.vendor": vendor,
        "observer.product": product,
        "observer.version": release,
        "event.code": event_id,
        "leef.version": version,
    }
    return told


def level_of(severity: str) -> str:
    """Return the level of a severity, a number to 10 or a word."""
    if severity.isdecimal() and len(severity) < 3 and int(severity) < len(_SEVERITIES):
        return _SEVERITIES[int(severity)]
    return _WORDS.get(severity.strip().lower(), "")


def _header(text: str, mark: str, count: int) -> tuple[list[str], str, str] | None:
    """(fields of the header, what stands before it, what follows); None where it is not complete."""
    start = text.find(mark, 0, _LEAD_MAX)
    if start < 0 or (start and text[start - 1] not in " \ufeff"):
        return None
    fields: list[str] = []
    at = start + len(mark)
    while len(fields) < count:
        match = _FIELD.match(text, at)
        if match is None:
            # The bar behind the last field is left out where nothing follows.
            if len(fields) < count - 1:
                return None
            return [*fields, _unescape(text[at:]).strip()], text[:start], ""
        fields.append(_unescape(match[1]).strip())
        at = match.end()
    return fields, text[:start], text[at:]


def _pairs(text: str) -> dict[str, str]:
    keys = list(_KEY.finditer(text))
    ends = (*(match.start() for match in keys[1:]), len(text))
    # Without a key there is one end too many.
    return {key[1]: _unescape(text[key.end() : end].rstrip()) for key, end in zip(keys, ends, strict=False)}


def _told(kind: str, found: dict[str, str], lead: str, clock: Clock) -> Told:
    """What the pairs say, with time and host of the syslog header where they say neither."""
    attributes: dict[str, Any] = {}
    header = syslog.head(lead, clock) if lead.strip() else None
    if header and header.host:
        attributes[semconv.HOST_NAME] = header.host
    time, used = _time(found, clock)
    message = found.get("msg", "")
    labels = {key[:-5]: value for key, value in found.items() if _LABEL.fullmatch(key)}
    for key, value in found.items():
        if key in (used, "msg") or (key[:-5] in labels and key.endswith("Label") and key[:-5] in found):
            continue
        name = _NAMES.get(key) or f"{kind}.{labels.get(key) or key}"
        is_number = name in _NUMBERS and value.isdecimal() and len(value) < 16
        attributes[name] = int(value) if is_number else value
    if time is None and header:
        time = header.time_unix_nano
    return Told(time_unix_nano=time, message=message, attributes=attributes)


def _time(found: dict[str, str], clock: Clock) -> tuple[int | None, str]:
    """(time, its key) of the first time among the pairs that can be read."""
    for key in _TIMES:
        value = found.get(key, "").strip()
        if value.isdecimal() and len(value) < 20:
            time = moments.epoch(int(value))
        else:
            time = moments.iso(value, clock) or _dated(value, clock)
        if time is not None:
            return time, key
    return None, ""


def _dated(value: str, clock: Clock) -> int | None:
    if not 14 < len(value) < 40:
        return None
    for pattern in _DATES:
        if parts := java_dates.date_format(pattern).parts(value):
            return clock.unix_nano(parts)
    return None


def _separator(text: str) -> str:
    """`^`, or `x5E` and `0x5E` for it."""
    code = text.lower().removeprefix("0").removeprefix("x")
    if len(text) > 1 and code and all(digit in "0123456789abcdef" for digit in code):
        return chr(int(code, 16))
    return text or "\t"


def _unescape(text: str) -> str:
    if "\\" not in text:
        return text
    return _ESCAPED.sub(lambda match: _ESCAPES.get(match[1], match[1]), text)


def _cef_reader() -> Reader:
    return read_cef


def _leef_reader() -> Reader:
    return read_leef


CEF = LineFormat(
    dataset="cef.log",
    reader=_cef_reader,
    example="Nov 21 03:30:10 gate CEF:0|Security|threatmanager|1.0|100|worm successfully stopped|10|"
    "src=10.0.0.1 dst=2.1.2.2 spt=1232 rt=1795231810123 msg=the worm\\=1 is gone cs1Label=Rule cs1=no worms",
)
LEEF = LineFormat(
    dataset="leef",
    reader=_leef_reader,
    example="Nov 21 03:30:10 gate LEEF:2.0|Lancope|StealthWatch|1.0|41|^|src=10.0.1.8^dst=10.0.0.5^sev=5^"
    "srcPort=81^dstPort=21",
)
