"""Which of an object's members mean what, by their names alone: worked out once for a program's lines."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import msgspec

from subscribers.formats import logger_errors, logger_names

#: Members of their own under which frameworks put the log context.
CONTEXTS = ("mdc", "contextMap", "context", "Properties", "labels", "ctx", "extra")
TRACE = frozenset({"traceparent", "traceid", "spanid"})
CORRELATION = frozenset({"correlationid", "xcorrelationid", "correlation"})
#: With any of these `name` is a logger's: bunyan's, pino's, Python's. Anybody else's may be anything.
_NAMED = frozenset({"pid", "levelname", "asctime", "lineno", "funcName", "taskName"})
#: An object of more is planned each time: what is remembered is bounded, whatever lines hold.
_NAMES_MAX, _CHARACTERS_MAX = 64, 2048
_UNFOLDED = str.maketrans("", "", "-_.")


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """For each role the members that may have it, the likeliest first; most objects have one or none."""

    contexts: tuple[str, ...]
    traces: tuple[str, ...]
    correlations: tuple[str, ...]
    time: tuple[str, ...]
    level: tuple[str, ...]
    message: tuple[str, ...]
    logger: tuple[str, ...]
    thread: tuple[str, ...]
    request_id: tuple[str, ...]
    service: tuple[str, ...]
    renamed: tuple[str, ...]
    has_errors: bool
    has_datadog: bool
    #: ECS's names are dotted or nested, which is the same: nested ones are to be dotted first.
    is_ecs: bool
    is_gelf: bool
    #: CLEF leaves the level out where it is the usual one.
    is_clef: bool


def plan_of(names: tuple[str, ...], correlation_field: str = "") -> Plan:
    """Return the plan of an object with these members. correlation_field: the service's name of the ID."""
    if len(names) > _NAMES_MAX or sum(map(len, names)) > _CHARACTERS_MAX:
        return _planned(names, correlation_field)
    return _remembered(names, correlation_field)


@lru_cache(maxsize=2048)
def _remembered(names: tuple[str, ...], correlation_field: str) -> Plan:
    return _planned(names, correlation_field)


def _planned(names: tuple[str, ...], correlation_field: str) -> Plan:
    present = frozenset(names)
    own = folded(correlation_field) if correlation_field else ""

    def among(known: Iterable[str]) -> tuple[str, ...]:
        return tuple(name for name in known if name in present)

    is_named = not _NAMED.isdisjoint(present)
    return Plan(
        contexts=among(CONTEXTS),
        traces=tuple(name for name in names if folded(name) in TRACE),
        correlations=tuple(
            name for name in names if folded(name) in CORRELATION or (own and folded(name) == own)
        ),
        time=among(logger_names.TIME),
        level=among(logger_names.LEVEL),
        message=among(logger_names.MESSAGE),
        logger=among((*logger_names.LOGGER, "name") if is_named else logger_names.LOGGER),
        thread=among(logger_names.THREAD),
        request_id=among(logger_names.REQUEST_ID),
        service=among(logger_names.SERVICE),
        renamed=among(logger_names.RENAMED),
        has_errors=not logger_errors.NAMES.isdisjoint(present),
        has_datadog=not present.isdisjoint({"dd", "dd.trace_id"}),
        is_ecs=not present.isdisjoint({"ecs", "ecs.version"}),
        is_gelf="short_message" in present,
        is_clef="@t" in present,
    )


def folded(name: str) -> str:
    """Return a name as names of identity are compared: without case, `-`, `_` and `.`; "" for a long one."""
    return name.lower().translate(_UNFOLDED) if len(name) < 64 else ""
