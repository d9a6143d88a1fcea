"""What the store knows of one ID or one business key: the SQL, and what it leads to on a terminal."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec.structs import replace
from rich.console import Console
from rich.text import Text

from console.story_json import as_json, line_json
from console.verdict import verdicts
from console.waterfall import render, render_lines
from console.words import counted
from observe.ids import key_mark
from subscribers.config_problems import printable
from subscribers.correlate import Story, related_traces, stories
from subscribers.receipts import came, sent
from subscribers.signals import Log, Span
from subscribers.store import Store
from subscribers.tables import log_of, span_of

#: Links and correlation IDs are followed this often; each round may name further traces.
ROUNDS = 5
#: Rows of one question; a story beyond that is not one that a person reads.
MAX_ROWS = 20_000
#: Stories of one business key.
MAX_STORIES = 20

_SPANS = """
SELECT * FROM spans
WHERE trace_id IN (SELECT unnest($traces::VARCHAR[]))
   OR (correlation_id <> '' AND correlation_id IN (SELECT unnest($correlations::VARCHAR[])))
   OR (request_id <> '' AND request_id IN (SELECT unnest($requests::VARCHAR[])))
   OR list_has_any(json_extract_string(links, '$[*].trace_id'), $traces::VARCHAR[])
   OR json_extract_string(attributes, '$."messaging.message.id"') IN (SELECT unnest($receipts::VARCHAR[]))
   OR json_extract_string(attributes, '$."aws.request_id"') IN (SELECT unnest($receipts::VARCHAR[]))
   OR list_has_any(json_extract_string(attributes, '$."observe.receipts"[*]'), $receipts::VARCHAR[])
ORDER BY start_unix_nano, event_id
LIMIT $limit
"""
_LOGS = """
SELECT * FROM logs
WHERE trace_id IN (SELECT unnest($traces::VARCHAR[]))
   OR (correlation_id <> '' AND correlation_id IN (SELECT unnest($correlations::VARCHAR[])))
   OR (request_id <> '' AND request_id IN (SELECT unnest($requests::VARCHAR[])))
   OR (json_extract_string(attributes, '$.event') = 'observe.receipt'
       AND list_has_any(json_extract_string(attributes, '$.receipts.ids[*]'), $receipts::VARCHAR[]))
