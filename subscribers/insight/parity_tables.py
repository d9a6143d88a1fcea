"""Tables told as columns, each with the function that makes its cell of an item."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

from subscribers.insight.answer import Cell, Column, Drawn, Question, Table

#: (name, title, columns): a column and what it shows of an item.
Shape = tuple[str, str, tuple[tuple[Column, Callable[[Any], Cell]], ...]]


def table(
    question: Question, shape: Shape, items: Iterable[Any], empty: str, drawn: Drawn = "table"
) -> Table:
    """Return a table, an item a row, at most question.most of them: the first, or of lines the last.

    empty: said where there are none.
    """
    name, title, columns = shape
    rows = [tuple(cell(item) for _, cell in columns) for item in items]
    return Table(
        name=name,
        title=title,
        columns=tuple(column for column, _ in columns),
        rows=tuple(rows[-question.most :] if drawn == "lines" else rows[: question.most]),
        empty="" if rows else empty,
        drawn=drawn,
        more=max(0, len(rows) - question.most),
    )


def number(value: float | None) -> float | None:
    """Return a number to four digits, for more is noise; None for what is no number."""
    return None if value is None or not math.isfinite(value) else float(f"{value:.4g}")


def percent(share: float | None) -> float | None:
    """Return a share from 0 to 1 in percent, to four digits."""
    return None if share is None else number(100 * share)


#: Of parity_traffic.Seen.
OTHERS: Shape = (
    "others",
    "Requests of no endpoint",
    (
        (Column("route", "route"), lambda one: one.route),
        (Column("side", "side"), lambda one: one.side),
        (Column("service", "service"), lambda one: one.service),
        (Column("requests", "n"), lambda one: one.served.count),
        (Column("failed", "failed"), lambda one: one.served.failed),
        (Column("endpoint", "route of"), lambda one: one.stray_of),
    ),
)
