"""What `observe redrive` shows: the plan and what became of it, for people and as JSON. And the handler that
documents of the input are handed to."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections import Counter
from collections.abc import Callable
from itertools import groupby
from typing import Any

import msgspec
from rich.console import Console

from console.terminal import line
from console.words import counted, instant
from subscribers import redrive_plan
from subscribers.config import Config
from subscribers.config_problems import printable
from subscribers.redrive import Redriven
from subscribers.redrive_input import NO_INPUT, Again, Replayed
from subscribers.redrive_plan import Group, Plan

_NS = 1_000_000_000
_UNITS = ("B", "KB", "MB", "GB", "TB")
_KINDS = {"dead_letter": "dead letters", "retry": "waiting for a retry"}
#: What is left on purpose.
_MEANT = frozenset({"limit", "another_event"})
#: Why items were not tried, where the word alone does not say it.
_SKIPPED = {
    "another_event": "of other events",
    "limit": "beyond --limit",
    "deadline": "no time was left",
    "stopped": "interrupted",
    "no_such_sink": "observe.yaml has no such sink that is spoken to by requests",
    "no_such_channel": "their sink has no such channel",
    "destination_down": "nothing was taken of three deliveries in a row",
}
_ENDS = {"limit": "--limit is reached", "deadline": "the time of --deadline is up", "stopped": "interrupted"}


def show_plan(made: Plan, out: Console, *, is_input: bool = False) -> None:
    """Print what there is: of a sink and channel a row a reason, then documents of the input.

    is_input: these alone.
    """
    if made.groups and not is_input:
        width = max(len(word) for word in ("reason", *(printable(group.reason) for group in made.groups)))
        line(out, _row(width, "reason", "items", "objects", "size", "kept"), "  ", "bold")
        for place, groups in groupby(made.groups, lambda one: (one.sink, one.channel, one.kind)):
            line(out, f"{place[0]} {place[1]}, {_KINDS[place[2]]}")
            for group in groups:
                numbers = (f"{group.items:,}", f"{group.objects:,}", _size(group.bytes))
                line(out, _row(width, printable(group.reason), *numbers, _when(group)), "  ")
                if group.why_not:
                    line(out, group.why_not, "    left out: ", "dim")
    for reason, number in sorted(Counter(one.reason for one in made.inputs).items()):
        stays = ", of a retry queue: it stays" if reason in NO_INPUT else ""
        line(out, f"{reason}: {counted(number, 'document')}{stays}", "input that could not be read, ")


def why_nothing(made: Plan, *, is_input: bool) -> str:
    """Return why there is nothing to redrive, as a sentence; "" where there is something."""
    if is_input:
        has_no_input = not any(one.reason not in NO_INPUT for one in made.inputs)
        return f"no input to be read again in {made.source}" if has_no_input else ""
    if made.objects:
        return ""
    if made.groups:
        return "nothing to redrive: all of it is left out"
    if made.sinks:
        return f"nothing of what was asked for is in {made.source}"
    behind = "; --input is about what could not be read" if made.inputs else ""
    return f"nothing to redrive in {made.source}{behind}"


def offer(made: Plan, *, is_input: bool) -> str:
    """Return what --apply would do."""
    limit, ids = made.filters.limit, made.filters.event_ids
    if is_input:
        number = sum(one.reason not in NO_INPUT for one in made.inputs)
        return f"--apply reads {counted(min(number, limit or number), 'document')} of the input again"
    if ids:
        whom = "the event" if len(ids) == 1 else f"{len(ids):,} events"
        bound = f", and delivers {counted(limit, 'item')} at most" if limit else ""
        return f"--apply looks through {counted(made.items, 'item')} for {whom}{bound}"
    return f"--apply delivers {counted(min(made.items, limit or made.items), 'item')}"


def show_redriven(told: Redriven, out: Console) -> None:
    """Print what became of items."""
    line(out, f"delivered {counted(told.delivered, 'item')}; {_objects(told)}")
    for reason, number in sorted(told.left.items()):
        line(out, f"{counted(number, 'item')}: {reason}", "  not taken: ")
    for why, number in sorted(told.skipped.items()):
        line(out, f"{counted(number, 'item')}: {_SKIPPED.get(why, why)}", "  not tried: ")
    if told.gone:
        line(out, counted(told.gone, "object"), "  gone meanwhile: ")
    for key, why in sorted(told.unreadable.items()):
        line(out, f"{key}: {why}", "  cannot be read: ")
    _show_end(told.ended, out)


def show_replayed(told: Replayed, out: Console) -> None:
    """Print what became of documents."""
    line(out, f"read {counted(told.removed, 'document')} of the input")
    if told.kept:
        line(out, counted(told.kept, "document"), "  still cannot be read: ")
    for key, why in sorted(told.failed.items()):
        line(out, f"{key}: {why}", "  failed: ")
    if told.gone:
        line(out, counted(told.gone, "document"), "  gone meanwhile: ")
    if told.skipped:
        line(out, counted(told.skipped, "document"), "  of a retry queue, and no input: ")
    _show_end(told.ended, out)


def as_json(made: Plan, redriven: Redriven | None, replayed: Replayed | None) -> dict[str, Any]:
    """Return all of it as JSON; what did not happen is missing."""
    told: dict[str, Any] = {"plan": redrive_plan.as_json(made)}
    for name, value in (("redriven", redriven), ("replayed", replayed)):
        if value is not None:
            told[name] = msgspec.to_builtins(value)
    return told


def is_whole(redriven: Redriven | None, replayed: Replayed | None) -> bool:
    """Whether all that was to be done is done."""
    if redriven is not None and (
        redriven.left
        or redriven.unreadable
        or set(redriven.skipped) - _MEANT
        or redriven.ended not in ("", "limit")
    ):
        return False
    return replayed is None or not (replayed.failed or replayed.kept or replayed.ended not in ("", "limit"))


def replayer(config: Config, source: str) -> Callable[[bytes], None]:
    """Return what hands a document to the subscriber's handler, whose dead letters stay in the source.

    Raises SettingsError. The handler's own summary goes to standard error.
    """
    from subscribers.configured import keeper_of, outlets_of
    from subscribers.handler import make_handler
    from subscribers.outlets import Outlets

    environ = {**os.environ, "OBSERVE_DEAD_LETTERS": source}
    made = outlets_of(config, environ)
    # The embedded store alone would keep what cannot be read in its own folder.
    again = Again(keeper_of(environ, config.sinks))
    handler = make_handler(
        config,
        Outlets(made.outlets, again, made.keeper),
        time.time_ns,
        region=os.environ.get("AWS_REGION", ""),
        key_secret=os.environ.get("OBSERVE_KEY_SECRET", ""),
    )

    def handle(document: bytes) -> None:
        with contextlib.redirect_stdout(sys.stderr):
            again.hand(handler, document)

    return handle


def _objects(told: Redriven) -> str:
    rewritten = f", {told.rewritten:,} written back" if told.rewritten else ""
    return f"{counted(told.removed, 'object')} removed{rewritten}"


def _show_end(ended: str, out: Console) -> None:
    if ended:
        line(out, _ENDS[ended], "  not all of it was tried: ")


def _row(width: int, reason: str, *cells: str) -> str:
    items, objects, size, kept = cells
    return f"{reason:<{width}}  {items:>9}  {objects:>7}  {size:>8}  {kept}"


def _when(group: Group) -> str:
    """The days (UTC) on which its objects were written."""
    oldest, newest = (instant(int(seconds * _NS))[:10] for seconds in (group.oldest_s, group.newest_s))
    return oldest if oldest == newest else f"{oldest} to {newest}"


def _size(number: float) -> str:
    for unit in _UNITS:
        if number < 1000 or unit == _UNITS[-1]:
            break
        number /= 1000
    return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
