"""`observe.key`: mark the trace with a business key that people will search by.

    observe.key(claim="CLM-889123", policy=policy.number)

What is written is not the key but its HMAC, in a line of its own: it survives sampling, timeouts and a
killed process. `observe trace --key claim=CLM-889123` finds it, given the same OBSERVE_KEY_SECRET.
"""

from __future__ import annotations

import re

from observe import guard, ids, settings, stdout, wire
from observe import invocation as invocations
from observe.context import current
from observe.identity import fields
from observe.notes import say_once

TYPE_CHECKING = False
if TYPE_CHECKING:
    from observe.settings import Settings

EVENT = "observe.key"
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")


def key(**names: object) -> None:
    """Mark the current trace with business keys: name -> value, told by its text; never raises.

    A name is at most 64 letters, digits and `_`, and compared without case; a value that is None or
    blank marks nothing. Marking a trace twice with the same key within an invocation is marking it once.
    """
    guard.guarded(_mark, names)


def _mark(names: dict[str, object]) -> None:
    found = settings.get()
    if found.disabled:
        return
    if not found.key_secret:
        say_once("key_secret_missing")
    marks = [mark for name, value in names.items() if (mark := guard.guarded(_mark_of, name, value, found))]
    fresh = _unsaid(marks)
    if fresh:
        line = fields(found.level if found.json_mode else "INFO", EVENT)
        stdout.write(wire.log_line({**line, "event": EVENT, "keys": fresh}))


def _mark_of(name: str, value: object, found: Settings) -> str:
    name = name.lower()
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name[:64]!r} is no name of a business key: letters, digits and _, at most 64")
    text = "" if value is None else guard.said(value).strip(ids.BLANK)
    return ids.key_mark(name, text, found.key_secret) if text else ""


def _unsaid(marks: list[str]) -> list[str]:
    """Those that this invocation has not marked the current trace with yet."""
    context, invocation = current(), invocations.active
    if invocation is None:
        return marks
    trace_id = context.trace_id if context is not None else ""
    fresh = [mark for mark in dict.fromkeys(marks) if (trace_id, mark) not in invocation.marks]
    invocation.marks.update((trace_id, mark) for mark in fresh)
    return fresh
