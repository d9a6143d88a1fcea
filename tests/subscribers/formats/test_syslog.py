# ruff: noqa: E501 - tables of cases, one a line
"""Syslog lines of both standards, as senders, relays and files have them."""

from __future__ import annotations

from datetime import UTC
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from observe.ids import derive_trace_id
from subscribers.formats import syslog
from subscribers.formats.told import Clock

#: 2026-11-21T03:30:10Z
NEAR = 1_795_231_810_000_000_000
CLOCK = Clock(UTC, NEAR)
S = 10**9
TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


def priority(code: int, facility: str) -> dict[str, Any]:
    return {
        "log.syslog.facility.code": code // 8,
        "log.syslog.facility.name": facility,
        "log.syslog.severity.code": code % 8,
        "log.syslog.priority": code,
    }


# (line, time after NEAR in seconds or None, level, message, attributes)
LINES: list[tuple[str, float | None, str, str, dict[str, Any]]] = [
    # RFC 5424, its own examples moved to our day.
    ("<34>1 2026-11-21T03:30:10.003Z mymachine.example.com su - ID47 - \ufeff'su root' failed for lonvick on /dev/pts/8", 0.003, "FATAL", "'su root' failed for lonvick on /dev/pts/8", {"host.name": "mymachine.example.com", "process.name": "su", "log.syslog.msgid": "ID47", **priority(34, "auth")}),
    ("<165>1 2026-11-20T20:30:10.000003-07:00 192.0.2.1 myproc 8710 - - %% It's time to make the do-nuts.", 0.000003, "INFO", "%% It's time to make the do-nuts.", {"host.name": "192.0.2.1", "process.name": "myproc", "process.pid": 8710, **priority(165, "local4")}),
    ('<165>1 2026-11-21T03:30:10.003Z h evntslog - ID47 [exampleSDID@32473 iut="3" eventSource="App \\"x\\" \\]"][e@1 class="high"] An application event', 0.003, "INFO", "An application event", {"host.name": "h", "process.name": "evntslog", "log.syslog.msgid": "ID47", "log.syslog.structured_data.exampleSDID_32473.iut": "3", "log.syslog.structured_data.exampleSDID_32473.eventSource": 'App "x" ]', "log.syslog.structured_data.e_1.class": "high", **priority(165, "local4")}),
    ("<11>1 - - - - - -", None, "ERROR", "", priority(11, "user")),
    ("<14>1 2026-11-21T03:30:10Z h app pid-7 - - m", 0, "INFO", "m", {"host.name": "h", "process.name": "app", "log.syslog.procid": "pid-7", **priority(14, "user")}),
    # RFC 3164, its own examples.
    ("<34>Nov 21 03:30:10 mymachine su: 'su root' failed for lonvick on /dev/pts/8", 0, "FATAL", "'su root' failed for lonvick on /dev/pts/8", {"host.name": "mymachine", "process.name": "su", **priority(34, "auth")}),
    ("<13>Nov  1 03:30:10 10.0.0.99 Use the BFG!", -20 * 86400, "INFO", "Use the BFG!", {"host.name": "10.0.0.99", **priority(13, "user")}),
    ("<165>Nov 21 03:30:10 CST 1987 mymachine myproc[10]: %% It's time", -1230768000, "INFO", "%% It's time", {"host.name": "mymachine", "process.name": "myproc", "process.pid": 10, **priority(165, "local4")}),
    ("<0>1990 Oct 22 10:52:01 TZ-6 scapegoat sched[0]: That's All Folks!", None, "FATAL", "1990 Oct 22 10:52:01 TZ-6 scapegoat sched[0]: That's All Folks!", priority(0, "kern")),
    # As they are found.
    ("<13>Nov 21 03:30:10 app[4711]: no host", 0, "INFO", "no host", {"process.name": "app", "process.pid": 4711, **priority(13, "user")}),
    ("<13>just text", None, "INFO", "just text", priority(13, "user")),
    ("<189>29: *Nov 21 03:30:10.123: %SYS-5-CONFIG_I: Configured from console", 0.123, "INFO", "Configured from console", {"process.name": "%SYS-5-CONFIG_I", **priority(189, "local7")}),
    ("72 <34>Nov 21 03:30:10 mymachine su: 'su root' failed", 0, "FATAL", "'su root' failed", {"host.name": "mymachine", "process.name": "su", **priority(34, "auth")}),
    ("<30>2026-11-21T04:30:10.5+01:00 host systemd[1]: Started.", 0.5, "INFO", "Started.", {"host.name": "host", "process.name": "systemd", "process.pid": 1, **priority(30, "daemon")}),
    ("Nov 21 03:30:10 combo sshd(pam_unix)[19939]: check pass; user unknown", 0, "", "check pass; user unknown", {"host.name": "combo", "process.name": "sshd(pam_unix)", "process.pid": 19939}),
    ("Nov 21 03:30:10 combo syslogd 1.4.1: restart.", 0, "", "restart.", {"host.name": "combo", "process.name": "syslogd 1.4.1"}),
    ("Nov 21 03:30:10 combo  -- root[2421]: ROOT LOGIN ON tty2", 0, "", "ROOT LOGIN ON tty2", {"host.name": "combo", "process.name": "-- root", "process.pid": 2421}),
    ("Nov 21 2025 03:30:10 asa %ASA-6-302013: Built", -365 * 86400, "", "Built", {"host.name": "asa", "process.name": "%ASA-6-302013"}),
    ("Nov 21 03:30:10 app-1 kernel: [12345.678] eth0: up", 0, "", "[12345.678] eth0: up", {"host.name": "app-1", "process.name": "kernel"}),
    ("Nov 21 03:30:10 app-1 last message repeated 2 times", 0, "", "last message repeated 2 times", {"host.name": "app-1"}),
    ("Nov 21 03:30:10 app-1 postfix/smtpd[99]: connect", 0, "", "connect", {"host.name": "app-1", "process.name": "postfix/smtpd", "process.pid": 99}),
    ("Dec 31 23:59:59 h a: last year's or this one's", 40 * 86400 + 73789, "", "last year's or this one's", {"host.name": "h", "process.name": "a"}),
    ("2026-11-21T03:30:10.123456+00:00 app-1 CRON[7]: (root) CMD (x)", 0.123456, "", "(root) CMD (x)", {"host.name": "app-1", "process.name": "CRON", "process.pid": 7}),
]  # fmt: skip


