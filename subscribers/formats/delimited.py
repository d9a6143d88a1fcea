"""The format `csv`: delimited lines with a header, or with the columns that observe.yaml names.

Quotes are RFC 4180's. Without `columns` the first line of a stream that can be a header is one, and is
remembered by stream. Of lines before it, whose header was in an earlier payload, only a time and a level are
read, by what they look like; they are counted as `header_unknown`. A line that repeats the header, or looks
like the header of other columns, is one again, as each file of a rotation begins with it. A line with another
number of cells than there are columns is of no format. A cell with a line break in it is read where
`multiline` says how records start.

https://www.rfc-editor.org/rfc/rfc4180
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence

from subscribers.formats.levels import level_of
from subscribers.formats.named_values import folded, moment, told
from subscribers.formats.told import Clock, LineFormat, Reader, Told
from subscribers.parsers.java_layout import BadLayout

NAME = "csv"
#: Of what is counted for lines whose columns nobody has named.
HEADER_UNKNOWN = "header_unknown"
_COLUMNS_MAX = 1000
_EXAMPLE = 'time,level,claim,message\n2026-11-21 03:30:10,ERROR,CLM-1,"refused, twice"'
#: What names a column: it begins with a letter.
_COLUMN = re.compile(r"[@#]?+[^\W\d_][\w .@#%()/\[\]:-]{0,99}+")


def csv_format(columns: Sequence[str] = (), delimiter: str = ",") -> LineFormat:
    """Return the format of delimited lines. Raises BadLayout for what cannot be one.

    columns: () where the first line names them.
    """
    if len(delimiter) != 1 or delimiter in '"\r\n':
        raise BadLayout("the delimiter of a csv format is one character, not a quote and not a line break")
    twice = {name for name in columns if list(columns).count(name) > 1}
    if twice:
        raise BadLayout(f"the column '{min(twice)}' is named twice")
    return LineFormat(dataset=NAME, reader=lambda: _reader(list(columns), delimiter), example=_EXAMPLE)


def _reader(columns: list[str], delimiter: str) -> Reader:
    given = bool(columns)

    def read(text: str, clock: Clock) -> Told | None:
        nonlocal columns
        row, rest = cells(text, delimiter), ""
        if not row and "\n" in text:
            # No cell has the line break: the lines behind the first are more of what it says.
            first, _, rest = text.partition("\n")
            row = cells(first, delimiter)
        if not row:
            return None
        if row == columns or (not given and _is_header(row, columns, clock)):
            columns = row
            return Told(is_header=True)
        if not columns and len(row) > 1:
            return _unnamed(row, text, clock)
        if len(row) != len(columns):
            return None
        record = told(dict(zip(columns, row, strict=True)), NAME, clock)
        if rest:
            record.message = f"{record.message}\n{rest}" if record.message else text
        return record

    return read


def cells(text: str, delimiter: str) -> list[str]:
    """Return the cells of one line; [] for what is no line of cells, such as one with a quote left open."""
    try:
        rows = list(csv.reader([text], delimiter=delimiter, strict=True, skipinitialspace=delimiter != " "))
    except (csv.Error, ValueError, TypeError):
        return []
    return rows[0] if len(rows) == 1 and len(rows[0]) <= _COLUMNS_MAX else []


def _unnamed(row: list[str], text: str, clock: Clock) -> Told:
    """What cells tell that nobody has named."""
    times = (nano for cell in row if (nano := moment(cell, clock)) is not None)
    levels = (level for cell in row if (level := level_of(cell)))
    return Told(time_unix_nano=next(times, None), level=next(levels, ""), message=text, note=HEADER_UNKNOWN)


def _is_header(row: list[str], columns: list[str], clock: Clock) -> bool:
    """Whether a line names columns: at least two, all different, none a number or a time.

    Where columns are known already, half of the names are among them.
    """
    if len(row) < 2 or not all(map(_COLUMN.fullmatch, row)):
        return False
    names = {folded(cell) for cell in row}
    if len(names) != len(row):
        return False
    if any(moment(cell, clock) is not None for cell in row):
        return False
    return not columns or len(names & {folded(name) for name in columns}) * 2 >= len(row)


#: With the columns that the stream's own first line names.
CSV = csv_format()
