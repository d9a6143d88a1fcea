"""The formats `windows_event` and `windows_cbs`: what Windows writes.

    [System] [INFORMATION] [7036] [Service Control Manager] [HOST] [message]     the CloudWatch agent's text
    <Event xmlns="..."><System><Provider Name="..."/><EventID>7036</EventID>...  its XML, and wevtutil's
    Log Name:      Application\\nSource:        ESENT\\nDate: ...                  Event Viewer's text
    2016-09-28 04:30:30, Info                  CBS    Loaded Servicing Stack     CBS.log, DISM.log, setupact

Event Viewer's text has a line for each property, and is read from a text that holds them all. Its dates are
read as the United States, Germany, Great Britain and ISO 8601 write them; of two that fit the nearer counts.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch-Agent-Configuration-File-Details.html
https://learn.microsoft.com/en-us/windows/win32/wes/eventschema-systempropertiestype-complextype
"""

from __future__ import annotations

import re
from html import unescape
from typing import Any

from observe import semconv
from subscribers.formats import levels, moments
from subscribers.formats.told import Clock, LineFormat, Reader, Told
from subscribers.parsers import java_dates

_AGENT = re.compile(
    r"\[([^\[\]]{1,256}+)\] \[([A-Za-z]{4,13}+)\] \[(\d{1,10}+)\] \[([^\]]{0,256}+)\] "
    r"\[([^\]\s]{0,256}+)\] \["
)
_CBS = re.compile(
    rf"({moments.ISO}), (Info|Warning|Error|Perf|Verbose|Debug|Fatal)(?: {{1,30}}|\t)"
    r"(?:([A-Z][A-Za-z0-9_]{1,19}+) {1,30})?"
)
#: What Windows numbers: 0 is what is always logged, audits for one.
_NUMBERED = ("INFO", "FATAL", "ERROR", "WARN", "INFO", "DEBUG")
_TAG = re.compile(
    r"<(\w{1,64}+)((?:\s++[\w:]{1,64}+\s*+=\s*+(?:\"[^\"<]*+\"|'[^'<]*+'))*+)\s*+(?:/>|>([^<]*+))"
)
_ATTRIBUTE = re.compile(r"([\w:]{1,64}+)\s*+=\s*+(?:\"([^\"]*+)\"|'([^']*+)')")
#: (element, its attribute or "" for its text) -> our name.
_SYSTEM = {
    ("Provider", "Name"): "event.provider",
    ("EventID", ""): "event.code",
    ("Channel", ""): "winlog.channel",
    ("Computer", ""): semconv.HOST_NAME,
    ("EventRecordID", ""): "winlog.record_id",
    ("Task", ""): "winlog.task",
    ("Opcode", ""): "winlog.opcode",
    ("Keywords", ""): "winlog.keywords",
    ("Security", "UserID"): "user.id",
    ("Execution", "ProcessID"): semconv.PROCESS_PID,
    ("Execution", "ThreadID"): "thread.id",
    ("Correlation", "ActivityID"): "winlog.activity_id",
}
_VIEWER = {
    "Log Name": "winlog.channel",
    "Source": "event.provider",
    "Event ID": "event.code",
    "Task Category": "winlog.task",
    "Keywords": "winlog.keywords",
    "User": "user.name",
    "Computer": semconv.HOST_NAME,
    "OpCode": "winlog.opcode",
    "Opcode": "winlog.opcode",
}
_PROPERTY = re.compile(r"\s{0,8}+([A-Z][A-Za-z ]{1,20}+):[ \t]*+(.*)")
_DATES = ("M/d/yyyy h:mm:ss a", "d.M.yyyy HH:mm:ss", "d/M/yyyy HH:mm:ss", "M/d/yyyy HH:mm:ss")
_NUMBERS = frozenset({semconv.PROCESS_PID, "thread.id"})


def read_event(text: str, clock: Clock) -> Told | None:
    """Return what one event of the event log tells, or None for a text that is none."""
    if text.startswith("<"):
        return _xml(text, clock)
    if text.lstrip().startswith("Log Name:"):
        return _viewer(text, clock)
    match = _AGENT.match(text)
    if match is None:
        return None
    channel, level, code, provider, host = match.groups()
    attributes = {
        "winlog.channel": channel,
        "event.code": code,
        "event.provider": provider,
        semconv.HOST_NAME: host,
    }
    message = text[match.end() :]
    return Told(
        level=levels.level_of(level),
        # A message of several lines has its bracket in the last of them.
        message=message.removesuffix("]"),
        attributes={name: value for name, value in attributes.items() if value},
    )


