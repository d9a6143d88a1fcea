"""Delimited lines: headers, columns, quotes."""

from __future__ import annotations

from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from subscribers.formats.delimited import HEADER_UNKNOWN, cells, csv_format
from subscribers.formats.records import paged
from subscribers.formats.told import Clock, Told
from subscribers.parsers.java_layout import BadLayout
from tests.subscribers.formats.test_records import logs, page

AT = 1_795_231_810_000_000_000
CLOCK = Clock(UTC, AT)


def test_the_first_line_names_the_columns() -> None:
    """It is no signal; the lines after it are read by it."""
    read = csv_format().reader()
    assert read("time,level,claim,message", CLOCK) == Told(is_header=True)
    found = read('2026-11-21 03:30:10,ERROR,CLM-1,"refused, ""twice"""', CLOCK)
    assert found is not None
    assert (found.time_unix_nano, found.level, found.message) == (AT, "ERROR", 'refused, "twice"')
    assert found.attributes == {"csv.claim": "CLM-1"}


def test_a_header_comes_again_with_every_file() -> None:
    """The same, or one with other columns; half of the names must be known."""
    read = csv_format(delimiter=";").reader()
    read("time;level;message", CLOCK)
    assert read("time;level;message", CLOCK) == Told(is_header=True)
    assert read("time;level;thread;message", CLOCK) == Told(is_header=True)
    found = read("03:30:10;INFO;main;up", CLOCK)
    assert found is not None
    assert found.attributes == {"thread.name": "main"}
    found = read("soon;none;nobody;Message", CLOCK)
    assert found is not None
    assert (found.is_header, found.message) == (False, "Message")


def test_given_columns_need_no_header() -> None:
    """A line that repeats them is one all the same; data that looks like names is data."""
    read = csv_format(["user", "action"]).reader()
    assert read("user,action", CLOCK) == Told(is_header=True)
    found = read("anna,login", CLOCK)
    assert found is not None
    assert found.attributes == {"user.name": "anna", "csv.action": "login"}


@pytest.mark.parametrize("line", ["", "one", "a,b,c", 'a,"b', 'a,"b"c', "x" * 200_000])
def test_what_has_other_cells_is_of_no_format(line: str) -> None:
    """Too few, too many, a quote left open or in the middle, a cell beyond all bounds."""
    assert csv_format(["a", "b"]).reader()(line, CLOCK) is None


def test_before_a_header_only_what_cells_look_like_is_told() -> None:
    """Its header was in an earlier payload: a time and a level are read, the rest is counted as unnamed."""
    read = csv_format().reader()
    found = read("CLM-1,2026-11-21 03:30:10,warning,a", CLOCK)
    assert found == Told(
        time_unix_nano=AT,
        level="WARN",
        message="CLM-1,2026-11-21 03:30:10,warning,a",
        note=HEADER_UNKNOWN,
    )
    assert read("a,1", CLOCK) == Told(message="a,1", note=HEADER_UNKNOWN)
    assert read("alone", CLOCK) is None


def test_a_stream_has_one_dataset() -> None:
    """Whether the header was in this payload or in an earlier one that nobody here has seen."""
    parsed = paged(csv_format(), UTC)(page("03:30:10,INFO,up", "time,level,message", "03:30:11,INFO,down"))
    assert [(log.dataset, log.message, log.level) for log in logs(parsed)] == [
        ("csv", "03:30:10,INFO,up", "INFO"),
        ("csv", "down", "INFO"),
    ]
    assert (parsed.notes, parsed.silent) == ({HEADER_UNKNOWN: 1}, 1)


def test_each_file_has_its_own_columns() -> None:
    """Though one configuration gives all of them one log stream."""
    format = paged(csv_format(), UTC)
    first = replace(page("time,level,claim,message", "03:30:10,INFO,CLM-1,paid"), file="a")
    second = replace(page("when,user,amount,currency", "x,bob,5,EUR"), file="b")
    more = replace(page("03:30:11,WARN,CLM-2,late"), file="a")
    found = [log for one in (first, second, more) for log in logs(format(one))]
    assert [(log.message, log.level) for log in found] == [
        ("paid", "INFO"),
        ("x,bob,5,EUR", ""),
        ("late", "WARN"),
    ]
    assert found[1].attributes == {
        "csv.when": "x",
        "user.name": "bob",
        "csv.amount": "5",
        "csv.currency": "EUR",
    }


@pytest.mark.parametrize(
    ("columns", "delimiter", "said"), [((), "", "one"), ((), '"', "one"), (("a", "a"), ",", "twice")]
)
def test_a_format_that_cannot_be_is_told(columns: tuple[str, ...], delimiter: str, said: str) -> None:
    """With a sentence."""
    with pytest.raises(BadLayout, match=said):
        csv_format(columns, delimiter)


@given(st.lists(st.text(max_size=200), max_size=6), st.sampled_from(",;\t| "))
def test_reading_never_raises(lines: list[str], delimiter: str) -> None:
    """Any lines, with a header among them or not."""
    for format in (csv_format(delimiter=delimiter), csv_format(["time", "message"], delimiter)):
        read = format.reader()
        for line in lines:
            found = read(line, CLOCK)
            assert found is None or isinstance(found, Told)


@given(
    st.lists(
        st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), min_size=1), min_size=1
    )
)
def test_quoted_cells_come_back(row: list[str]) -> None:
    """What RFC 4180 quotes is read as it was."""
    line = ",".join('"' + cell.replace('"', '""') + '"' for cell in row)
    assert cells(line, ",") == row
