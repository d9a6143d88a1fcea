"""What came in, and what became of it: received, delivered, stored, dropped; and what never came.

sinks, dropped    loss_ledger: the ledger of every payload, by sink and reason
ends, tellers     loss_invocations: STARTs without REPORT, and who told of an invocation
groups, silent    loss_groups: what each log group sent, and which sent nothing
"""

from __future__ import annotations

import msgspec

from subscribers.insight.answer import Answer, Question, Source
from subscribers.insight.loss_findings import NOTES, findings
from subscribers.insight.loss_groups import DroppedByLambda, Group, Silent, dropped_by_lambda, groups, silent
from subscribers.insight.loss_invocations import Ends, Tellers, ends, tellers
from subscribers.insight.loss_ledger import Dropped, SinkLedger, dropped, events, sinks
from subscribers.insight.loss_tables import tables

__all__ = ["Loss", "answer", "loss"]


class Loss(msgspec.Struct, frozen=True, kw_only=True):
    """The audit of one time; events of the ledger are of the time in which they were settled.

    events: that came in, each once, for however many sinks.
    """

    events: int = 0
    sinks: tuple[SinkLedger, ...] = ()
    dropped: tuple[Dropped, ...] = ()
    groups: tuple[Group, ...] = ()
    silent: tuple[Silent, ...] = ()
    ends: tuple[Ends, ...] = ()
    tellers: tuple[Tellers, ...] = ()
    by_lambda: tuple[DroppedByLambda, ...] = ()


def loss(source: Source, question: Question) -> Loss:
    """Return the audit of the time asked for. Raises what the source raises."""
    found = groups(source, question)
    return Loss(
        events=events(source, question),
        sinks=tuple(sinks(source, question)),
        dropped=tuple(dropped(source, question)),
        groups=tuple(found),
        silent=tuple(silent(found, question)),
        ends=tuple(ends(source, question)),
        tellers=tuple(tellers(source, question)),
        by_lambda=tuple(dropped_by_lambda(source, question)),
    )


def answer(source: Source, question: Question) -> Answer:
    """Return the audit as tables and findings, the verdict first. Raises what the source raises."""
    found = loss(source, question)
    return Answer(
        name="loss",
        title="Loss audit",
        findings=tuple(findings(found)),
        tables=tuple(tables(found, question)),
        notes=NOTES,
    )
