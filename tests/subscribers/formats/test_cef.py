# ruff: noqa: E501 - tables of cases, one a line
"""CEF, LEEF and klog: lines with a header of their own."""

from __future__ import annotations

from datetime import UTC
from typing import Any

import pytest

from subscribers.formats import cef, klog
from subscribers.formats.told import Clock, Told

#: 2026-11-21T03:30:10Z
NEAR = 1_795_231_810_000_000_000
CLOCK = Clock(UTC, NEAR)


def header(vendor: str, product: str, version: str, code: str, **more: Any) -> dict[str, Any]:
    names = ("observer.vendor", "observer.product", "observer.version", "event.code")
    return {**dict(zip(names, (vendor, product, version, code), strict=True)), **more}


def brief(told: Told | None) -> tuple[Any, ...]:
    assert told is not None
    return told.time_unix_nano, told.level, told.message, told.attributes


# (line, time, level, message, attributes)
CEF: list[tuple[str, int | None, str, str, dict[str, Any]]] = [
    ("CEF:0|Security|threatmanager|1.0|100|worm stopped|10|src=10.0.0.1 dst=2.1.2.2 spt=1232", None, "FATAL", "worm stopped", {**header("Security", "threatmanager", "1.0", "100"), "cef.severity": "10", "cef.version": "0", "source.address": "10.0.0.1", "destination.address": "2.1.2.2", "source.port": 1232}),
    (r"Nov 21 03:30:10 host CEF:0|a\|b|threat\\manager|1|5|a \| in|Medium|act=blocked a | x=1\=1 msg=one\ntwo", NEAR, "WARN", "one\ntwo", {**header("a|b", "threat\\manager", "1", "5"), "cef.severity": "Medium", "cef.version": "0", "cef.name": "a | in", "host.name": "host", "event.action": "blocked a |", "cef.x": "1=1"}),
    ("<134>1 2026-11-21T03:30:10.5Z host CEF:1|a|b|c|d|e|0", NEAR + 5 * 10**8, "INFO", "e", {**header("a", "b", "c", "d"), "cef.severity": "0", "cef.version": "1", "host.name": "host"}),
    ("CEF:0|a|b|c|d|e|7|rt=1795231810123 cs1Label=Rule cs1=no worms cn1=5 cn1Label=Count cs2Label=Alone", NEAR + 123 * 10**6, "ERROR", "e", {**header("a", "b", "c", "d"), "cef.severity": "7", "cef.version": "0", "cef.Rule": "no worms", "cef.Count": "5", "cef.cs2Label": "Alone"}),
    ("CEF:0|a|b|c|d|e|Unknown|rt=Nov 21 2026 03:30:10.123 UTC end=never", NEAR + 123 * 10**6, "", "e", {**header("a", "b", "c", "d"), "cef.severity": "Unknown", "cef.version": "0", "cef.end": "never"}),
    ("CEF:0|a|b|c|d|e|Very-High|", None, "FATAL", "e", {**header("a", "b", "c", "d"), "cef.severity": "Very-High", "cef.version": "0"}),
]  # fmt: skip


@pytest.mark.parametrize(("line", "time", "level", "message", "attributes"), CEF)
def test_cef(line: str, time: int | None, level: str, message: str, attributes: dict[str, Any]) -> None:
    """Escapes, values with blanks, labels, times, and the syslog header before it."""
    assert brief(cef.read_cef(line, CLOCK)) == (time, level, message, attributes)


@pytest.mark.parametrize(
    "line", ["", "CEF:0|a|b", "xCEF:0|a|b|c|d|e|1|", "text", f"{'x' * 400} CEF:0|a|b|c|d|e|1|"]
)
def test_what_is_no_cef(line: str) -> None:
    """The header is complete, and near the beginning."""
    assert cef.read_cef(line, CLOCK) is None
    assert cef.read_leef(line, CLOCK) is None


