"""What an insight is asked and what it answers: tables, findings, and how sure they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Protocol

import msgspec

from subscribers.config import EMPTY, Config
from subscribers.tables import Row

_ALWAYS = (0, (1 << 63) - 1)

#: What a cell holds: a number in the column's unit, a text, or None where nothing is known.
Cell = str | float | int | bool | None
#: How a panel draws a table: as it is, bars of the first number by the first column, or lines over time.
Drawn = Literal["table", "bar", "lines"]
Level = Literal["ok", "info", "warning", "bad"]


class Source(Protocol):
    """Where rows come from: `store.Store.query` is one."""

    def __call__(self, sql: str, params: Mapping[str, Any] = ..., /) -> list[Row]:
        """Return the rows of one SELECT over the views logs, spans, metrics and ledger."""


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked. Times: nanoseconds since the epoch, both included; of the events, never of arrival."""

    first_unix_nano: int = _ALWAYS[0]
    last_unix_nano: int = _ALWAYS[1]
    config: Config = EMPTY
    #: Only these, by their names in observe.yaml; all where empty.
    endpoints: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    #: Attribute or field of the team's own that splits the answer, e.g. `tenant`; "" for none.
    by: str = ""
    #: Rows of a table at most; the rest is told as a number.
    most: int = 50


class Column(msgspec.Struct, frozen=True):
    """One column. unit: UCUM as OpenTelemetry uses it (`ms`, `s`, `%`, `By`, `1`, `{USD}`), or "" for text.

    name: in snake_case, as it is in JSON; title: as people read it.
    """

    name: str
    title: str
    unit: str = ""
    #: Whether the value is an estimate or inferred: shown with a `~`, and said.
    is_estimate: bool = False


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """One table. rows: cells in the order of the columns. empty: why there are none, as a sentence."""

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...] = ()
    empty: str = ""
    drawn: Drawn = "table"
    #: How many rows were left out.
    more: int = 0


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody should know, as a sentence; evidence: the numbers and IDs it rests on."""

    level: Level
    text: str
    evidence: dict[str, Any] = {}
    #: How it is known: measured, an estimate (a price, a model), or inferred (no parent was told).
    basis: Literal["measured", "estimated", "inferred"] = "measured"
    correlation_ids: tuple[str, ...] = ()


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """An insight's answer. notes: what has to be known to read it: prices used, limits, what is missing."""

    name: str
    title: str
    findings: tuple[Finding, ...] = ()
    tables: tuple[Table, ...] = ()
    notes: tuple[str, ...] = ()
