"""Spans as X-Ray's segment documents.

What serves a request, and what has no parent, is a segment; what happens within is a subsegment, sent by
itself. A trace ID of W3C is X-Ray's with two hyphens: "this is not required or validated", says AWS of the
time that X-Ray's own have in it.

https://docs.aws.amazon.com/xray/latest/devguide/xray-api-segmentdocuments.html
https://docs.aws.amazon.com/xray/latest/api/API_PutTraceSegments.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from observe import ids, semconv
from subscribers.signals import ENTRY_KINDS, Span
from subscribers.sinks import otlp_json
from subscribers.sinks.channel import Item

#: "A segment document can be up to 64 kB."
DOCUMENT_MAX_BYTES = 64_000
_NAME_MAX, _ANNOTATION_MAX, _TEXT_MAX, _WORD_MAX = 200, 1000, 2048, 256
#: Letters, digits, blanks and these are what a name may have.
_NOT_IN_NAMES = re.compile(r"[^\w\s.:/%&#=+\\\-@]")
_NOT_IN_KEYS = re.compile(r"[^A-Za-z0-9_]")
#: Attributes by which traces are looked for: at most 50 annotations a trace are indexed.
_ANNOTATED = (semconv.HTTP_ROUTE, semconv.FAAS_TRIGGER, semconv.FAAS_COLDSTART, semconv.ERROR_TYPE)
_CALLS = frozenset(("client", "producer"))
_FUNCTIONS = "/aws/lambda/"

Tree = dict[str, Any]


def item(span: Span) -> Item:
    """Return a span's document. One that is too large comes without its metadata, then without what its
    request and its errors said; `whole` is all of it."""
    made = document(span)
    whole = body = otlp_json.encoded(made)
    kept = {"observe": {"event_id": span.event_id, "cut_bytes": len(whole)}}
    for left_out in ((), ("http", "cause")):
        if len(body) <= DOCUMENT_MAX_BYTES:
            break
        rest = {name: value for name, value in made.items() if name not in left_out}
        body = otlp_json.encoded({**rest, "metadata": kept})
    return Item(span.event_id, body, whole=whole if body is not whole else b"")


def document(span: Span) -> Tree:
    """Return the segment document of a span: a JSON tree."""
    is_segment = span.kind in ENTRY_KINDS or not ids.is_span_id(span.parent_span_id)
    trace_id = span.trace_id if ids.is_trace_id(span.trace_id) else ids.derive_trace_id(span.trace_id)
    made: Tree = {
        "name": _name(span, is_segment=is_segment),
        "id": span.span_id if ids.is_span_id(span.span_id) else ids.derived_span_id(trace_id),
        "trace_id": f"1-{trace_id[:8]}-{trace_id[8:]}",
        "start_time": round(span.start_unix_nano / 1e9, 6),
        "end_time": round(max(span.start_unix_nano, span.end_unix_nano) / 1e9, 6),
    }
    if ids.is_span_id(span.parent_span_id):
        made["parent_id"] = span.parent_span_id
    if is_segment:
        if span.origin.log_group.startswith(_FUNCTIONS):
            made["origin"] = "AWS::Lambda::Function"
    else:
        made["type"] = "subsegment"
        if span.kind in _CALLS:
            made["namespace"] = "aws" if _text(span, "rpc.system") == "aws-api" else "remote"
    told = {
        "http": _http(span, is_segment=is_segment),
        "aws": _aws(span),
        "cause": _cause(span),
        "annotations": dict(_annotations(span)),
    }
    made.update((name, value) for name, value in told.items() if value)
    made.update(dict.fromkeys(_flags(span), True))
    made["metadata"] = {"observe": _metadata(span)}
    return made


def _name(span: Span, *, is_segment: bool) -> str:
    """A segment is of its service; a call of what it calls, for X-Ray draws that as a node."""
    called = (semconv.SERVER_ADDRESS, semconv.MESSAGING_DESTINATION_NAME, semconv.FAAS_INVOKED_NAME)
    if is_segment:
        name = span.origin.service
    elif span.kind in _CALLS:
        name = next(filter(None, (_text(span, attribute) for attribute in called)), span.name)
    else:
        name = span.name
    return _NOT_IN_NAMES.sub("_", name)[:_NAME_MAX].strip() or "unknown"


def _http(span: Span, *, is_segment: bool) -> Tree:
    request = {
        "method": _text(span, semconv.HTTP_REQUEST_METHOD)[:_WORD_MAX],
        "url": _text(span, semconv.URL_FULL) or _text(span, semconv.URL_PATH),
        "user_agent": _text(span, "user_agent.original"),
        "client_ip": _text(span, "client.address")[:_WORD_MAX] if is_segment else "",
    }
    status = _status(span)
    found: Tree = {"request": {name: value[:_TEXT_MAX] for name, value in request.items() if value}}
    if status:
        found["response"] = {"status": status}
    return {name: value for name, value in found.items() if value}


def _aws(span: Span) -> Tree:
    found = {
        "account_id": span.origin.account,
        "region": span.origin.region,
        "request_id": span.request_id or _text(span, semconv.AWS_REQUEST_ID),
        "operation": _text(span, "rpc.method") if _text(span, "rpc.system") == "aws-api" else "",
    }
    return {name: value[:_WORD_MAX] for name, value in found.items() if value}


def _flags(span: Span) -> Iterator[str]:
    status = _status(span)
    if status == 429:
        yield "throttle"
    if 400 <= status < 500:
        yield "error"
    elif span.status == "error" or status >= 500:
        yield "fault"


def _cause(span: Span) -> Tree:
    """The exceptions that the span's events tell, else its own words."""
    told = [_exception(event.get("attributes"), span.span_id, n) for n, event in enumerate(span.events)]
    exceptions = [one for one in told if one][:8]
    if not exceptions and span.status == "error" and (span.status_message or _text(span, semconv.ERROR_TYPE)):
        own = {
            semconv.EXCEPTION_TYPE: _text(span, semconv.ERROR_TYPE),
            semconv.EXCEPTION_MESSAGE: span.status_message,
        }
        exceptions = [_exception(own, span.span_id, 0)]
    return {"exceptions": exceptions} if exceptions else {}