def read_cbs(text: str, clock: Clock) -> Told | None:
    """Return what one line of the servicing logs tells, or None for a line that is none of them."""
    match = _CBS.match(text)
    time = moments.iso(match[1], clock) if match else None
    if match is None or time is None:
        return None
    return Told(
        time_unix_nano=time,
        level="DEBUG" if match[2] == "Perf" else levels.level_of(match[2]),
        message=text[match.end() :],
        attributes={"log.logger": match[3]} if match[3] else {},
    )


def _xml(text: str, clock: Clock) -> Told | None:
    """Read the elements one by one: entities are those of XML itself, and nothing is nested that matters."""
    start = text.find("<Event")
    if start < 0 or start > 200 or "<System>" not in text[start : start + 1000]:
        return None
    told = Told(attributes={})
    strings: list[str] = []
    for element, given, said in _TAG.findall(text, start):
        attributes = {name: one or other for name, one, other in _ATTRIBUTE.findall(given)}
        value = unescape(said).strip()
        if element == "Level" and not told.level:
            told.level = _numbered(value) or levels.level_of(value)
        elif element == "TimeCreated":
            told.time_unix_nano = moments.iso(attributes.get("SystemTime", ""), clock)
        elif element == "Message" and not told.message:
            told.message = value
        elif element == "Data" and value:
            name = attributes.get("Name", "")
            strings.append(value)
            told.attributes[f"winlog.event_data.{name or f'param{len(strings)}'}"] = value
        else:
            _take_system(element, attributes, value, told.attributes)
    told.message = told.message or _summary(told.attributes, strings)
    return told


def _take_system(element: str, given: dict[str, str], said: str, attributes: dict[str, Any]) -> None:
    for name, value in (("", said), *given.items()):
        own = _SYSTEM.get((element, name))
        if own and value and own not in attributes:
            is_number = own in _NUMBERS and value.isdecimal() and len(value) < 11
            attributes[own] = int(value) if is_number else unescape(value)


def _summary(attributes: dict[str, Any], strings: list[str]) -> str:
    """What stands for the message that only the machine which has the provider can render."""
    head = " ".join(str(attributes[name]) for name in ("event.provider", "event.code") if name in attributes)
    return ": ".join(part for part in (head, ", ".join(strings)) if part)


def _numbered(value: str) -> str:
    return _NUMBERED[int(value)] if value.isdecimal() and len(value) == 1 and int(value) < 6 else ""


def _viewer(text: str, clock: Clock) -> Told:
    """Read a property a line, and what stands behind `Description:` as the message."""
    told = Told(attributes={})
    lines = text.split("\n")
    for i, line in enumerate(lines):
        match = _PROPERTY.fullmatch(line.rstrip("\r"))
        if match is None:
            continue
        name, value = match[1], match[2].strip()
        if name == "Description":
            behind = "\n".join(one.rstrip("\r") for one in lines[i + 1 :])
            told.message = f"{value}\n{behind}".strip("\n")
            break
        if name == "Level":
            told.level = levels.level_of(value)
        elif name == "Date":
            told.time_unix_nano = _dated(value, clock)
        elif name in _VIEWER and value and value != "N/A":
            told.attributes[_VIEWER[name]] = value
    return told


def _dated(value: str, clock: Clock) -> int | None:
    found = [moments.iso(value, clock)]
    for pattern in _DATES:
        if parts := java_dates.date_format(pattern).parts(value):
            found.append(clock.unix_nano(parts))
    known = [time for time in found if time is not None]
    return clock.meant(known) if known else None


def _event_reader() -> Reader:
    return read_event


def _cbs_reader() -> Reader:
    return read_cbs


WINDOWS_EVENT = LineFormat(
    dataset="windows_event",
    whole=True,
    reader=_event_reader,
    joins=True,
    example="[System] [INFORMATION] [7036] [Service Control Manager] [EC2AMAZ-1] "
    "[The Claims service entered the running state.]\n"
    "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><Provider Name='Claims'/>"
    "<EventID>1000</EventID><Level>2</Level><TimeCreated SystemTime='2026-11-21T03:30:10.1234567Z'/>"
    "<Channel>Application</Channel><Computer>EC2AMAZ-1</Computer></System><EventData>"
    "<Data Name='claim'>CLM-1</Data></EventData></Event>",
)
WINDOWS_CBS = LineFormat(
    dataset="windows_cbs",
    reader=_cbs_reader,
    joins=True,
    example="2016-09-28 04:30:30, Info                  CBS    Loaded Servicing Stack v6.1.7601.23505",
)
