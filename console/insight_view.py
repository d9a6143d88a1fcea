"""Answers on a terminal: findings, then tables, then notes; and as JSON for programs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec
from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

from console.terminal import line
from console.words import counted
from subscribers.config_problems import printable
from subscribers.insight.answer import Answer, Cell, Column, Finding, Table

_LEVELS = {"ok": "green", "info": "cyan", "warning": "yellow", "bad": "bold red"}
_NOTHING = "-"
_GAP = 2
_INDENT = 2
#: UCUM -> the word behind a title; bytes carry theirs in each cell.
_UNITS = {"1": "", "By": "", "{USD}": "USD", "MBy": "MB", "%": "%"}
_BYTES = ("B", "kB", "MB", "GB", "TB")
#: Correlation IDs of a finding that are shown; `--json` has all.
_IDS_MAX = 3


def as_json(answer: Answer) -> dict[str, Any]:
    """Return an answer for programs: as Answer, rows as objects keyed by column name; NaN is null."""
    tree: dict[str, Any] = _finite(msgspec.to_builtins(answer, enc_hook=str))
    for table, told in zip(answer.tables, tree["tables"], strict=True):
        names = [column.name for column in table.columns]
        told["rows"] = [dict(zip(names, row, strict=True)) for row in told["rows"]]
    return tree


def render(answer: Answer, out: Console) -> None:
    """Print an answer. Whatever it holds is data, never markup."""
    line(out, answer.title, style="bold")
    for finding in answer.findings:
        _finding(finding, out)
    for table in answer.tables:
        out.print()
        _table(table, out)
    if answer.notes:
        out.print()
    for note in answer.notes:
        line(out, note, "- ", "dim")


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


def _bytes(value: float) -> str:
    power = min(len(_BYTES) - 1, int(math.log10(abs(value)) // 3)) if abs(value) >= 1000 else 0
    return f"{value / 1000**power:.{1 if power else 0}f} {_BYTES[power]}"


def _finite(tree: Any) -> Any:
    if isinstance(tree, float):
        return tree if math.isfinite(tree) else None
    if isinstance(tree, dict):
        return {key: _finite(value) for key, value in tree.items()}
    return [_finite(value) for value in tree] if isinstance(tree, list | tuple) else tree


def _finding(finding: Finding, out: Console) -> None:
    basis = "" if finding.basis == "measured" else f" ({finding.basis})"
    line(out, finding.text + basis, f"{finding.level:<9}", _LEVELS[finding.level])
    if finding.correlation_ids:
        shown = ", ".join(finding.correlation_ids[:_IDS_MAX])
        more = len(finding.correlation_ids) - _IDS_MAX
        line(out, f"such as {shown}{f' and {more} more' if more > 0 else ''}", " " * 9, "dim")


# --- Tables -----------------------------------------------------------------------------------


def _table(table: Table, out: Console) -> None:
    line(out, table.title, style="bold")
    if not table.rows:
        line(out, table.empty or "There is nothing to show.", " " * _INDENT)
        return
    shown = [i for i, _ in enumerate(table.columns) if any(row[i] is not None for row in table.rows)] or [0]
    columns = [_numbered(table.columns[i], [row[i] for row in table.rows]) for i in shown]
    rows = [[_cell(row[i], table.columns[i]) for i in shown] for row in table.rows]
    _lay(columns, rows, out)
    if table.more:
        line(out, f"and {counted(table.more, 'row')} more: --most shows more", " " * _INDENT, "dim")


def _numbered(column: Column, values: Sequence[Cell]) -> Column:
    """A column of plain numbers without a unit is one of numbers all the same."""
    are_numbers = all(isinstance(v, int | float) and not isinstance(v, bool) for v in values if v is not None)
    return msgspec.structs.replace(column, unit="1") if are_numbers and not column.unit else column


def _lay(columns: Sequence[Column], rows: Sequence[list[str]], out: Console) -> None:
    """In columns where they fit; else the first cell above the others; else in blocks of columns; else every
    cell with its title."""
    titles = [_title(column) for column in columns]
    sizes = [max(map(cell_len, told)) for told in zip(titles, *rows, strict=True)]
    room = out.width - _INDENT
    if _width(sizes) <= room:
        _block(range(len(columns)), columns, sizes, [titles, *rows], out)
    elif _width(sizes[1:]) <= room - _INDENT:
        _print(_aligned(titles[1:], columns[1:], sizes[1:], 2 * _INDENT), out, "bold")
        for cells in _headed(rows, out):
            _print(_aligned(cells, columns[1:], sizes[1:], 2 * _INDENT), out)
    elif blocks := _blocks(columns, sizes, room):
        if len({tuple(cells[i] for i in blocks[0] if i in blocks[-1]) for cells in rows}) < len(rows):
            columns, rows, titles, sizes, blocks = _with_row_numbers(columns, rows, titles, sizes, room)
        for n, block in enumerate(blocks):
            if n:
                out.print()
            _block(block, columns, sizes, [titles, *rows], out)
    else:
        for cells in _headed(rows, out):
            pairs = zip(titles[1:], cells, strict=True)
            line(
                out,
                ", ".join(f"{title} {cell}" for title, cell in pairs if cell != _NOTHING),
                " " * 2 * _INDENT,
            )


def _headed(rows: Sequence[list[str]], out: Console) -> Iterator[list[str]]:
    """Yield rows without their first cells, which are printed above them: the same one once."""
    head = None
    for first, *cells in rows:
        if first != head:
            line(out, first, " " * _INDENT)
        head = first
        yield cells


def _blocks(columns: Sequence[Column], sizes: Sequence[int], room: int) -> list[list[int]]:
    """Which columns stand beside each other, those that name a row first; none where one is too wide."""
    named = next((i for i, column in enumerate(columns) if column.unit), len(columns))
    while named > 1 and _width(sizes[:named]) > room // 2:
        named -= 1
    key = list(range(named))
    blocks: list[list[int]] = []
    for i in range(named, len(columns)):
        if not blocks or _width([sizes[at] for at in (*blocks[-1], i)]) > room:
            blocks.append([*key])
        blocks[-1].append(i)
    is_readable = all(_width([sizes[at] for at in block]) <= room for block in blocks)
    return blocks if is_readable else []


def _with_row_numbers(
    columns: Sequence[Column], rows: Sequence[list[str]], titles: list[str], sizes: list[int], room: int
) -> tuple[list[Column], list[list[str]], list[str], list[int], list[list[int]]]:
    """The same with a number for each row in front: what names the rows in each block is not enough."""
    told = [[str(n), *cells] for n, cells in enumerate(rows, start=1)]
    width = len(told[-1][0])
    blocks = [[0]]
    for i, size in enumerate(sizes, start=1):
        if len(blocks[-1]) > 1 and _width([width, *(sizes[at - 1] for at in blocks[-1][1:]), size]) > room:
            blocks.append([0])
        blocks[-1].append(i)
    return [Column("row", "#", "1"), *columns], told, ["#", *titles], [width, *sizes], blocks


def _block(
    chosen: Iterable[int],
    columns: Sequence[Column],
    sizes: Sequence[int],
    rows: Sequence[list[str]],
    out: Console,
) -> None:
    at = list(chosen)
    for n, cells in enumerate(rows):
        laid = _aligned([cells[i] for i in at], [columns[i] for i in at], [sizes[i] for i in at], _INDENT)
        _print(laid, out, "" if n else "bold")


def _width(sizes: Sequence[int]) -> int:
    return sum(sizes) + _GAP * (len(sizes) - 1)


def _aligned(cells: Sequence[str], columns: Sequence[Column], widths: Sequence[int], indent: int) -> str:
    laid = [
        " " * (width - cell_len(cell)) + cell if column.unit else set_cell_size(cell, width)
        for cell, column, width in zip(cells, columns, widths, strict=True)
    ]
    return " " * indent + (" " * _GAP).join(laid).rstrip()


def _print(text: str, out: Console, style: str = "") -> None:
    out.print(Text(text, style), highlight=False, no_wrap=True, soft_wrap=True)


def _title(column: Column) -> str:
    title = printable(column.title)
    unit = _UNITS.get(column.unit, column.unit.strip("{}"))
    return f"{title} {unit}" if unit and unit not in title.split() else title


def _cell(value: Cell, column: Column) -> str:
    if value is None or value == "":
        return _NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return printable(value)
    told = number(value, column.unit or "1")
    return f"~{told}" if column.is_estimate and told != _NOTHING and value else told
