"""Log files of real systems (loghub) against what their labels say: time, level, component and content.

OBSERVE_LOG_SAMPLES names the folder that holds `<System>_2k.log` and `<System>_2k.log_structured.csv`.
https://github.com/logpai/loghub
"""

from __future__ import annotations

import csv
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from subscribers.detect import detect
from subscribers.formats import levels
from subscribers.parse import custom, named
from subscribers.parsers.page import Format
from subscribers.signals import Log
from tests.subscribers.formats.test_records import AT, logs, page

FOLDER = os.environ.get("OBSERVE_LOG_SAMPLES", "")
pytestmark = pytest.mark.skipif(not FOLDER, reason="OBSERVE_LOG_SAMPLES names no folder of loghub's samples")

ZOOKEEPER = {"log4j": "%d{ISO8601} - %-5p [%t:%C{1}@%L] - %m%n"}
HADOOP = {"log4j": "%d{ISO8601} %p [%t] %c: %m%n"}
HEALTH_APP = {"log4j": "%d{yyyyMMdd-H:m:s:S}|%c|%pid|%m%n"}

Row = dict[str, str]
#: (what a log says, what the label says) of each of what is compared.
Compared = dict[str, tuple[object, object]]


def made(options: dict[str, str]) -> Format:
    format = custom(options)
    assert format is not None
    return format


def when(text: str, pattern: str) -> int:
    """Milliseconds since the epoch; 1900 stands for a year that the line leaves out."""
    moment = datetime.strptime(text.replace(",", "."), pattern).replace(tzinfo=UTC)
    if moment.year == 1900:
        near = datetime.fromtimestamp(AT / 1000, UTC)
        years = (moment.replace(year=near.year + n) for n in (-1, 0, 1))
        moment = min(years, key=lambda one: abs(one - near))
    return round(moment.timestamp() * 1000)


def compared(log: Log, row: Row, time: int, component: str, level: str, *others: str) -> Compared:
    """Time in milliseconds, level, component and content, and other attributes by their columns."""
    return {
        "time": (log.time_unix_nano // 1_000_000, time),
        "level": (log.level, level),
        "component": (log.attributes.get(component, ""), row["Component"]),
        "content": (log.message.strip(), row["Content"].strip()),
        **{
            name: (str(log.attributes.get(name, "")), row[column])
            for name, column in zip(others[::2], others[1::2], strict=True)
        },
    }


def linux(log: Log, row: Row) -> Compared:
    time = when(f"{row['Month']} {row['Date']} {row['Time']}", "%b %d %H:%M:%S")
    return compared(log, row, time, "process.name", "", "process.pid", "PID", "host.name", "Level")


def openstack(log: Log, row: Row) -> Compared:
    time = when(f"{row['Date']} {row['Time']}", "%Y-%m-%d %H:%M:%S.%f")
    level = levels.level_of(row["Level"])
    others = ("process.pid", "Pid", "log.file.name", "Logrecord")
    request = row["ADDR"].split(" ")[0].strip("-")
    return {
        **compared(log, row, time, "log.logger", level, *others),
        "request": (log.correlation_id, request),
    }


def windows(log: Log, row: Row) -> Compared:
    time = when(f"{row['Date']} {row['Time']}", "%Y-%m-%d %H:%M:%S")
    return compared(log, row, time, "log.logger", levels.level_of(row["Level"]))


def zookeeper(log: Log, row: Row) -> Compared:
    time = when(f"{row['Date']} {row['Time']}", "%Y-%m-%d %H:%M:%S.%f")
    others = ("thread.name", "Node", "code.line.number", "Id")
    return compared(log, row, time, "code.namespace", levels.level_of(row["Level"]), *others)


def hadoop(log: Log, row: Row) -> Compared:
    time = when(f"{row['Date']} {row['Time']}", "%Y-%m-%d %H:%M:%S.%f")
    return compared(log, row, time, "log.logger", levels.level_of(row["Level"]), "thread.name", "Process")


def health_app(log: Log, row: Row) -> Compared:
    day, _, clock = row["Time"].partition("-")
    hour, minute, second, milli = clock.split(":")
    time = when(f"{day} {hour}:{minute}:{second}", "%Y%m%d %H:%M:%S") + int(milli)
    return compared(log, row, time, "log.logger", "", "process.pid", "Pid")


#: (system, its format or the options of one, what is compared).
SYSTEMS: list[tuple[str, str | dict[str, str], Callable[[Log, Row], Compared]]] = [
    ("Linux", "syslog", linux),
    ("OpenStack", "oslo", openstack),
    ("Windows", "windows_cbs", windows),
    ("Zookeeper", ZOOKEEPER, zookeeper),
    ("Zookeeper", "java", zookeeper),
    ("Hadoop", HADOOP, hadoop),
    ("Hadoop", "java", hadoop),
    ("HealthApp", HEALTH_APP, health_app),
]


def lines_of(system: str) -> list[str]:
    text = (Path(FOLDER) / f"{system}_2k.log").read_bytes().decode().replace("\r\n", "\n")
    return [line for line in text.split("\n") if line.strip()]


@pytest.mark.parametrize(("system", "format", "compare"), SYSTEMS)
def test_every_line_agrees_with_its_label(
    system: str, format: str | dict[str, str], compare: Callable[[Log, Row], Compared]
) -> None:
    """2,000 lines a file, none of them unparsed; the table of agreement is printed."""
    with (Path(FOLDER) / f"{system}_2k.log_structured.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    parsed = (named(format) if isinstance(format, str) else made(format))(page(*lines_of(system)))
    found = logs(parsed)
    assert (parsed.notes, len(found)) == ({}, len(rows))
    counts: dict[str, int] = {}
    for log, row in zip(found, rows, strict=True):
        for name, (said, label) in compare(log, row).items():
            counts[name] = counts.get(name, 0) + (said == label)
    print(system, counts)
    assert counts == dict.fromkeys(counts, len(rows))


@pytest.mark.parametrize(
    ("system", "name"),
    [
        ("Apache", "apache_error"),
        *(row[:2] for row in SYSTEMS if isinstance(row[1], str)),
        ("HealthApp", "text"),
    ],
)
def test_auto_knows_them(system: str, name: str) -> None:
    """By any twenty lines of the file, without any configuration; what no format reads is text."""
    lines = lines_of(system)
    for at in range(0, len(lines), 20):
        found = detect(page(*lines[at : at + 20]))
        assert found.name == name
        assert found.confidence == 1.0 or name == "text"