def _exception(attributes: object, span_id: str, n: int) -> Tree:
    if not isinstance(attributes, Mapping):
        return {}
    kind, message = (attributes.get(a) for a in (semconv.EXCEPTION_TYPE, semconv.EXCEPTION_MESSAGE))
    if not kind and not message:
        return {}
    # Eight bytes in hex, each its own; the same whenever the span is sent again.
    found = {"id": ids.derive_trace_id(f"{span_id}:{n}")[:16]}
    found.update({"type": str(kind)[:_TEXT_MAX]} if kind else {})
    found.update({"message": str(message)[:_TEXT_MAX]} if message else {})
    return found


def _annotations(span: Span) -> Iterator[tuple[str, str | int | float | bool]]:
    told = {
        semconv.CORRELATION_ID: span.correlation_id,
        semconv.FAAS_INVOCATION_ID: span.request_id,
        "observe.side": span.origin.side,
        "observe.told_by": span.told_by,
        **{name: span.attributes.get(name) for name in _ANNOTATED},
    }
    for name, value in told.items():
        if isinstance(value, str):
            if value:
                yield _NOT_IN_KEYS.sub("_", name), value[:_ANNOTATION_MAX]
        elif isinstance(value, bool | int | float):
            yield _NOT_IN_KEYS.sub("_", name), value


def _metadata(span: Span) -> Tree:
    found: Tree = {
        "event_id": span.event_id,
        "name": span.name,
        "kind": span.kind,
        "log_group": span.origin.log_group,
        "log_stream": span.origin.log_stream,
        "attributes": span.attributes,
        "links": [
            {"trace_id": link.trace_id, "span_id": link.span_id, **link.attributes} for link in span.links
        ],
        "events": list(span.events),
    }
    return {name: value for name, value in found.items() if value}


def _status(span: Span) -> int:
    value = span.attributes.get(semconv.HTTP_RESPONSE_STATUS_CODE)
    return value if isinstance(value, int) and 100 <= value <= 599 else 0


def _text(span: Span, name: str) -> str:
    value = span.attributes.get(name)
    return value if isinstance(value, str) else ""
