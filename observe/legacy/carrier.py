"""What every legacy carrier shares: its result, its error, and the projection to headers and back.

CarrierError(ValueError)    an argument of ours is wrong, with a low-cardinality `reason`
"""

from __future__ import annotations

from typing import Generic, NamedTuple, TypeVar

from observe import ids, w3c
from observe.context import (
    BAGGAGE,
    CORRELATION_ID,
    TRACEPARENT,
    TRACESTATE,
    Context,
    inject,
    is_correlation_id,
)
from observe.services.properties import spelled

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

T = TypeVar("T")

#: What `inject` writes, the most valuable first.
NAMES = (TRACEPARENT, CORRELATION_ID, TRACESTATE, BAGGAGE)
#: https://www.w3.org/TR/trace-context/#traceparent-header-field-values: version 00 has 55 characters
TRACEPARENT_LENGTH = 55

#: Names under which others carry the same, in lower case and with hyphens.
ALIASES = {
    # https://learn.microsoft.com/azure/service-bus-messaging/service-bus-end-to-end-tracing
    "diagnostic-id": TRACEPARENT,
}


class CarrierError(ValueError):
    """An argument is wrong; `reason` is one of a few words, fit for a metric's tag."""

    def __init__(self, reason: str, sentence: str) -> None:
        super().__init__(sentence)
        self.reason = reason


class Written(NamedTuple, Generic[T]):
    """A document after writing: changed if `reason` is "", else the very one that was given.

    reason: "present" (it carries a context already), "no_context" (None was given: observe.current() has none
    outside a request), "no_room" (it would pass a limit), or why this document must not or cannot be changed:
    each function names its own.
    """

    document: T
    reason: str = ""


def headers_of(context: Context) -> dict[str, str]:
    """Return what `inject` writes, made safe for any carrier: printable ASCII without line breaks.

    An ID beyond the trust edge is replaced by its derived ID, as `capture` does; members of tracestate and
    baggage that are not as their specifications want them are left out. Raises CarrierError("context" |
    "trace_id").
    """
    if not isinstance(context, Context):
        raise CarrierError("context", f"a Context is wanted, not {type(context).__name__}")
    if not isinstance(context.trace_id, str) or not ids.is_trace_id(context.trace_id):
        raise CarrierError("trace_id", f"{context.trace_id!r} is no trace ID: 32 lower-case hex digits")
    correlation_id = context.correlation_id
    return inject(
        Context(
            context.trace_id,
            context.span_id if ids.is_span_id(context.span_id) else "",
            correlation_id=correlation_id
            if is_correlation_id(correlation_id)
            else ids.derive_trace_id(correlation_id),
            flags=context.flags & 0xFF,
            debug=context.debug,
            hops=context.hops,
            baggage=tuple(w3c.parse_baggage(",".join(f"{key}={value}" for key, value in context.baggage))),
            tracestate=w3c.tracestate(context.tracestate),
        )
    )


def headers_or_none(context: Context | None) -> dict[str, str]:
    """Return the same, {} for None."""
    return {} if context is None else headers_of(context)


def projected(pairs: Iterable[tuple[object, object]], first: bool = False) -> dict[str, str]:
    """Return headers from foreign names and values: lower case, hyphens, text only.

    pairs: values may be str or UTF-8 bytes, anything else is left out. Of several values under one name the
    last wins, or the `first`; a name that needed no translation before one that did.
    """
    headers: dict[str, str] = {}
    exact = set()
    for raw_name, raw_value in pairs:
        raw, value = text_of(raw_name), text_of(raw_value)
        if not raw or value is None:
            continue
        name = named(raw)
        if name == raw.lower():
            if first and name in exact:
                continue
            exact.add(name)
        elif name in exact or (first and name in headers):
            continue
        headers[name] = value
    return headers


def named(name: str) -> str:
    """Return a foreign name as the header that it means: `X_Correlation_ID` is x-correlation-id."""
    name = spelled(name)
    return ALIASES.get(name, name)


def text_of(value: object) -> str | None:
    """Return text, or bytes that are UTF-8 as text, or None."""
    if isinstance(value, str):
        return value
    if isinstance(value, bytes | bytearray | memoryview):
        try:
            return bytes(value).decode("utf-8")
        except UnicodeDecodeError:
            return None
    return None


def ours(headers: dict[str, str]) -> dict[str, str]:
    """Return only the four headers that `inject` writes."""
    return {name: headers[name] for name in NAMES if name in headers}


def lacking(headers: dict[str, str], present: Iterable[object]) -> dict[str, str]:
    """Return the headers that a carrier with the names `present` may be given.

    Nothing is overwritten, and who set a traceparent gets neither tracestate nor baggage of ours: they
    belong to another trace.
    """
    names = {named(name) for one in present if (name := text_of(one))}
    if TRACEPARENT in names:
        names |= {TRACESTATE, BAGGAGE}
    return {name: value for name, value in headers.items() if name not in names}


if TYPE_CHECKING:
    #: Text is read and written as text, bytes as bytes.
    Text = TypeVar("Text", str, bytes)


def octets(data: object) -> bytes:
    """Return bytes, a bytearray or a memoryview as bytes. Raises CarrierError("document")."""
    found = readable(data)
    if found is None:
        raise CarrierError("document", f"bytes are wanted, not {type(data).__name__}")
    return found


def readable(data: object) -> bytes | None:
    """Return what a reader of bytes looks into, or None: of anything else it says that nothing is in it."""
    return bytes(data) if isinstance(data, bytes | bytearray | memoryview) else None


def as_text(document: object) -> str:
    """Return bytes as text of the same length, one character a byte; text as it is.

    Raises CarrierError("document") for anything else.
    """
    if isinstance(document, str):
        return document
    if (found := readable(document)) is None:
        raise CarrierError("document", f"text or bytes are wanted, not {type(document).__name__}")
    return found.decode("latin-1")


def is_document(value: object) -> bool:
    """Whether a reader of text or bytes looks into it."""
    return isinstance(value, str | bytes | bytearray | memoryview)


def like(document: Text, text: str) -> Text:
    """Return `text`, made of `as_text(document)` and ASCII, in the type of `document`."""
    return text if isinstance(document, str) else text.encode("latin-1")
