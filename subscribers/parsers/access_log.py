"""The format `apache`: access logs, NCSA common and combined, and ours that carries the correlation.

    LogFormat "%h %l %u [%{%d/%b/%Y:%T}t.%{msec_frac}t %{%z}t] \\"%r\\" %>s %b %D
               \\"%{X-Correlation-ID}i\\" \\"%{traceparent}i\\""  hybrid

`-` is what Apache writes for what is absent. The time is when the request began, %D is in microseconds.
A line that carries a traceparent or a correlation ID is also a span; its ID is the first 8 bytes of
SHA-256 over `<%h>|<what is between the brackets>|<the line>` in UTF-8, so that whoever reads the line
derives the same. A line without either ID, but with a duration, is a span in a trace of its own, whose
ID is the first 16 bytes of SHA-256 over `trace|` and the same text.

https://httpd.apache.org/docs/2.4/mod/mod_log_config.html
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Any

import msgspec

from observe import context, ids, semconv, w3c
from subscribers.parsers import plain, times
from subscribers.parsers.page import Line, Page, Parsed
from subscribers.signals import Link, Log, Span

DATASET = "apache.access"

# Names that no other part uses. https://opentelemetry.io/docs/specs/semconv/http/http-spans/
_URL_QUERY = "url.query"
_CLIENT_ADDRESS = "client.address"
_BODY_SIZE = "http.response.body.size"
_USER_NAME = "user.name"
_USER_AGENT = "user_agent.original"
_REFERER = "http.request.header.referer"

# Possessive, so that no line, however hostile, is scanned twice.
_QUOTED = r'"((?:[^"\\]++|\\.)*+)"'
_LINE = re.compile(
    r"(\S++) \S++ ([^\[]{1,256}+)(?<= )\[([^\]]{20,64}+)\] " + _QUOTED + r" (\d{3}) (\d++|-)(?: (.*))?",
    re.DOTALL,
)
_HYBRID = re.compile(rf"(\d++|-) {_QUOTED} {_QUOTED}\s*", re.DOTALL)
_COMBINED = re.compile(rf"{_QUOTED} {_QUOTED}\s*", re.DOTALL)
_ESCAPE = re.compile(rb"\\(x[0-9a-fA-F]{2}|.)", re.DOTALL)
_ESCAPED = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"v": b"\v"}


class Access(msgspec.Struct, kw_only=True):
    """One request as an access log tells it; what the line leaves out is "" or None."""

    start_unix_nano: int
    duration_us: int | None
    client: str
    when: str
    method: str
    path: str
    status: int
    correlation_id: str
    traceparent: str
    attributes: dict[str, Any]


def parse(page: Page) -> Parsed:
    """Return a log a line, and a span where the line says which request it was. See `page.Format`."""
    parsed = Parsed()
    for line in page.lines():
        access = read(line.text)
        if access is not None:
            _tell(page, line, access, parsed)
        elif line.text.strip():
            parsed.note("unparsed")
            parsed.signals.append(plain.log(page, line))
        else:
            parsed.silent += 1
    return parsed


def read(line: str) -> Access | None:
    """Return what one line tells, or None if it is no access-log line."""
    match = _LINE.fullmatch(line)
    start = times.apache(match[3]) if match else None
    if match is None or start is None:
        return None
    client, user, when, request, status, size, rest = match.groups()
    tail = _tail(rest or "")
    if tail is None:
        return None
    duration, correlation_id, traceparent, told = tail
    method, path, query = _request(unescape(request))
    attributes: dict[str, Any] = {
        semconv.HTTP_REQUEST_METHOD: method,
        semconv.URL_PATH: path,
        _URL_QUERY: query,
        semconv.HTTP_RESPONSE_STATUS_CODE: int(status),
        _CLIENT_ADDRESS: _present(client),
        _USER_NAME: _present(user.rstrip(" ")),
        **told,
    }
    if size != "-":
        attributes[_BODY_SIZE] = int(size[:18])
    return Access(
        start_unix_nano=start,
        duration_us=duration,
        client=client,
        when=when,
        method=method,
        path=path,
        status=int(status),
        correlation_id=correlation_id,
        traceparent=traceparent,
        attributes={name: value for name, value in attributes.items() if value != ""},
    )


def _tail(rest: str) -> tuple[int | None, str, str, dict[str, str]] | None:
    """(duration, correlation ID, traceparent, attributes) of what follows %b, or None if we know no such."""
    if not rest:
        return None, "", "", {}
    if match := _HYBRID.fullmatch(rest):
        duration = None if match[1] == "-" else int(match[1][:15])
        return duration, _value(match[2]).strip(), _value(match[3]), {}
    if match := _COMBINED.fullmatch(rest):
        return None, "", "", {_REFERER: _value(match[1]), _USER_AGENT: _value(match[2])}
    return None


def _request(line: str) -> tuple[str, str, str]:
    """(method, path, query) of `%r`; all "" for what is no request line, such as a TLS hello."""
    parts = line.split(" ")
    if len(parts) < 2 or not parts[0].isascii() or not parts[0].isalpha():
        return "", "", ""
    path, _, query = parts[1].partition("?")
    return parts[0], path, query


def unescape(text: str) -> str:
    """Undo Apache's escapes in a quoted field: `\\"`, `\\\\`, `\\n` and `\\xhh`, the bytes read as UTF-8."""
    if "\\" not in text:
        return text
    return _ESCAPE.sub(_unescaped, text.encode()).decode("utf-8", "replace")


