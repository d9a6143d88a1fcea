# ruff: noqa: E501 - tables of cases, one a line
"""What Windows writes: events as the CloudWatch agent and Event Viewer tell them, and the servicing logs."""

from __future__ import annotations

from datetime import UTC
from typing import Any

import pytest

from subscribers.formats import windows
from subscribers.formats.records import paged
from subscribers.formats.told import Clock, Told
from tests.subscribers.formats.test_records import logs, page

#: 2026-11-21T03:30:10Z
NEAR = 1_795_231_810_000_000_000
CLOCK = Clock(UTC, NEAR)
XML = (
    '<Event xmlns="http://schemas.microsoft.com/win/2004/08/events/event"><System>'
    '<Provider Name="Microsoft-Windows-Security-Auditing" Guid="{54849625}"/><EventID>4624</EventID><Version>2</Version>'
    "<Level>0</Level><Task>12544</Task><Opcode>0</Opcode><Keywords>0x8020000000000000</Keywords>"
    '<TimeCreated SystemTime="2026-11-21T03:30:10.1234567Z"/><EventRecordID>17</EventRecordID>'
    "<Correlation ActivityID='{a-1}'/><Execution ProcessID=\"624\" ThreadID='700'/><Channel>Security</Channel>"
    "<Computer>WIN-1</Computer><Security/></System><EventData>"
    '<Data Name="TargetUserName">Ann &amp; Bob</Data><Data Name="Empty"></Data><Data>bare</Data></EventData>{rendering}</Event>'
)
XML_ATTRIBUTES: dict[str, Any] = {
    "event.provider": "Microsoft-Windows-Security-Auditing",
    "event.code": "4624",
    "winlog.task": "12544",
    "winlog.opcode": "0",
    "winlog.keywords": "0x8020000000000000",
    "winlog.record_id": "17",
    "winlog.activity_id": "{a-1}",
    "process.pid": 624,
    "thread.id": 700,
    "winlog.channel": "Security",
    "host.name": "WIN-1",
    "winlog.event_data.TargetUserName": "Ann & Bob",
    "winlog.event_data.param2": "bare",
}
VIEWER = (
    "Log Name:      Application\r\nSource:        ESENT\r\nDate:          {date}\r\nEvent ID:      916\r\n"
    "Task Category: General\r\nLevel:         Error\r\nKeywords:      Classic\r\nUser:          N/A\r\n"
    "Computer:      WIN-1\r\nDescription:\r\nThe beta feature\r\n\r\nLevel: x"
)


def event(text: str) -> Told:
    told = windows.read_event(text, CLOCK)
    assert told is not None
    return told


def test_the_agents_text() -> None:
    """Six pairs of brackets; the time is CloudWatch's."""
    told = event(
        "[System] [WARNING] [7036] [Service Control Manager] [EC2AMAZ-1] [The [Claims] service stopped.]"
    )
    assert (told.time_unix_nano, told.level) == (None, "WARN")
    assert told.message == "The [Claims] service stopped."
    assert told.attributes == {
        "winlog.channel": "System",
        "event.code": "7036",
        "event.provider": "Service Control Manager",
        "host.name": "EC2AMAZ-1",
    }


def test_the_xml() -> None:
    """System and event data by their names, entities undone; who renders no message is summed up."""
    told = event(XML.replace("{rendering}", ""))
    assert (told.time_unix_nano, told.level) == (NEAR + 123_456_700, "INFO")
    assert told.message == "Microsoft-Windows-Security-Auditing 4624: Ann & Bob, bare"
    assert told.attributes == XML_ATTRIBUTES


def test_the_xml_with_its_message() -> None:
    """wevtutil and the agent render it where the provider is installed."""
    rendering = "<RenderingInfo Culture='en-US'><Message>An account was &quot;logged on&quot;.</Message><Level>Information</Level></RenderingInfo>"
    told = event(XML.replace("{rendering}", rendering))
    assert (told.message, told.level) == ('An account was "logged on".', "INFO")
    assert told.attributes == XML_ATTRIBUTES


