"""Tables of an answer on a terminal: in columns where they fit, else each row below what names it.

Tried in this order: one line a row, if need be with folded titles; what is the same in all rows once, above
the table; the first cells of a row as a line above the others; blocks of columns with all that names a row in
each; each cell behind its title, below what names the row.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Iterator, Sequence

import msgspec
from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

from console.terminal import line
from console.words import counted
from subscribers.config_problems import printable
from subscribers.insight.answer import Cell, Column, Table

_NOTHING = "-"
_GAP = 2
_INDENT = 2
#: Indent of what stands below a row's name.
_BELOW = 3
_BETWEEN_NAMES = " | "
#: Lines of a title.
_FOLDED_MAX = 3
#: More blocks than these are harder to read than a row's cells together.
_BLOCKS_MAX = 3
#: Characters of a cell and of a title that are shown; `--json` has all of them.
_CELL_MAX = 200
#: UCUM -> the word behind a title; bytes carry theirs in each cell.
_UNITS = {"1": "", "By": "", "{USD}": "USD", "MBy": "MB", "%": "%"}
_BYTES = ("B", "kB", "MB", "GB", "TB")


class _Laid(msgspec.Struct, frozen=True):
    """A column as texts. is_key: whether it names the row: a text before any number."""

    title: str
    cells: tuple[str, ...]
    is_number: bool
    is_key: bool

    @property
    def width(self) -> int:
        """Terminal cells that it needs with its title on one line."""
        return max(map(cell_len, (self.title, *self.cells)))

    @property
    def folded_width(self) -> int:
        """The same with the title folded between its words, to a few lines."""
        width = max(map(cell_len, (*self.title.split(), *self.cells)))
        while len(_folded(self.title, width)) > _FOLDED_MAX:
            width += 1
        return width


def show(table: Table, out: Console) -> None:
    """Print a table in the console's width. Whatever it holds is data, never markup."""
    line(out, short(table.title), style="bold")
    if not table.rows:
        line(out, short(table.empty) or "There is nothing to show.", " " * _INDENT)
        return
    _lay(_columns(table), out)
    if table.more:
        line(out, f"and {counted(table.more, 'row')} more: --most shows more", " " * _INDENT, "dim")


def number(value: float, unit: str = "1") -> str:
    """Return a number in few digits: `1,234`, `12.3`, `0.00013`; of bytes `1.2 MB`."""
    if not math.isfinite(value):
        return _NOTHING
    if unit == "By":
        return _bytes(value)
    if unit == "%":
        return f"{value:.1f}"
    if isinstance(value, int) or value == int(value):
        return f"{int(value):,}"
    size = abs(value)
    if size >= 100:
        return f"{value:,.0f}"
    places = 1 if size >= 10 else 2 if size >= 1 else min(12, 1 - math.floor(math.log10(size)))
    return f"{value:.{places}f}"


def short(text: str, most: int = _CELL_MAX) -> str:
    """Return a text without what a terminal would act on, cut to so many characters."""
    told = printable(text[: most + 1])
    return told if len(told) <= most else told[: most - 1] + "…"