@pytest.mark.parametrize(("line", "after_s", "level", "message", "attributes"), LINES)
def test_lines(
    line: str, after_s: float | None, level: str, message: str, attributes: dict[str, Any]
) -> None:
    """Time, level by the priority, message, and who wrote it."""
    told = syslog.read(line, CLOCK)
    assert told is not None
    expected = None if after_s is None else NEAR + round(after_s * 10**6) * 1000
    assert (told.time_unix_nano, told.level, told.message) == (expected, level, message)
    assert told.attributes == attributes


@pytest.mark.parametrize(
    "line",
    [
        "",
        "plain",
        "<999>x",
        "<>x",
        "2026-11-21 03:30:10,123 INFO app: a log4j line",
        "2026-11-21T03:30:10.123Z INFO app: another",
        "2026-11-21T03:30:10.123Z INFO: another",
        "[Mon Dec 05 07:47:36 2005] [notice] Apache",
        "Nov 21 03:30 no seconds",
    ],
)
def test_other_lines(line: str) -> None:
    """Neither a priority, nor time, host and tag."""
    assert syslog.read(line, CLOCK) is None


def test_the_zone_is_the_services() -> None:
    """RFC 3164 names none."""
    told = syslog.read("<13>Nov 21 04:30:10 h a: m", Clock(ZoneInfo("Europe/Paris"), NEAR))
    assert told is not None
    assert told.time_unix_nano == NEAR


def test_the_year_is_the_nearest() -> None:
    """A line of December that arrives in January is of last year."""
    new_year = NEAR + 41 * 86400 * S
    told = syslog.read("Dec 31 23:59:59 h a: m", Clock(UTC, new_year))
    assert told is not None
    assert told.time_unix_nano is not None
    assert 0 < new_year - told.time_unix_nano < 2 * 86400 * S


def test_identity_in_structured_data() -> None:
    """In any spelling that a log context has; the other parameters stay."""
    told = syslog.read(f'<14>1 - h a - - [o@1 traceparent="00-{TRACE}-{SPAN}-01" user="ann"] m', CLOCK)
    assert told is not None
    assert (told.trace_id, told.span_id) == (TRACE, SPAN)
    assert told.attributes["log.syslog.structured_data.o_1.user"] == "ann"
    assert not any("traceparent" in name for name in told.attributes)
    told = syslog.read('<14>1 - h a - - [o@1 correlationId="CLM-1"] m', CLOCK)
    assert told is not None
    assert (told.correlation_id, told.trace_id) == ("CLM-1", derive_trace_id("CLM-1"))


def test_broken_structured_data_is_not_5424() -> None:
    """The line is still syslog's: all that is behind the priority is its text."""
    told = syslog.read('<14>1 - h a - - [o@1 a="b] m', CLOCK)
    assert told is not None
    assert (told.level, told.message) == ("INFO", '1 - h a - - [o@1 a="b] m')


@pytest.mark.parametrize("severity", range(8))
def test_severities(severity: int) -> None:
    """Eight of syslog's, five of ours."""
    told = syslog.read(f"<{8 + severity}>m", CLOCK)
    assert told is not None
    assert told.level == ["FATAL", "FATAL", "FATAL", "ERROR", "WARN", "INFO", "INFO", "DEBUG"][severity]


def test_a_header_alone() -> None:
    """What stands before CEF and LEEF: time and host."""
    head = syslog.head("<134>Nov 21 03:30:10 gate ", CLOCK)
    assert head is not None
    assert (head.time_unix_nano, head.host) == (NEAR, "gate")
    assert syslog.head("gate ", CLOCK) is None
