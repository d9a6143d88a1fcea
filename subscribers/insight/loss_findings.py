"""The verdict of the loss audit, and what is not accounted for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from subscribers.insight.answer import Finding

if TYPE_CHECKING:
    from subscribers.insight.loss import Loss
    from subscribers.insight.loss_groups import DroppedByLambda
    from subscribers.insight.loss_invocations import Ends, Tellers

_SHOWN_MAX = 5

#: What the audit cannot see.
NOTES = (
    "Events of the ledger count in the time in which their payload was settled; all else in its own.",
    "The ledger is kept by payload and sink, and names no log group: by group there is only what the store "
    "has. Lines that were dropped, or joined to others as those of stack traces, have no row; so gaps "
    "between the lines of a stream cannot be told from them.",
    "Retry queues and dead letters lie outside the tables: `observe redrive` lists what waits there. What a "
    "redrive delivered since still counts as stored.",
    "An invocation of which no line came cannot be missed here: compare CloudWatch's metric Invocations.",
)


def findings(loss: Loss) -> Iterator[Finding]:
    """Yield the verdict, and behind it every single thing that is amiss or worth knowing."""
    amiss = [*_unbalanced(loss), *_stored(loss), *_odd_drops(loss), *_without_end(loss), *_by_lambda(loss)]
    yield _verdict(loss, amiss)
    yield from amiss
    yield from _without_start(loss)
    yield from _tellers(loss)
    yield from _asked_for(loss)
    yield from _silent(loss)


def _verdict(loss: Loss, amiss: list[Finding]) -> Finding:
    if not loss.sinks:
        return Finding(
            level="warning", text="The ledger has nothing of this time: nothing can be said of it."
        )
    evidence = {
        "events": loss.events,
        "sinks": {one.sink: {"received": one.received, "delivered": one.delivered} for one in loss.sinks},
    }
    if amiss:
        worst = "bad" if any(one.level == "bad" for one in amiss) else "warning"
        count = "1 thing is" if len(amiss) == 1 else f"{len(amiss)} things are"
        return Finding(
            level="bad" if worst == "bad" else "warning",
            text=f"Not everything has arrived: {count} amiss, see below.",
            evidence=evidence,
        )
    dropped = [f"{one.dropped:,} for {one.sink}" for one in loss.sinks if one.dropped]
    ends = "delivered" if not dropped else f"delivered, or dropped on purpose ({', '.join(dropped)})"
    return Finding(
        level="ok",
        text=f"Everything that came in is accounted for: {_received(loss)}, all {ends}.",
        evidence=evidence,
    )


def _received(loss: Loss) -> str:
    """`5,496 events, for each of elk and store`; where sinks did not get the same, each with its number."""
    *most, last = (one.sink for one in loss.sinks)
    if not most:
        return f"{loss.sinks[0].received:,} events for {last}"
    if all(one.received == loss.events for one in loss.sinks):
        return f"{loss.events:,} events, for each of {', '.join(most)} and {last}"
    each = ", ".join(f"{one.received:,} for {one.sink}" for one in loss.sinks)
    return f"{loss.events:,} events ({each})"


def _unbalanced(loss: Loss) -> Iterator[Finding]:
    for one in loss.sinks:
        lost = one.received - one.delivered - one.stored - one.dropped
        if one.unbalanced:
            yield Finding(
                level="bad",
                text=f"The ledger of {one.sink} does not add up in {one.unbalanced:,} payloads: {lost:,} of "
                f"{one.received:,} events have no end.",
                evidence={"sink": one.sink, "received": one.received, "without_end": lost},
            )


def _stored(loss: Loss) -> Iterator[Finding]:
    for one in loss.sinks:
        if one.stored:
            yield Finding(
                level="warning",
                text=f"{one.stored:,} of {one.received:,} events for {one.sink} were stored, not delivered: "
                "for another attempt, or as dead letters. `observe redrive` shows which wait.",
                evidence={"sink": one.sink, "stored": one.stored, "received": one.received},
            )


def _odd_drops(loss: Loss) -> Iterator[Finding]:
    for one in loss.dropped:
        if one.why == "look at it":
            yield Finding(
                level="warning",
                text=f"{one.sink} did not get {one.events or 0:,} events for the reason {one.reason}.",
                evidence={"sink": one.sink, "reason": one.reason, "events": one.events},
            )


def _asked_for(loss: Loss) -> Iterator[Finding]:
    asked = [one for one in loss.dropped if one.why == "asked for"]
    if asked:
        told = "; ".join(f"{one.events or 0:,} {one.reason} at {one.sink}" for one in asked[:_SHOWN_MAX])
        evidence: dict[str, dict[str, int]] = {}
        for one in asked:
            evidence.setdefault(one.sink, {})[one.reason] = one.events or 0
        more = f"; and {len(asked) - _SHOWN_MAX} more" if len(asked) > _SHOWN_MAX else ""
        yield Finding(
            level="info",
            text=f"Controls of observe.yaml left out events: {told}{more}.",
            evidence={"sinks": evidence},
        )


def _without_end(loss: Loss) -> Iterator[Finding]:
    for one in loss.ends:
        # With no REPORT at all it is a pattern or a log level that leaves them out: see _without_start.
        if one.without_end and one.reports:
            yield Finding(
                level="bad",
                text=f"{one.without_end:,} of {one.starts:,} invocations of {_name(one)} have a START and no "
                "REPORT, and are too old to run: their last lines did not arrive.",
                evidence={"log_group": one.log_group, "request_ids": list(one.open_ids)},
                correlation_ids=tuple(dict.fromkeys(one.correlation_ids)),
            )


def _by_lambda(loss: Loss) -> Iterator[Finding]:
    for one in loss.by_lambda:
        yield Finding(
            level="bad",
            text=f"Lambda says that it dropped {one.records:,.0f} log records of {_name(one)} before anybody "
            "could read them.",
            evidence={"log_group": one.log_group, "records": one.records},
        )


def _without_start(loss: Loss) -> Iterator[Finding]:
    left_out = "the subscription filter's pattern or the system log level leaves them out"
    for one in loss.ends:
        if one.reports and not one.starts and not one.older:
            text = f"No START of {_name(one)} came, and {one.reports:,} REPORTs did: {left_out}."
        elif one.starts and not one.reports and one.without_end:
            text = f"No REPORT of {_name(one)} came, and {one.starts:,} STARTs did: {left_out}, and so its "
            text += "costs and durations are not known."
        elif one.without_start:
            text = f"{one.without_start:,} of {one.reports:,} REPORTs of {_name(one)} have no START."
        else:
            continue
        evidence = {
            "log_group": one.log_group,
            "starts": one.starts,
            "reports": one.reports,
            "without_start": one.without_start,
        }
        yield Finding(level="warning", text=text, evidence=evidence)


def _tellers(loss: Loss) -> Iterator[Finding]:
    for one in loss.tellers:
        if text := _told_by_one(one):
            evidence = {
                "log_group": one.log_group,
                "requests": one.requests,
                "no_layer": one.platform_only,
                "layer_only": one.layer_only,
            }
            yield Finding(level="warning" if one.layer_only else "info", text=text, evidence=evidence)


def _told_by_one(one: Tellers) -> str:
    """What is missing of a group's invocations: the layer's part, or Lambda's; "" where both told of all."""
    of_all = f"{one.requests:,} invocations of {_name(one)}"
    if one.layer_only == one.requests:
        return (
            f"Lambda's own lines of {_name(one)} do not come, only the layer's: the subscription filter's "
            "pattern is too narrow, or the system log level too high."
        )
    if one.layer_only:
        return f"Of {one.layer_only:,} of {of_all} only the layer told, and not Lambda."
    if one.platform_only == one.requests:
        return (
            f"The layer tells nothing of {_name(one)}: it is not installed there, writes no spans, or the "
            "filter's pattern leaves them out."
        )
    if one.platform_only:
        return (
            f"Of {one.platform_only:,} of {of_all} only Lambda told: they were not sampled, were killed "
            "before the layer could write, or its lines are missing."
        )
    return ""


def _silent(loss: Loss) -> Iterator[Finding]:
    if loss.silent:
        names = ", ".join(one.log_group for one in loss.silent[:_SHOWN_MAX])
        more = f" and {len(loss.silent) - _SHOWN_MAX} more" if len(loss.silent) > _SHOWN_MAX else ""
        yield Finding(
            level="warning",
            text=f"Of observe.yaml's log groups nothing came of {names}{more}.",
            evidence={"log_groups": [one.log_group for one in loss.silent]},
        )


def _name(one: Ends | Tellers | DroppedByLambda) -> str:
    return one.service or one.log_group