LEEF: list[tuple[str, int | None, str, dict[str, Any]]] = [
    ("LEEF:1.0|Microsoft|MSExchange|2016|15345|src=10.50.1.1\tdst=2.10.20.20\tspt=1200\tsev=8", None, "ERROR", {**header("Microsoft", "MSExchange", "2016", "15345"), "leef.version": "1.0", "source.address": "10.50.1.1", "destination.address": "2.10.20.20", "leef.sev": "8", "source.port": 1200}),
    ("LEEF:2.0|Lancope|StealthWatch|1.0|41|^|src=10.0.1.8^sev=5^srcPort=81^x=a=b", None, "WARN", {**header("Lancope", "StealthWatch", "1.0", "41"), "leef.version": "2.0", "source.address": "10.0.1.8", "leef.sev": "5", "source.port": 81, "leef.x": "a=b"}),
    ("Nov 21 03:30:10 gate LEEF:2.0|V|P|1|X|x09|a=b\tusrName=ann", NEAR, "", {**header("V", "P", "1", "X"), "leef.version": "2.0", "host.name": "gate", "leef.a": "b", "user.name": "ann"}),
    ("LEEF:2.0|V|P|1|X|0x5E|a=b^devTime=Nov 21 2026 03:30:10", NEAR, "", {**header("V", "P", "1", "X"), "leef.version": "2.0", "leef.a": "b"}),
    ("LEEF:2.0|V|P|1|X|a=b", None, "", {**header("V", "P", "1", "X"), "leef.version": "2.0", "leef.a": "b"}),
]  # fmt: skip


@pytest.mark.parametrize(("line", "time", "level", "attributes"), LEEF)
def test_leef(line: str, time: int | None, level: str, attributes: dict[str, Any]) -> None:
    """Both versions, whatever the separator; the whole line is the message."""
    assert brief(cef.read_leef(line, CLOCK)) == (time, level, "", attributes)


@pytest.mark.parametrize(
    ("severity", "level"),
    [
        ("0", "INFO"),
        ("3", "INFO"),
        ("4", "WARN"),
        ("6", "WARN"),
        ("7", "ERROR"),
        ("8", "ERROR"),
        ("9", "FATAL"),
        ("10", "FATAL"),
        ("11", ""),
        ("-1", ""),
        ("low", "INFO"),
        ("High", "ERROR"),
        ("", ""),
    ],
)
def test_severities(severity: str, level: str) -> None:
    """Eleven numbers and four words."""
    assert cef.level_of(severity) == level


# (line, level, message, attributes)
KLOG: list[tuple[str, str, str, dict[str, Any]]] = [
    ("I1121 03:30:10.123000    4711 controller.go:123] plain: text", "INFO", "plain: text", {"thread.id": 4711, "code.file.path": "controller.go", "code.line.number": 123}),
    ('W1121 03:30:10.123000       1 a.go:7] "Pod status" pod="kube/dns" status="ready"', "WARN", "Pod status", {"pod": "kube/dns", "status": "ready", "thread.id": 1, "code.file.path": "a.go", "code.line.number": 7}),
    ('E1121 03:30:10.123000       1 a.go:7] "quoted" then text', "ERROR", '"quoted" then text', {"thread.id": 1, "code.file.path": "a.go", "code.line.number": 7}),
    ("F20261121 03:30:10.123000  4711 dir/a.cc:9] ", "FATAL", "", {"thread.id": 4711, "code.file.path": "dir/a.cc", "code.line.number": 9}),
]  # fmt: skip


@pytest.mark.parametrize(("line", "level", "message", "attributes"), KLOG)
def test_klog(line: str, level: str, message: str, attributes: dict[str, Any]) -> None:
    """With and without a year; klog's structured messages are taken apart."""
    assert brief(klog.read(line, CLOCK)) == (NEAR + 123 * 10**6, level, message, attributes)


def test_klog_tells_of_errors() -> None:
    """`err` is the error's message."""
    told = klog.read('E1121 03:30:10.123000 1 a.go:7] "Failed" err="no route" pod="p"', CLOCK)
    assert told is not None
    assert (told.message, told.error_message) == ("Failed", "no route")


@pytest.mark.parametrize("line", ["", "I1121", "X1121 03:30:10.1 1 a.go:7] m", "I1121 03:30:10 1 a.go:7] m"])
def test_what_is_no_klog(line: str) -> None:
    """Another letter, or parts of the header missing."""
    assert klog.read(line, CLOCK) is None