ORDER BY time_unix_nano, event_id
LIMIT $limit
"""
_MARKED = """
SELECT * FROM logs WHERE list_contains(keys, $mark) ORDER BY time_unix_nano, event_id LIMIT $limit
"""


class Marked(msgspec.Struct, frozen=True):
    """What a business key leads to: the stories it marks, and lines with the key that belong to no request.

    more: marked stories beyond MAX_STORIES. hidden: lines of these stories that are left out because they
    name another value of the same key and explain no failure.
    """

    mark: str
    stories: tuple[Story, ...]
    lines: tuple[Log, ...]
    more: int = 0
    hidden: int = 0


def find(store: Store, id: str) -> list[Story]:
    """Return the stories of an ID, by start; [] where the store knows nothing of it. Raises StoreError.

    id: a correlation ID, a trace ID, an X-Ray Root or a Lambda request ID; blanks around it are ignored.
    """
    spans: list[Span] = []
    logs: list[Log] = []
    asked: dict[str, list[str]] = {}
    for _ in range(ROUNDS):
        wanted = _wanted(id.strip(), spans, logs)
        if wanted == asked:
            break
        spans = [span_of(values) for values in store.query(_SPANS, {**wanted, "limit": MAX_ROWS})]
        logs = [log_of(values) for values in store.query(_LOGS, {**wanted, "limit": MAX_ROWS})]
        asked = wanted
    return stories(id, spans, logs)


def _wanted(id: str, spans: list[Span], logs: list[Log]) -> dict[str, list[str]]:
    """Return the trace, correlation and request IDs and the receipts that the rows found so far name."""
    correlations = {id} | {span.correlation_id for span in spans} | {log.correlation_id for log in logs}
    requests = {id} | {span.request_id for span in spans} | {log.request_id for log in logs}
    came_in = {receipt for span in spans for receipt in came(span)}
    told: list[Span | Log] = [*spans, *logs]
    sent_out = {receipt for item in told for receipt in sent(item)}
    return {
        "traces": sorted(related_traces(id, spans, logs)),
        "correlations": sorted(correlations - {""}),
        # What was sent under a function's request ID was the call of that function.
        "requests": sorted((requests | sent_out) - {""}),
        "receipts": sorted(came_in | sent_out),
    }


def find_key(store: Store, name: str, value: str, secret: str) -> Marked:
    """Return what is marked with a business key. Raises StoreError.

    secret: the OBSERVE_KEY_SECRET of the functions and subscribers that marked it.
    """
    mark = key_mark(name.lower(), value, secret)
    marked = [log_of(values) for values in store.query(_MARKED, {"mark": mark, "limit": MAX_ROWS})]
    seeds = {seed: log for log in reversed(marked) if (seed := _identity(log))}
    found: dict[tuple[str, ...], Story] = {}
    told: set[str] = set()
    more = 0
    for seed, log in reversed(seeds.items()):
        if log.event_id in told:
            continue
        if len(found) == MAX_STORIES:
            more += 1
            continue
        for story in find(store, seed):
            # A correlation ID that recurs leads to requests that have nothing to do with the key.
            if any(mark in line.keys for line in _logs(story)):
                found[story.trace_ids] = story
                told |= {line.event_id for line in _logs(story)}
    ordered = sorted(found.values(), key=lambda story: story.start_unix_nano)
    alone = tuple(log for log in marked if log.event_id not in told and (not more or not _identity(log)))
    cut = [_about(story, mark) for story in ordered]
    hidden = sum(map(_count, ordered)) - sum(map(_count, cut))
    return Marked(mark, tuple(cut), alone, more, hidden)


def _identity(log: Log) -> str:
    return log.trace_id or log.correlation_id or log.request_id


def _logs(story: Story) -> list[Log]:
    return [log for node in story.spans for log in node.logs] + list(story.logs)


def _count(story: Story) -> int:
    return len(_logs(story))


def _about(story: Story, mark: str) -> Story:
    """The story without the lines about other values of the key: a batch tells of many claims."""
    name = mark.partition("=")[0] + "="
    explaining = {
        line.event_id for verdict in verdicts(story) for line in verdict.lines if line.level != "WARN"
    }

    def about(log: Log) -> bool:
        same = [key for key in log.keys if key.startswith(name)]
        return mark in same or not same or log.event_id in explaining

    nodes = tuple(replace(node, logs=tuple(filter(about, node.logs))) for node in story.spans)
    return replace(story, spans=nodes, logs=tuple(filter(about, story.logs)))


def render_marked(found: Marked, asked: str, console: Console, *, platform: bool = False) -> None:
    """Print what a business key leads to: each story as a waterfall, then the lines of no request."""
    stories_ = counted(len(found.stories), "story")
    lines_ = f"{counted(len(found.lines), 'line')} of no request"
    if found.more:
        lines_ += f"; {counted(found.more, 'more request')} not looked at"
    console.print(Text(f"{printable(asked)}: {stories_}, {lines_}", "bold"), highlight=False)
    for story in found.stories:
        console.print()
        render(story, console, platform=platform)
    if found.lines:
        console.print()
        render_lines(found.lines, "Lines of no request that name it", console)
    if found.hidden:
        console.print()
        name = found.mark.partition("=")[0]
        left_out = f"Left out: {counted(found.hidden, 'line')} of these stories about another {name}."
        console.print(Text(left_out, "dim"))


def marked_json(found: Marked) -> dict[str, Any]:
    """Return `found` for programs: {"mark", "stories", "lines", "more", "hidden"}."""
    return {
        "mark": found.mark,
        "stories": [as_json(story) for story in found.stories],
        "lines": [line_json(log) for log in found.lines],
        "more": found.more,
        "hidden": found.hidden,
    }
