"""What a legacy application puts into its log context (MDC): the request's identity, and the rest.

Keys are compared without case, `-`, `_` and `.`: `X-Correlation-ID`, `correlationId` and `correlation_id`
are one. A request ID of a proxy (`x-request-id`) is no correlation ID and stays an attribute.

https://opentelemetry.io/docs/zero-code/java/agent/instrumentation/ (trace_id, span_id, trace_flags)
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from observe import context, ids, w3c

_CORRELATION = frozenset({"correlationid", "xcorrelationid", "correlation"})
#: What frameworks write for a value that is not there.
_ABSENT = frozenset({"", "-", "null"})
_UNFOLDED = str.maketrans("", "", "-_.")

_derived = lru_cache(maxsize=4096)(ids.derive_trace_id)


class Identity(NamedTuple):
    """Whose line it is, each "" where the line does not say, and the entries that are about anything else."""

    trace_id: str
    span_id: str
    correlation_id: str
    rest: dict[str, str]


def identity(mdc: Mapping[str, str], correlation_field: str = "") -> Identity:
    """Return the identity in an MDC; a line with only a correlation ID is of the trace derived from it.

    correlation_field: the key of the correlation ID where the service has one of its own.
    """
    told: dict[str, str] = {}
    rest: dict[str, str] = {}
    for key, value in mdc.items():
        if value.strip() in _ABSENT:
            continue
        name = _meaning(key, correlation_field)
        (told if name else rest)[name or key] = value.strip()
    trace_id, span_id, _ = w3c.parse_traceparent(told.get("traceparent", ""))
    if not trace_id and ids.is_trace_id(told.get("trace_id", "").lower()):
        trace_id, span_id = told["trace_id"].lower(), told.get("span_id", "").lower()
    raw = told.get("own") or told.get("correlation_id", "")
    derived = _derived(raw) if raw else ""
    # The trust edge, as the layer draws it: what may not pass is known by its derived ID.
    correlation_id = raw if context.is_correlation_id(raw) else derived
    return Identity(trace_id or derived, span_id if ids.is_span_id(span_id) else "", correlation_id, rest)


def entries(text: str) -> dict[str, str]:
    """Return a whole MDC: of log4j 2 (`{a=1, b=2}`), logback (`a=1, b=2`) or log4j 1.x (`{{a,1}{b,2}}`)."""
    if text.startswith("{{"):
        pairs = [item.partition(",") for item in text[2:].rstrip("}").split("}{")]
        return {name.strip(): value for name, comma, value in pairs if comma}
    found: dict[str, list[str]] = {}
    last: list[str] = []
    for item in text.removeprefix("{").removesuffix("}").split(", "):
        name, equals, value = item.partition("=")
        if equals and name:
            last = found[name] = [value]
        else:  # a comma within a value
            last.append(item)
    return {name: ", ".join(values) for name, values in found.items()}


@lru_cache(maxsize=4096)
def _meaning(key: str, correlation_field: str) -> str:
    name = _folded(key)
    if correlation_field and name == _folded(correlation_field):
        return "own"
    if name in _CORRELATION:
        return "correlation_id"
    return {"traceparent": "traceparent", "traceid": "trace_id", "spanid": "span_id"}.get(name, "")


def _folded(key: str) -> str:
    return key.lower().translate(_UNFOLDED)
