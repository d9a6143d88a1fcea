"""What `observe redrive` shows: the plan and what became of it, as tables and as JSON. And its two edges: the
handler that documents of the input are handed to, and Ctrl-C."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import click
import msgspec
from rich.console import Console
from rich.table import Table

from console.words import counted, instant
from subscribers import redrive_plan
from subscribers.config import Config
from subscribers.redrive import Redriven
from subscribers.redrive_input import Replayed, handled
from subscribers.redrive_plan import Plan

_NS = 1_000_000_000
#: Interrupts so near to each other are one.
_SAME_INTERRUPT_S = 0.5
_UNITS = ("B", "KB", "MB", "GB", "TB")
#: What is left on purpose.
_MEANT = frozenset({"limit", "another_event"})


def show_plan(made: Plan, out: Console) -> None:
    """Print what there is: a row a sink, channel and reason, then documents of the input."""
    if made.groups:
        table = Table(box=None, header_style="bold", pad_edge=False)
        for name in ("sink", "channel", "reason"):
            table.add_column(name, overflow="fold")
        for name in ("objects", "items", "size"):
            table.add_column(name, justify="right")
        for name in ("oldest", "newest", ""):
            table.add_column(name, overflow="fold")
        for group in made.groups:
            why = group.why_not and f"left out: {group.why_not}"
            table.add_row(
                *(group.sink, group.channel, group.reason),
                *(f"{group.objects:,}", f"{group.items:,}", _size(group.bytes)),
                *(_when(group.oldest_s), _when(group.newest_s)),
                why or ("retry" if group.kind == "retry" else ""),
            )
        out.print(table)
    for reason, number in sorted(Counter(one.reason for one in made.inputs).items()):
        out.print(f"input that could not be read, {reason}: {counted(number, 'document')}", highlight=False)


def show_redriven(told: Redriven, out: Console) -> None:
    """Print what became of items."""
    out.print(f"delivered {counted(told.delivered, 'item')}; {_objects(told)}", highlight=False)
    for reason, number in sorted(told.left.items()):
        out.print(f"  still refused, {reason}: {counted(number, 'item')}", highlight=False)
    for why, number in sorted(told.skipped.items()):
        out.print(f"  not tried, {why}: {counted(number, 'item')}", highlight=False)
    if told.gone:
        out.print(f"  gone meanwhile: {counted(told.gone, 'object')}", highlight=False)
    for key, why in sorted(told.unreadable.items()):
        out.print(f"  cannot be read: {key}: {why}", highlight=False, markup=False)
    if told.ended:
        out.print(f"  ended before its end: {told.ended}", highlight=False)


def show_replayed(told: Replayed, out: Console) -> None:
    """Print what became of documents."""
    out.print(
        f"read {counted(told.removed, 'document')} of the input; kept again {told.kept:,}", highlight=False
    )
    for key, why in sorted(told.failed.items()):
        out.print(f"  failed: {key}: {why}", highlight=False, markup=False)
    if told.skipped:
        out.print(f"  no input: {counted(told.skipped, 'document')}", highlight=False)
    if told.ended:
        out.print(f"  ended before its end: {told.ended}", highlight=False)


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
    from subscribers.configured import outlets_of
    from subscribers.handler import make_handler

    handler = make_handler(
        config,
        outlets_of(config, {**os.environ, "OBSERVE_DEAD_LETTERS": source}),
        time.time_ns,
        region=os.environ.get("AWS_REGION", ""),
        key_secret=os.environ.get("OBSERVE_KEY_SECRET", ""),
    )

    def handle(document: bytes) -> None:
        with contextlib.redirect_stdout(sys.stderr):
            handled(handler, document)

    return handle


@contextlib.contextmanager
def stopped_by_interrupt() -> Iterator[Callable[[], bool]]:
    """Yield what says whether Ctrl-C was pressed. The first one ends the work in order, the second at once.

    An interrupt that is told twice at once is one. Where interrupts are ignored they stay so.
    """
    times: list[float] = []

    def told(_signal: int, _frame: Any) -> None:
        now_s = time.monotonic()
        is_same = bool(times) and now_s - times[-1] < _SAME_INTERRUPT_S
        times.append(now_s)
        if is_same:
            return
        if len(times) > 1:
            raise KeyboardInterrupt
        click.echo("stopping after this delivery; once more to stop at once", err=True)

    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield lambda: False
        return
    signal.signal(signal.SIGINT, told)
    try:
        yield lambda: bool(times)
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _objects(told: Redriven) -> str:
    rewritten = f", {told.rewritten:,} written back" if told.rewritten else ""
    return f"{counted(told.removed, 'object')} removed{rewritten}"


def _when(seconds: float) -> str:
    return instant(int(seconds * _NS))[:19] + "Z"


def _size(number: float) -> str:
    for unit in _UNITS:
        if number < 1000 or unit == _UNITS[-1]:
            break
        number /= 1000
    return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
