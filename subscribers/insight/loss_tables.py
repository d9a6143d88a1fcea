"""The loss audit as tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from subscribers.insight.answer import Cell, Column, Question, Table
from subscribers.insight.cost_words import day

if TYPE_CHECKING:
    from subscribers.insight.loss import Loss

_COUNT = "1"


def tables(loss: Loss, question: Question) -> Iterator[Table]:
    """Yield the tables: sinks, reasons, log groups, invocations."""
    yield _table(
        "sinks",
        "Events by sink",
        (
            Column("sink", "sink"),
            Column("payloads", "payloads", _COUNT),
            Column("received", "received", _COUNT),
            Column("delivered", "delivered", _COUNT),
            Column("stored", "stored", _COUNT),
            Column("dropped", "dropped", _COUNT),
        ),
        [(s.sink, s.payloads, s.received, s.delivered, s.stored, s.dropped) for s in loss.sinks],
        question.most,
        "The ledger has no payload that was settled in this time.",
    )
    if loss.dropped:
        yield _table(
            "dropped",
            "Dropped, by reason",
            (
                Column("sink", "sink"),
                Column("reason", "reason"),
                Column("events", "events", _COUNT),
                Column("why", "which is"),
            ),
            [(one.sink, one.reason, one.events, one.why) for one in loss.dropped],
            question.most,
        )
    yield _groups(loss, question)
    yield _invocations(loss, question)


def _groups(loss: Loss, question: Question) -> Table:
    rows: list[tuple[Cell, ...]] = [(one.log_group, one.service, 0, 0, 0, 0, None) for one in loss.silent]
    rows += [
        (g.log_group, g.service, g.lines, g.logs, g.spans, g.metrics, day(g.last_unix_nano))
        for g in loss.groups
    ]
    return _table(
        "log_groups",
        "What the store has, by log group",
        (
            Column("log_group", "log group"),
            Column("service", "service"),
            Column("lines", "lines", _COUNT),
            Column("logs", "logs", _COUNT),
            Column("spans", "spans", _COUNT),
            Column("metrics", "metrics", _COUNT),
            Column("last", "last"),
        ),
        rows,
        question.most,
        "The store has nothing of this time.",
    )


def _invocations(loss: Loss, question: Question) -> Table:
    tellers = {(one.log_group, one.service): one for one in loss.tellers}
    ends = {(one.log_group, one.service): one for one in loss.ends}
    rows: list[tuple[Cell, ...]] = []
    for key in sorted({*tellers, *ends}):
        end, told = ends.get(key), tellers.get(key)
        rows.append(
            (
                key[0],
                *(
                    (end.starts, end.reports, end.without_end, end.may_run, end.without_start)
                    if end
                    else (0,) * 5
                ),
                *((told.platform_only, told.layer_only) if told else (None, None)),
            )
        )
    return _table(
        "invocations",
        "Invocations, by log group",
        (
            Column("log_group", "log group"),
            Column("starts", "STARTs", _COUNT),
            Column("reports", "REPORTs", _COUNT),
            Column("without_end", "no REPORT", _COUNT),
            Column("may_run", "may run", _COUNT),
            Column("without_start", "no START", _COUNT),
            Column("platform_only", "no layer", _COUNT),
            Column("layer_only", "layer only", _COUNT),
        ),
        rows,
        question.most,
        "The store has no line of an invocation in this time.",
    )


def _table(
    name: str,
    title: str,
    columns: tuple[Column, ...],
    rows: Sequence[tuple[Cell, ...]],
    most: int,
    empty: str = "",
) -> Table:
    return Table(
        name=name,
        title=title,
        columns=columns,
        rows=tuple(rows[:most]),
        more=max(0, len(rows) - most),
        empty=empty,
    )