def _bytes(value: float) -> str:
    power = min(len(_BYTES) - 1, int(math.log10(abs(value)) // 3)) if abs(value) >= 1000 else 0
    return f"{value / 1000**power:.{1 if power else 0}f} {_BYTES[power]}"


# --- Columns ----------------------------------------------------------------------------------


def _columns(table: Table) -> list[_Laid]:
    """The columns of which something is known."""
    laid: list[_Laid] = []
    is_key = True
    for column, values in zip(table.columns, zip(*table.rows, strict=True), strict=True):
        if all(value is None for value in values):
            continue
        # A column of plain numbers without a unit is one of numbers all the same.
        is_number = bool(column.unit) or all(
            isinstance(v, int | float) and not isinstance(v, bool) for v in values if v is not None
        )
        is_key = is_key and not is_number
        cells = tuple(_cell(value, column) for value in values)
        laid.append(_Laid(_title(column), cells, is_number, is_key))
    return laid or [_Laid(_title(table.columns[0]), (_NOTHING,) * len(table.rows), False, True)]


def _title(column: Column) -> str:
    title = short(column.title)
    unit = _UNITS.get(column.unit, column.unit.strip("{}"))
    return f"{title} {unit}" if unit and unit not in title.split() else title


def _cell(value: Cell, column: Column) -> str:
    if value is None or value == "":
        return _NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return short(value)
    told = number(value, column.unit or "1")
    return f"~{told}" if column.is_estimate and told != _NOTHING and value else told


# --- Layouts ----------------------------------------------------------------------------------


def _lay(columns: Sequence[_Laid], out: Console) -> None:
    room = out.width - _INDENT
    if _fits(columns, room):
        return _grid(columns, room, _INDENT, out)
    varied = _without_constants(columns, out)
    if _fits(varied, room):
        return _grid(varied, room, _INDENT, out)
    keys = sum(column.is_key for column in varied) or 1
    below = out.width - _BELOW
    for heads in range(1, min(keys, len(varied) - 1) + 1):
        if _fits(varied[heads:], below):
            return _headed(varied[:heads], varied[heads:], below, out)
    if blocks := _blocks(varied[:keys], varied[keys:], room):
        for n, block in enumerate(blocks):
            if n:
                out.print()
            _grid(block, room, _INDENT, out)
        return None
    return _pairs(varied[:keys], varied[keys:], below, out)


def _fits(columns: Sequence[_Laid], room: int) -> bool:
    return _sum(column.folded_width for column in columns) <= room


def _without_constants(columns: Sequence[_Laid], out: Console) -> Sequence[_Laid]:
    """The columns that tell rows apart. Texts that are the same in all rows, and names that are those of
    another column, are said here, once."""
    varied: list[_Laid] = []
    said = []
    for one in columns:
        if one.is_number or len(one.cells) < 2:
            varied.append(one)
        elif len(set(one.cells)) == 1:
            said += [f"{_told_apart(one, columns)}: {one.cells[0]}"] if one.cells[0] != _NOTHING else []
        elif one.is_key and (other := next((key for key in varied if key.cells == one.cells), None)):
            said.append(f"{_told_apart(one, columns)}: as {other.title}")
        else:
            varied.append(one)
    if said and varied:
        line(out, "; ".join(said), " " * _INDENT)
    return varied or columns


def _told_apart(one: _Laid, columns: Sequence[_Laid]) -> str:
    """A title; where another column has the same, with that of the column behind it: `Side (Caller)`."""
    following = columns[columns.index(one) + 1 :]
    is_single = sum(column.title == one.title for column in columns) == 1
    return one.title if is_single or not following else f"{one.title} ({following[0].title})"


def _blocks(keys: Sequence[_Laid], columns: Sequence[_Laid], room: int) -> list[list[_Laid]]:
    """Columns in blocks, each with all keys; none where those take most of the room, or for very many."""
    if not _fits(keys, room // 2) or not all(_fits([*keys, column], room) for column in columns):
        return []
    blocks: list[list[_Laid]] = []
    for column in columns:
        if not blocks or not _fits([*blocks[-1], column], room):
            blocks.append([*keys])
        blocks[-1].append(column)
    return blocks if len(blocks) <= _BLOCKS_MAX else []


def _grid(columns: Sequence[_Laid], room: int, indent: int, out: Console) -> None:
    widths = _titles(columns, room, indent, out)
    for cells in zip(*(column.cells for column in columns), strict=True):
        _print(_aligned(cells, columns, widths, indent), out)


def _headed(heads: Sequence[_Laid], columns: Sequence[_Laid], room: int, out: Console) -> None:
    """Each row below its first cells; those that are the row's before are not said again."""
    line(out, _BETWEEN_NAMES.join(column.title for column in heads), " " * _INDENT, "bold")
    widths = _titles(columns, room, _BELOW, out)
    head = None
    rows = zip(*(column.cells for column in columns), strict=True)
    for named, cells in zip(_names(heads), rows, strict=True):
        if named != head:
            line(out, named, " " * _INDENT)
        head = named
        _print(_aligned(cells, columns, widths, _BELOW), out)


def _pairs(keys: Sequence[_Laid], columns: Sequence[_Laid], room: int, out: Console) -> None:
    """Each cell behind its title, below what names its row; what is not known is left out."""
    for i, named in enumerate(_names(keys)):
        line(out, named, " " * _INDENT)
        told = "; ".join(f"{one.title} {one.cells[i]}" for one in columns if one.cells[i] != _NOTHING)
        for part in textwrap.wrap(told, max(1, room), break_long_words=False, break_on_hyphens=False):
            _print(" " * _BELOW + part, out)


def _names(keys: Sequence[_Laid]) -> Iterator[str]:
    for cells in zip(*(column.cells for column in keys), strict=True):
        yield _BETWEEN_NAMES.join(cells)


def _titles(columns: Sequence[_Laid], room: int, indent: int, out: Console) -> list[int]:
    """Print the titles, folded where columns do not fit else; return the columns' widths."""
    widths = _widths(columns, room)
    folded = [_folded(one.title, width) for one, width in zip(columns, widths, strict=True)]
    deep = max(map(len, folded))
    for cells in zip(*([""] * (deep - len(parts)) + parts for parts in folded), strict=True):
        _print(_aligned(cells, columns, widths, indent), out, "bold")
    return widths


def _widths(columns: Sequence[_Laid], room: int) -> list[int]:
    """Whole titles where they fit; else what is free goes to those that are folded most."""
    whole = [column.width for column in columns]
    if _sum(whole) <= room:
        return whole
    widths = [column.folded_width for column in columns]
    for _ in range(room - _sum(widths)):
        deep = [len(_folded(one.title, width)) for one, width in zip(columns, widths, strict=True)]
        widths[deep.index(max(deep))] += 1
    return widths


def _folded(title: str, width: int) -> list[str]:
    if cell_len(title) <= width:
        return [title]
    return textwrap.wrap(title, max(1, width), break_long_words=False, break_on_hyphens=False) or [""]


def _sum(widths: Iterable[int]) -> int:
    told = list(widths)
    return sum(told) + _GAP * (len(told) - 1)


def _aligned(cells: Sequence[str], columns: Sequence[_Laid], widths: Sequence[int], indent: int) -> str:
    laid = [
        " " * (width - cell_len(cell)) + cell if column.is_number else set_cell_size(cell, width)
        for cell, column, width in zip(cells, columns, widths, strict=True)
    ]
    return " " * indent + (" " * _GAP).join(laid).rstrip()


def _print(text: str, out: Console, style: str = "") -> None:
    out.print(Text(text, style), highlight=False, no_wrap=True, soft_wrap=True)
