"""The one place where our own faults end: said once in a log line, never in a handler's way.

Broad `except` is right here and nowhere else in the layer. What a handler raises never passes
through this module.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    T = TypeVar("T")

#: Faults said so far, by place: each is said once a process, and counted after that.
faults: dict[str, int] = {}
#: Names of metrics may be many: from so many places on they are one.
_PLACES_MAX = 100


def guarded(call: Callable[..., T], *args: Any) -> T | None:
    """Return `call(*args)`, or None if it raises: a fault of ours must never be the handler's."""
    try:
        return call(*args)
    except Exception as fault:  # noqa: BLE001  # the point of this module
        report(f"{getattr(call, '__module__', '')}.{getattr(call, '__qualname__', repr(call))}", fault)
        return None


def guarded_for(what: object, call: Callable[..., T], *args: Any) -> T | None:
    """The same for what user code calls by name, such as a metric: each is told of by its own."""
    try:
        return call(*args)
    except Exception as fault:  # noqa: BLE001  # as above
        name = said(what)[:64]
        report(f"metric {name!r}" if len(faults) < _PLACES_MAX else "a metric", fault)
        return None


def quietly(call: Callable[[], object]) -> None:
    """Run `call()` and forget what it raises: for what belongs to user code and may be broken."""
    try:
        call()
    except (Exception, SystemExit):  # noqa: BLE001, S110  # not ours to judge
        pass


def report(place: str, fault: BaseException) -> None:
    """Say a fault of ours once a place and process, as one WARN line; count it every time."""
    faults[place] = faults.get(place, 0) + 1
    if faults[place] > 1:
        return
    try:
        _say(place, fault)
    except Exception:  # noqa: BLE001, S110  # stdout itself is broken: there is nobody left to tell
        pass


def _say(place: str, fault: BaseException) -> None:
    from observe import stdout, wire

    name, told = type(fault).__name__, _clean(said(fault))
    fields = {
        "timestamp": wire.timestamp(stdout.now()),
        "level": "WARN",
        "message": f"hybrid-observe: {place} failed and was left out: {name}: {told}",
        "event": "observe.fault",
        "place": place,
        "error": {"type": name, "message": told, "stack": _where(fault)},
    }
    stdout.write(wire.log_line(fields))


def _clean(text: str) -> str:
    """A fault may quote what it was given; where redaction itself is broken nothing of that is told."""
    try:
        from observe import redaction

        return redaction.get().text(text)
    except Exception:  # noqa: BLE001  # it may be what is broken
        return "(not told: redaction is broken)"


def _where(fault: BaseException) -> str:
    """The last frames as `file:line function`, cheaper than importing traceback's formatters."""
    frames = []
    entry = fault.__traceback__
    while entry is not None:
        code = entry.tb_frame.f_code
        frames.append(f"{code.co_filename}:{entry.tb_lineno} {code.co_name}")
        entry = entry.tb_next
    return "\n".join(frames[-8:])


def said(value: object) -> str:
    """Return `str(value)`; an object whose `__str__` raises says that instead of costing the line."""
    try:
        return str(value)
    except Exception as fault:  # noqa: BLE001  # a user's __str__ may raise anything
        return f"<{type(value).__name__}: {type(fault).__name__} in __str__>"
