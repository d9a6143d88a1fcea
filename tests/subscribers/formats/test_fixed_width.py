"""Fixed-width records: characters, EBCDIC, zoned, packed and binary numbers."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscribers.formats import decimals
from subscribers.formats.code_pages import decoder, is_ebcdic
from subscribers.formats.fixed_width import fixed_width_format, record_bytes, record_of
from subscribers.formats.records import paged
from subscribers.formats.told import Clock, Told
from subscribers.parsers.java_layout import BadLayout
from tests.subscribers.formats.test_records import logs, page

AT = 1_795_231_810_000_000_000
CLOCK = Clock(UTC, AT)
TABLE: list[dict[str, Any]] = [
    {"name": "date", "start": 1, "length": 8, "type": "date", "pattern": "%Y%m%d"},
    {"name": "time", "start": 9, "length": 6, "type": "time", "pattern": "%H%M%S"},
    {"name": "level", "start": 15, "length": 5},
    {"name": "correlation_id", "start": 20, "length": 10},
    {"name": "amount", "start": 30, "length": 7, "type": "decimal", "scale": 2},
    {"name": "message", "start": 37, "length": 20},
]
BINARY: list[dict[str, Any]] = [
    {"name": "at", "start": 1, "length": 14, "type": "timestamp"},
    {"name": "claim", "start": 15, "length": 8},
    {"name": "paid", "start": 23, "length": 5, "type": "packed", "scale": 2},
    {"name": "balance", "start": 28, "length": 4, "type": "integer"},
    {"name": "count", "start": 32, "length": 2, "type": "binary"},
]


def read(table: list[dict[str, Any]], line: str, encoding: str = "") -> Told | None:
    return fixed_width_format(table, encoding).reader()(line, CLOCK)


def test_characters_are_read_by_column() -> None:
    """A day and a time make a moment; a number has its scale; blanks at the end may be missing."""
    found = read(TABLE, "20261121033010ERRORCLM-1     000150}refused")
    assert found is not None
    assert (found.time_unix_nano, found.level, found.message) == (AT, "ERROR", "refused")
    assert (found.correlation_id, found.attributes) == ("CLM-1", {"fixed_width.amount": -15.0})
    assert found.trace_id


@pytest.mark.parametrize(
    "line", ["", "   ", "x" * 60, "2026112X033010INFO", "20261121033010INFO CLM-1     12x4567refused"]
)
def test_a_record_with_a_bad_number_or_time_is_of_no_format(line: str) -> None:
    """Any text is so long; what tells a record are its numbers and times."""
    assert read(TABLE, line) is None


def record(encoding: str, at: str = "20261121033010") -> bytes:
    return (
        at.encode(encoding)
        + "CLM-42  ".encode(encoding)
        + bytes.fromhex("000123456D")
        + bytes.fromhex("F0F1F2D3")
        + (513).to_bytes(2, "big")
    )


@pytest.mark.parametrize("encoding", ["cp037", "cp273", "cp500", "cp1140"])
@pytest.mark.parametrize(
    "how", [bytes.hex, lambda raw: base64.b64encode(raw).decode(), lambda raw: raw.decode("latin-1")]
)
def test_the_bytes_of_a_record_come_in_three_ways(encoding: str, how: Any) -> None:
    """Hexadecimal, base64 and a character a byte; the length of the line tells which."""
    found = read(BINARY, how(record(encoding)), encoding)
    assert found is not None
    assert found.time_unix_nano == AT
    assert found.attributes == {
        "fixed_width.claim": "CLM-42",
        "fixed_width.paid": -1234.56,
        "fixed_width.balance": -123,
        "fixed_width.count": 513,
    }
    assert found.message == "20261121033010 CLM-42 -1234.56 -123 513"


def test_an_absent_field_is_absent() -> None:
    """Blanks and low values in numbers; a bad packed number makes it no record."""
    raw = record("cp037")
    blank = raw[:22] + b"\x40" * 5 + b"\0" * 4 + raw[31:]
    found = read(BINARY, blank.hex(), "cp037")
    assert found is not None
    assert found.attributes == {"fixed_width.claim": "CLM-42", "fixed_width.count": 513}
    assert read(BINARY, (raw[:22] + b"\xff" * 5 + raw[27:]).hex(), "cp037") is None
    assert read(BINARY, raw[:-1].hex(), "cp037") is None


def test_code_pages_that_python_lacks_are_known() -> None:
    """As glibc's iconv has them; a name is written in several ways."""
    assert decoder("IBM-1047")(b"\xad\xbd\xba\xbb\x5f\xb0\xc1") == "[]Ý¨^¬A"
    assert decoder("cp037")(b"\xad\xbd\xba\xbb\x5f\xb0") == "Ý¨[]¬^"
    assert decoder("1141")(b"\x9f\xc0\xd0") == "€äü"
    assert decoder("CCSID 1148")(b"\x9f\x4a\x5a") == "€[]"
    assert decoder("ibm037")(b"\xc1") == decoder("latin-1")(b"A")
    assert is_ebcdic("cp1047")
    assert not is_ebcdic("utf-8")