def _unescaped(match: re.Match[bytes]) -> bytes:
    code = match[1]
    return bytes.fromhex(code[1:].decode()) if len(code) == 3 else _ESCAPED.get(code, code)


def _value(quoted: str) -> str:
    return _present(unescape(quoted))


def _present(text: str) -> str:
    return "" if text == "-" else text


def _tell(page: Page, line: Line, access: Access, parsed: Parsed) -> None:
    span = span_of(page, line.event_id, line.text, access)
    parsed.signals.append(
        Log(
            event_id=line.event_id,
            origin=page.origin,
            time_unix_nano=access.start_unix_nano,
            observed_time_unix_nano=page.now_unix_nano,
            sequence=line.sequence,
            message=line.text,
            level="ERROR" if access.status >= 500 else "WARN" if access.status >= 400 else "INFO",
            dataset=DATASET,
            time_from="line",
            trace_id=span.trace_id if span else "",
            span_id=span.span_id if span else "",
            correlation_id=span.correlation_id if span else "",
            attributes=access.attributes,
        )
    )
    if span:
        parsed.signals.append(span)


def span_of(page: Page, event_id: str, line: str, access: Access) -> Span | None:
    """Return the request as a span, or None where the line tells neither an ID nor a duration."""
    trace_id, parent_span_id, _ = w3c.parse_traceparent(access.traceparent)
    derived = ids.derive_trace_id(access.correlation_id) if access.correlation_id else ""
    told = f"{access.client}|{access.when}|{line}".encode()
    if not trace_id and not derived:
        if access.duration_us is None:
            return None
        # A request of nobody is a request: it counts, in a trace of its own.
        trace_id = sha256(b"trace|" + told).hexdigest()[:32]
    return Span(
        event_id=f"{event_id}:0",
        origin=page.origin,
        trace_id=trace_id or derived,
        span_id=sha256(told).hexdigest()[:16],
        parent_span_id=parent_span_id,
        name=f"{access.method or 'HTTP'} {access.path}".rstrip(),
        kind="server",
        start_unix_nano=access.start_unix_nano,
        end_unix_nano=access.start_unix_nano + (access.duration_us or 0) * 1_000,
        told_by="access_log",
        status="error" if access.status >= 500 else "unset",
        # The trust edge, as the layer draws it: what may not pass is known by its derived ID.
        correlation_id=access.correlation_id if context.is_correlation_id(access.correlation_id) else derived,
        attributes=access.attributes,
        links=_links(trace_id, derived),
    )


def _links(trace_id: str, derived: str) -> tuple[Link, ...]:
    """The trace that lost, where the request carried two identities."""
    if not trace_id or not derived or trace_id == derived:
        return ()
    return (Link(derived, ids.derived_span_id(derived), {semconv.LINK_KIND: "correlation_id"}),)
