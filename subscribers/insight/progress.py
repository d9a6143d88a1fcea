"""How far the migration is, and what remains."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

import msgspec

from subscribers.insight.answer import Answer, Cell, Column, Question, Source
from subscribers.insight.parity_tables import OTHERS, Shape, number, percent, table
from subscribers.insight.progress_counted import Counted, Progress, Slot, Stage, counted, time_text
from subscribers.insight.progress_findings import WORDS, findings, remains

#: Endpoints that have a line of their own over time: those with the most traffic.
_LINES = 8
_NO_ENDPOINT = "observe.yaml names no endpoint that was asked for"


def progress(source: Source, question: Question) -> list[Progress]:
    """Return how far each endpoint asked for is. Raises what the source raises."""
    return list(counted(source, question).items)


def answer(source: Source, question: Question) -> Answer:
    """Return the progress as tables and findings. Raises what the source raises."""
    found = counted(source, question)
    left = [item for item in found.items if remains(item)]
    return Answer(
        name="progress",
        title="How far the migration is",
        findings=tuple(findings(found, question)),
        tables=(
            table(question, _STAGES, _stages(found.items), _NO_ENDPOINT),
            table(question, _ENDPOINTS, found.items, _NO_ENDPOINT),
            table(question, _REMAINS, sorted(left, key=_legacy_traffic), "nothing: all is serverless"),
            table(question, _lines(found), found.slots, "no traffic", "lines"),
            table(question, OTHERS, found.others, "every request belongs to an endpoint"),
        ),
        notes=tuple(_notes(found, question)),
    )


class _Stage(msgspec.Struct, frozen=True):
    stage: Stage
    configured: int
    seen: int
    of: int
    requests: int
    all_requests: int


def _stages(items: Iterable[Progress]) -> list[_Stage]:
    every = list(items)
    total = sum(_requests(item) for item in every)
    return [
        _Stage(
            stage,
            sum(item.configured == stage for item in every),
            sum(item.seen == stage for item in every),
            len(every),
            sum(_requests(item) for item in every if item.seen == stage),
            total,
        )
        for stage in WORDS
        if every
    ]


def _requests(item: Progress) -> int:
    return item.legacy.count + item.serverless.count


def _legacy_traffic(item: Progress) -> int:
    return -item.legacy.count


def _lines(found: Counted) -> Shape:
    """A line for all endpoints, and one for each of those with the most traffic."""
    busiest = sorted(found.items, key=_requests, reverse=True)[:_LINES]
    names = [item.endpoint.name for item in found.items if item in busiest and _requests(item)]
    return (
        "share_over_time",
        "Serverless share of traffic over time",
        (
            (Column("time", "time"), lambda slot: time_text(slot.start_unix_nano, found.slot_s)),
            (Column("all", "all endpoints", "%"), lambda slot: percent(slot.all)),
            *((Column(name, name, "%"), partial(_share_in, name)) for name in names),
        ),
    )


def _share_in(name: str, slot: Slot) -> Cell:
    return percent(slot.shares[name])


def _notes(found: Counted, question: Question) -> Iterable[str]:
    yield (
        "Traffic is what was told: requests of a legacy server whose access log is not read, or of a function"
        " that samples and whose platform lines are not read, are missing from the shares."
    )
    if any(item.is_since_cutover for item in found.items):
        yield "Splits are held against the traffic since the cutover, where that lies in the time asked for."
    if question.by:
        yield f"Progress is not split by {question.by}."


_STAGES: Shape = (
    "stages",
    "Endpoints and traffic by stage",
    (
        (Column("stage", "stage"), lambda row: WORDS[row.stage]),
        (Column("configured", "in observe.yaml"), lambda row: row.configured),
        (Column("configured_share", "of endpoints", "%"), lambda row: percent(row.configured / row.of)),
        (Column("seen", "by traffic"), lambda row: row.seen),
        (Column("requests", "requests"), lambda row: row.requests),
        (
            Column("requests_share", "of requests", "%"),
            lambda row: percent(row.requests / row.all_requests) if row.all_requests else None,
        ),
    ),
)
_ENDPOINTS: Shape = (
    "endpoints",
    "Endpoints",
    (
        (Column("endpoint", "endpoint"), lambda item: item.endpoint.name),
        (Column("route", "route"), lambda item: item.endpoint.route),
        (Column("configured", "in observe.yaml"), lambda item: WORDS[item.configured]),
        (Column("seen", "by traffic"), lambda item: WORDS[item.seen]),
        (Column("split", "split", "%"), lambda item: number(item.endpoint.split)),
        (Column("share", "serverless", "%"), lambda item: percent(item.share)),
        (Column("legacy_requests", "legacy n"), lambda item: item.legacy.count),
        (Column("serverless_requests", "serverless n"), lambda item: item.serverless.count),
        (Column("cutover", "cutover"), lambda item: item.endpoint.cutover),
    ),
)
_REMAINS: Shape = (
    "remains",
    "What remains, by legacy traffic",
    (
        (Column("endpoint", "endpoint"), lambda item: item.endpoint.name),
        (Column("route", "route"), lambda item: item.endpoint.route),
        (Column("legacy_requests", "legacy n"), lambda item: item.legacy.count),
        (Column("remains", "what remains"), remains),
    ),
)