@pytest.mark.parametrize("encoding", ["nope", "hex", "idna", "cp930", "undefined", ""])
def test_a_character_set_that_is_none_is_told(encoding: str) -> None:
    """Python's codecs that are none, and those that it does not have."""
    with pytest.raises(BadLayout, match="not known"):
        decoder(encoding)


@pytest.mark.parametrize(
    ("field", "said"),
    [
        ({"type": "blob"}, "none of text"),
        ({"type": "packed"}, "encoding"),
        ({"pattern": "%Y"}, "no date"),
        ({"type": "date", "pattern": "%Q"}, "%Q"),
        ({"type": "date", "pattern": "%Y%"}, "ends in"),
        ({"type": "date", "pattern": "%%"}, "no part"),
        ({"start": 0}, "does not lie"),
        ({"length": 99_999}, "does not lie"),
    ],
)
def test_a_table_that_cannot_be_is_told(field: dict[str, Any], said: str) -> None:
    """With the field's name."""
    with pytest.raises(BadLayout, match=said):
        fixed_width_format([{"name": "x", "start": 1, "length": 4, **field}])


def test_a_record_is_as_long_as_its_last_field() -> None:
    """However the table is ordered, and whatever lies between."""
    assert record_bytes([{"start": 10, "length": 5}, {"start": 1, "length": 2}]) == 14


@given(st.integers(-(10**15) + 1, 10**15 - 1), st.integers(0, 4))
def test_numbers_come_back_from_every_form(number: int, scale: int) -> None:
    """Packed, zoned, binary and written, with and without a scale."""
    value: Any = float(f"{number}e-{scale}") if scale else number
    digits = str(abs(number)).rjust(15, "0")
    sign = "D" if number < 0 else "C"
    assert decimals.packed(bytes.fromhex(digits + sign), scale) == value
    zoned = "".join("F" + digit for digit in digits[:-1]) + sign + digits[-1]
    assert decimals.zoned(bytes.fromhex(zoned), scale) == value
    assert decimals.written(bytes.fromhex(zoned).decode("cp037"), scale) == value
    assert decimals.binary(number.to_bytes(8, "big", signed=True), scale) == value
    assert decimals.written(str(number), scale) == value


@pytest.mark.parametrize(("encoding", "mark"), [("", "D"), ("cp037", "C4"), ("ascii", "44")])
def test_records_of_another_kind_are_none(encoding: str, mark: str) -> None:
    """Headers and trailers have other columns, which the table would read as something else."""
    table: list[dict[str, Any]] = [
        {"name": "record", "start": 1, "length": 1, "equals": "D"},
        {"name": "n", "start": 2, "length": 1, "type": "integer"},
    ]
    one = {"": "1", "cp037": "F1", "ascii": "31"}[encoding]
    record = read(table, mark + one, encoding)
    assert record is not None
    assert record.attributes["fixed_width.n"] == 1
    assert read(table, {"": "T", "cp037": "E3", "ascii": "54"}[encoding] + one, encoding) is None
    assert read(table, {"": " ", "cp037": "40", "ascii": "20"}[encoding] + one, encoding) is None


@pytest.mark.parametrize(
    ("field", "written", "is_one"),
    [
        ({"type": "packed", "length": 2, "scale": 2, "equals": "1.10"}, "110C", True),
        ({"type": "packed", "length": 2, "scale": 2, "equals": "1.1"}, "110C", True),
        ({"type": "packed", "length": 2, "scale": 2, "equals": "1.10"}, "111C", False),
        ({"type": "packed", "length": 2, "equals": "-7"}, "007D", True),
        ({"type": "integer", "length": 2, "equals": "07"}, "F0F7", True),
        ({"type": "integer", "length": 2, "equals": "7"}, "40F7", True),
        ({"type": "integer", "length": 2, "equals": "7"}, "4040", False),
        ({"type": "decimal", "length": 3, "scale": 1, "equals": "0.5"}, "F0F0F5", True),
        ({"type": "decimal", "length": 3, "scale": 5, "equals": "0.5"}, "F04BF5", True),
        ({"type": "binary", "length": 1, "equals": "127"}, "7F", True),
        ({"length": 3, "equals": " A "}, "40C140", True),
    ],
)  # fmt: skip
def test_what_a_field_equals_is_compared_as_its_type(
    field: dict[str, Any], written: str, is_one: bool
) -> None:
    """A number is one however it is written, a text one without the blanks around it."""
    table = [
        {"name": "kind", "start": 1, **field},
        {"name": "rest", "start": field["length"] + 1, "length": 1},
    ]
    assert (read(table, f"{written}C1", "cp037") is not None) == is_one