@pytest.mark.parametrize(
    ("number", "level"),
    [("1", "FATAL"), ("2", "ERROR"), ("3", "WARN"), ("4", "INFO"), ("5", "DEBUG"), ("0", "INFO"), ("9", "")],
)
def test_levels_have_numbers(number: str, level: str) -> None:
    """0 is what is always logged."""
    assert event(XML.replace("<Level>0<", f"<Level>{number}<")).level == level


@pytest.mark.parametrize(
    "date", ["11/21/2026 3:30:10 AM", "21.11.2026 03:30:10", "21/11/2026 03:30:10", "2026-11-21T03:30:10.000"]
)
def test_event_viewers_text(date: str) -> None:
    """A line for each property, the description to the end; dates of several countries."""
    told = event(VIEWER.format(date=date))
    assert (told.time_unix_nano, told.level, told.message) == (NEAR, "ERROR", "The beta feature\n\nLevel: x")
    assert told.attributes == {
        "winlog.channel": "Application",
        "event.provider": "ESENT",
        "event.code": "916",
        "winlog.task": "General",
        "winlog.keywords": "Classic",
        "host.name": "WIN-1",
    }


def test_event_viewers_text_of_a_file() -> None:
    """A record is all that stands between one `Log Name:` and the next, blank lines too."""
    one, two = VIEWER.format(date="11/21/2026 3:30:10 AM"), VIEWER.format(date="11/21/2026 3:30:11 AM")
    given = page(*one.split("\n"), "", *two.split("\n"), "[System] [ERROR] [7] [P] [H] [last]")
    parsed = paged(windows.WINDOWS_EVENT, UTC)(given)
    first, second, last = logs(parsed)
    assert (first.time_unix_nano, first.level, first.attributes["event.code"]) == (NEAR, "ERROR", "916")
    assert first.message == "The beta feature\n\nLevel: x"
    assert (second.time_unix_nano - NEAR, second.message) == (10**9, first.message)
    assert (last.message, last.level) == ("last", "ERROR")
    assert parsed.notes == {}


@pytest.mark.parametrize("text", ["", "<html>", "[System] [INFO] x", "<Event>", "Name: x"])
def test_what_is_no_event(text: str) -> None:
    """Other brackets, other elements."""
    assert windows.read_event(text, CLOCK) is None


@pytest.mark.parametrize(
    ("line", "level", "message", "attributes"),
    [
        ("2026-11-21 03:30:10, Info                  CBS    Loaded Servicing Stack", "INFO", "Loaded Servicing Stack", {"log.logger": "CBS"}),
        ("2026-11-21 03:30:10, Error                 CSI    00000001 (F) x", "ERROR", "00000001 (F) x", {"log.logger": "CSI"}),
        ("2026-11-21 03:30:10, Warning               DISM   DISM Provider Store: PID=1", "WARN", "DISM Provider Store: PID=1", {"log.logger": "DISM"}),
        ("2026-11-21 03:30:10, Info                         setup began", "INFO", "setup began", {}),
    ],
)  # fmt: skip
def test_servicing_logs(line: str, level: str, message: str, attributes: dict[str, str]) -> None:
    """CBS.log, DISM.log and setupact.log, which may leave the component out."""
    told = windows.read_cbs(line, CLOCK)
    assert told is not None
    assert (told.time_unix_nano, told.level, told.message, told.attributes) == (
        NEAR,
        level,
        message,
        attributes,
    )


@pytest.mark.parametrize("line", ["", "2026-11-21 03:30:10 Info CBS x", "2026-13-21 03:30:10, Info CBS x"])
def test_what_is_no_servicing_log(line: str) -> None:
    """No comma behind the time, or no time."""
    assert windows.read_cbs(line, CLOCK) is None
