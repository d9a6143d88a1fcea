"""Lines that belong together, joined before any format sees them, where a team says how records start.

The joined event has the ID and the time of its first line, the others are `joined` to it. What comes before
the first start of a page stays as it is. A record is cut at `lines_max` lines, at 64 KiB, and where
CloudWatch's times of two lines lie further apart than `wait_ms`: what comes then is a record of its own,
with the same identity where the format cannot read it, counted as `cut_continuation`. The format sees it
first in a page, so that it joins it to nothing either.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import msgspec

from subscribers.envelope import LogEvent
from subscribers.formats.records import BYTES_MAX
from subscribers.parsers import plain
from subscribers.parsers.page import Format, Page, Parsed
from subscribers.signals import Log, Signal

LINES_MAX = 500


class _Joined(msgspec.Struct):
    """The records of a page as events. owners: event ID of a line -> that of the record it went to; cuts:
    places of the events that go on with a record that was cut."""

    events: list[LogEvent] = []
    event_ids: list[str] = []
    owners: dict[str, str] = {}
    cuts: list[int] = []


class _Record(msgspec.Struct):
    first: LogEvent
    event_id: str
    texts: list[str]
    size: int
    last_ms: int


def multiline(
    format: Format, starts: Callable[[str], bool], *, lines_max: int = LINES_MAX, wait_ms: int | None = None
) -> Format:
    """Return a format that sees records instead of lines. starts: whether a line is the first of one."""

    def parse(page: Page) -> Parsed:
        joined = _join(page, starts, lines_max, wait_ms)
        records = msgspec.structs.replace(page, events=tuple(joined.events), event_ids=joined.event_ids)
        parsed = _parsed(format, records, joined.cuts)
        told = {signal.event_id.partition(":")[0] for signal in parsed.signals}
        for event_id, owner in joined.owners.items():
            # The format may have joined records, too, or have told nothing of one, as of a header.
            log = parsed.joined.get(owner, owner)
            if log in told:
                parsed.joined[event_id] = log
            else:
                parsed.silent += 1
        if joined.cuts:
            parsed.notes["cut_continuation"] = parsed.notes.get("cut_continuation", 0) + len(joined.cuts)
        return parsed

    return parse


def _parsed(format: Format, records: Page, cuts: list[int]) -> Parsed:
    """What the format makes of the page's parts: from one cut to the next."""
    if not cuts:
        return format(records)
    parsed = Parsed()
    for begin, end in pairwise((0, *cuts, len(records.events))):
        part = format(records.part(begin, end))
        parsed.signals += part.signals
        parsed.silent += part.silent
        parsed.joined |= part.joined
        for reason, count in part.notes.items():
            parsed.notes[reason] = parsed.notes.get(reason, 0) + count
    _identify(parsed.signals, [records.event_ids[cut - 1 : cut + 1] for cut in cuts])
    return parsed


def _identify(signals: list[Signal], pairs: list[list[str]]) -> None:
    """Give what goes on with a record the record's time and identity. pairs: event IDs of both, in order."""
    places = {signal.event_id: at for at, signal in enumerate(signals) if isinstance(signal, Log)}
    for before, event_id in pairs:
        if before not in places or event_id not in places:
            continue
        first, log = signals[places[before]], signals[places[event_id]]
        if isinstance(first, Log) and isinstance(log, Log) and log.dataset == plain.DATASET:
            mine = {"message": log.message, "event_id": event_id, "sequence": log.sequence}
            error = {"error_type": "", "error_message": "", "error_stack": ""}
            signals[places[event_id]] = msgspec.structs.replace(first, **mine, **error)


def _join(page: Page, starts: Callable[[str], bool], lines_max: int, wait_ms: int | None) -> _Joined:
    joined = _Joined()
    record: _Record | None = None
    for line, event in zip(page.lines(), page.events, strict=True):
        text, size = line.text, len(line.text.encode())
        if record is not None and not starts(text):
            late = wait_ms is not None and event.timestamp_ms - record.last_ms > wait_ms
            if not late and len(record.texts) < lines_max and record.size + size <= BYTES_MAX:
                record.texts.append(text)
                record.size, record.last_ms = record.size + size, event.timestamp_ms
                joined.owners[line.event_id] = record.event_id
                continue
            _tell(joined, record)
            joined.cuts.append(len(joined.events))
            record = _Record(event, line.event_id, [text], size, event.timestamp_ms)
        else:
            _tell(joined, record)
            begins = record is not None or starts(text)
            record = _Record(event, line.event_id, [text], size, event.timestamp_ms) if begins else None
            if record is None:
                joined.events.append(event)
                joined.event_ids.append(line.event_id)
    _tell(joined, record)
    return joined


def _tell(joined: _Joined, record: _Record | None) -> None:
    if record is not None:
        message = "\n".join(record.texts).rstrip("\n")
        joined.events.append(msgspec.structs.replace(record.first, message=message))
        joined.event_ids.append(record.event_id)