@pytest.mark.parametrize(
    ("field", "said"),
    [
        ({"length": 2, "equals": "ABC"}, "too short for the 'equals' of 'ABC'"),
        ({"length": 2, "equals": "  "}, "is blank"),
        ({"length": 2, "type": "integer", "equals": "AB"}, "is a number, which"),
        ({"length": 2, "type": "integer", "equals": "700"}, "can never have"),
        ({"length": 2, "type": "packed", "equals": "1234"}, "can never have"),
        ({"length": 2, "type": "packed", "scale": 1, "equals": "0.75"}, "can never have"),
        ({"length": 1, "type": "binary", "equals": "128"}, "can never have"),
        ({"length": 8, "type": "date", "equals": "2026-11-21"}, "too short"),
    ],
)
def test_what_no_field_can_equal_is_a_mistake(field: dict[str, Any], said: str) -> None:
    """As is what any does."""
    with pytest.raises(BadLayout, match=said):
        fixed_width_format([{"name": "kind", "start": 1, **field}], "cp037")


@pytest.mark.parametrize(("year", "full"), [("97", 1997), ("26", 2026), ("46", 2046), ("47", 1947)])
def test_two_digits_of_a_year_are_the_sensible_one(year: str, full: int) -> None:
    """As SimpleDateFormat takes them: to twenty years from now."""
    table: list[dict[str, Any]] = [
        {"name": "at", "start": 1, "length": 12, "type": "timestamp", "pattern": "%y%m%d%H%M%S"},
        {"name": "n", "start": 13, "length": 1},
    ]
    found = read(table, f"{year}03150330101")
    expected = datetime(full, 3, 15, 3, 30, 10, tzinfo=UTC)
    at = found.time_unix_nano if found is not None else None
    assert at == (int(expected.timestamp()) * 10**9 if full >= 1970 else None)


def test_fields_that_touch_are_told_apart() -> None:
    """Where no field is the message, the line is, with a blank between them: all of it."""
    table: list[dict[str, Any]] = [
        {"name": "id", "start": 2, "length": 4},
        {"name": "name", "start": 6, "length": 5},
        {"name": "n", "start": 12, "length": 2},
    ]
    format = fixed_width_format(table)
    for line, message in (
        ("X0001Jane  07rest", "X 0001 Jane  07 rest"),
        ("X0001Jane", "X 0001 Jane"),
        ("X0001Jane\nmore\n", "X 0001 Jane\nmore\n"),
    ):
        found = format.reader()(line, CLOCK)
        assert found is not None
        assert found.message == message


def test_a_record_of_another_kind_is_told_in_characters() -> None:
    """So that a reader, redaction and business keys see what it says; what is no record stays as it is."""
    table: list[dict[str, Any]] = [
        {"name": "kind", "start": 1, "length": 1, "equals": "D"},
        {"name": "paid", "start": 2, "length": 3, "type": "packed"},
        {"name": "rest", "start": 5, "length": 16},
    ]
    header = "HDR password=x CLM-7"
    raw = header.encode("cp037")
    blank, broken = (
        b"\0" * 20,
        "D".encode("cp037") + b"\x00\x1a\xff" + "CLM-8".encode("cp037").ljust(16, b"\x40"),
    )
    lines = [
        raw.hex(),
        base64.b64encode(raw).decode(),
        raw.decode("latin-1"),
        broken.hex(),
        blank.hex(),
        "agent: begins again.",
        "c8c4d9",
    ]
    parsed = paged(fixed_width_format(table, "cp037"), UTC)(page(*lines))
    assert parsed.notes == {"unparsed": len(lines)}
    found = [log.message for log in logs(parsed)]
    assert found[:3] == [header] * 3
    assert (found[3][0], found[3][-5:]) == ("D", "CLM-8")
    assert found[4:] == lines[4:]
    (joined,) = logs(paged(fixed_width_format(table, "cp037"), UTC, starts=lambda _: True)(page(raw.hex())))
    assert (joined.message, joined.dataset) == (header, "text")


def test_digits_beyond_a_double_are_a_text() -> None:
    """Eighteen digits of money are not rounded."""
    assert decimals.packed(bytes.fromhex("1234567890123456789C"), 2) == "12345678901234567.89"
    assert decimals.packed(bytes.fromhex("123456789012345678C0")[:-1] + b"\x9c", 0) is not None


@given(
    st.text() | st.binary(min_size=33, max_size=33).map(bytes.hex), st.sampled_from(["", "cp037", "utf-8"])
)
def test_reading_never_raises(line: str, encoding: str) -> None:
    """Any text, any bytes of the right length."""
    table = BINARY if encoding else TABLE
    found = read(table, line, encoding)
    assert found is None or isinstance(found, Told)
    assert record_of(line, 33) is None or len(record_of(line, 33) or b"") == 33
