"""What named values tell: times of any shape, levels, identities, names of attributes."""

from __future__ import annotations

from datetime import UTC
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscribers.formats.named_values import attribute_of, moment, told
from subscribers.formats.told import Clock

#: 2026-11-21T03:30:10Z.
AT = 1_795_231_810_000_000_000
CLOCK = Clock(UTC, AT)

TIMES = [
    ("2026-11-21T03:30:10Z", 0),
    ("2026-11-21 03:30:10,5", 500_000_000),
    ("2026-11-21T04:30:10.000000001+01:00", 1),
    ("[21/Nov/2026:03:30:10 +0000]", 0),
    ("1795231810", 0),
    ("1795231810.25", 250_000_000),
    ("1795231810123", 123_000_000),
    ("20261121033010", 0),
    ("20261121T033010.5Z", 500_000_000),
    ("20261121 03301012", 120_000_000),
    ("20261121 03:30:10", 0),
    ("2026-11-21-03.30.10.123456", 123_456_000),  # Db2's
    ("2026/11/21 03:30:10", 0),
    ("21.11.2026 03:30:10", 0),
    ("11/21/2026 3:30:10 AM", 0),
    ("21/11/2026 03:30:10", 0),
    ("21-NOV-26 03.30.10.500000 AM", 500_000_000),  # Oracle's
    ("Sat Nov 21 03:30:10", 0),
    ("Nov 21, 2026, 3:30:10 AM", 0),
    ("03:30:10.5", 500_000_000),
]


@pytest.mark.parametrize(("text", "nano"), TIMES, ids=[text for text, _ in TIMES])
def test_a_time_is_read_in_any_usual_shape(text: str, nano: int) -> None:
    """To the nanosecond, in UTC where it names no zone."""
    assert moment(text, CLOCK) == AT + nano


@pytest.mark.parametrize(
    "text", ["", "-", "12", "3.14", "hello", "2026-13-01 00:00:00", "10.0.0.1", "nan", "9" * 99]
)
def test_what_is_no_time_is_none(text: str) -> None:
    """Small numbers, addresses, words and months that do not exist."""
    assert moment(text, CLOCK) is None


def test_an_ambiguous_day_is_the_nearer_one() -> None:
    """3 April and 4 March are written alike on the two sides of an ocean."""
    april, march = 1_775_187_000_000_000_000, 1_772_595_000_000_000_000
    assert moment("03/04/2026 03:30:00", Clock(UTC, april)) == april
    assert moment("03/04/2026 03:30:00", Clock(UTC, march)) == march


def test_a_time_without_zone_is_the_services() -> None:
    """Paris is an hour ahead in November."""
    assert moment("2026-11-21 04:30:10", Clock(ZoneInfo("Europe/Paris"), AT)) == AT


def test_names_are_compared_without_case_and_signs() -> None:
    """The record's own fields are taken, the rest becomes attributes under the standards' names."""
    found = told(
        {
            "Event-Time": "2026-11-21 03:30:10",
            "Log Level": "warning",
            "MESSAGE": " it is late ",
            "Correlation_ID": "CLM-1",
            "PID": "77",
            "Client IP": "10.0.0.1",
            "error_type": "S0C7",
            "http.route": "/claims",
            "Branch": "Lyon",
            "count": 3,
            "empty": " ",
            "none": "-",
        },
        "csv",
        CLOCK,
    )
    assert (found.time_unix_nano, found.level, found.message) == (AT, "WARN", "it is late")
    assert (found.correlation_id, found.error_type, len(found.trace_id)) == ("CLM-1", "S0C7", 32)
    assert found.attributes == {
        "process.pid": 77,
        "client.address": "10.0.0.1",
        "http.route": "/claims",
        "csv.Branch": "Lyon",
        "csv.count": 3,
    }


def test_a_day_and_a_time_are_one_moment() -> None:
    """A time alone may be a whole one; a day alone is none, and stays."""
    assert told({"date": "2026-11-21", "time": "03:30:10"}, "csv", CLOCK).time_unix_nano == AT
    assert told({"time": "2026-11-21 03:30:10"}, "csv", CLOCK).time_unix_nano == AT
    alone = told({"date": "2026-11-21"}, "csv", CLOCK)
    assert (alone.time_unix_nano, alone.attributes) == (None, {"csv.date": "2026-11-21"})


def test_what_means_nothing_is_kept() -> None:
    """A level and a time that are none are attributes like others."""
    found = told({"level": "blue", "timestamp": "soon"}, "grok", CLOCK)
    assert (found.level, found.time_unix_nano) == ("", None)
    assert found.attributes == {"grok.level": "blue", "grok.timestamp": "soon"}
    assert attribute_of("loggerName", "csv") == "log.logger"


@given(
    st.dictionaries(
        st.sampled_from(["time", "date", "level", "message", "trace_id", "traceparent", "pid", "x"])
        | st.text(),
        st.text() | st.integers() | st.floats(allow_nan=False),
    )
)
def test_anything_may_be_told(values: dict[str, object]) -> None:
    """Whatever the names and values are, nothing raises."""
    found = told(values, "csv", CLOCK)
    assert isinstance(found.attributes, dict)
    assert found.level in ("", "TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")


@given(st.text(max_size=70))
def test_reading_a_time_never_raises(text: str) -> None:
    """Any text is a time or none."""
    found = moment(text, CLOCK)
    assert found is None or 0 <= found < 1 << 63


@pytest.mark.parametrize(
    ("name", "value", "attributes"),
    [
        ("Process", "4711", {"process.pid": 4711}),
        ("Process", "main", {"csv.Process": "main"}),
        ("Status Code", "OK", {"csv.Status Code": "OK"}),
        ("process.pid", "4711-1", {"process.pid": "4711-1"}),
    ],
)
def test_a_number_is_one_or_has_another_name(name: str, value: str, attributes: dict[str, object]) -> None:
    """A column `Process` may hold a name, which is no `process.pid`."""
    assert told({name: value}, "csv", CLOCK).attributes == attributes
