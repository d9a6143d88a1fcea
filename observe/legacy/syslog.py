"""Syslog lines: a structured-data element of RFC 5424, a suffix of RFC 3164.

Carried are trace ID, span ID, flags and correlation ID.
https://opentelemetry.io/docs/specs/otel/compatibility/logging_trace_context/ names the element and its
first three parameters; https://www.rfc-editor.org/rfc/rfc5424#section-6.3 the syntax.
"""

from __future__ import annotations

import re

from observe import ids
from observe.context import CORRELATION_ID, TRACEPARENT
from observe.legacy.carrier import CarrierError, Written, as_text, headers_of, is_document, like

TYPE_CHECKING = False
if TYPE_CHECKING:
    from observe.context import Context
    from observe.legacy.carrier import Text

SD_ID = "opentelemetry"
#: "MUST be able to accept messages of up to and including 480 octets [...] SHOULD be able to accept messages
#: of up to and including 2048 octets": https://www.rfc-editor.org/rfc/rfc5424#section-6.1
RFC5424_MAX = 2048
#: "The total length of the packet MUST be 1024 bytes or less"
#: https://www.rfc-editor.org/rfc/rfc3164#section-4.1
RFC3164_MAX = 1024

# <PRI>VERSION SP TIMESTAMP SP HOSTNAME SP APP-NAME SP PROCID SP MSGID SP, then structured data
_HEADER = re.compile(r"<\d{1,3}>[1-9]\d{0,2}(?: [!-~]+){5} ")
# Possessive, or a value of megabytes would cost gigabytes.
_VALUE = r"[^\"\\\]]*+(?:\\.[^\"\\\]]*+)*+"
_NAME = r"[!#-<>-\\^-~]{1,32}+"
_ELEMENT = re.compile(rf"\[({_NAME})((?: {_NAME}=\"{_VALUE}\")*+)\]", re.DOTALL)
_PARAMETER = re.compile(rf" ({_NAME})=\"({_VALUE})\"", re.DOTALL)
_PAIR = re.compile(r"(?<!\S)(trace_id|span_id|trace_flags|correlation_id)=(\S+)")


def escape(value: str) -> str:
    r"""Escape a PARAM-VALUE: `"`, `\` and `]`. https://www.rfc-editor.org/rfc/rfc5424#section-6.3.3"""
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("]", "\\]")


def unescape(value: str) -> str:
    r"""Undo `escape`; a backslash before anything else is a backslash."""
    return re.sub(r"\\([\"\\\]])", r"\1", value)


def element(context: Context) -> str:
    """Return `[opentelemetry trace_id="..." span_id="..." trace_flags="01" correlation_id="..."]`."""
    pairs = " ".join(f'{name}="{escape(value)}"' for name, value in _fields(context).items())
    return f"[{SD_ID} {pairs}]"


def carry(line: Text, context: Context | None, limit: int = RFC5424_MAX) -> Written[Text]:
    """Add our element to the structured data of one RFC 5424 line, str or bytes.

    limit: octets that the receiver takes. Reasons: `not_syslog`, `present`, `no_room`.
    """
    if limit < 1:
        raise CarrierError("limit", f"a line has at least one octet, not {limit}")
    text = as_text(line)
    if context is None:
        return Written(line, "no_context")
    own = element(context)
    start, elements, end = _structured(text)
    if start < 0:
        return Written(line, "not_syslog")
    if any(name == SD_ID for name, _ in elements):
        return Written(line, "present")
    grown = like(line, text[: end if elements else start] + own + text[end:])
    return Written(line, "no_room") if _octets(grown) > limit else Written(grown)


def carry_rfc3164(line: Text, context: Context | None, limit: int = RFC3164_MAX) -> Written[Text]:
    """Add ` trace_id=... span_id=... trace_flags=01 correlation_id=...` to the end of one line of text.

    A line break at its end stays there. Reasons: `rfc5424` (such a line has a better place), `present`,
    `no_room`, `lines` (more than one).
    """
    text = as_text(line)
    if context is None:
        return Written(line, "no_context")
    suffix = "".join(f" {name}={value}" for name, value in _fields(context).items())
    body = text.rstrip("\r\n\0")
    if _structured(text)[0] >= 0:
        return Written(line, "rfc5424")
    if "\n" in body or "\r" in body:
        return Written(line, "lines")
    if "trace_id" in dict(_PAIR.findall(body)):
        return Written(line, "present")
    grown = like(line, body + suffix + text[len(body) :])
    return Written(line, "no_room") if _octets(grown) > limit else Written(grown)


def read(line: str | bytes) -> dict[str, str]:
    """Return the headers of a line of either kind, or {}; the last `key=value` of a name counts."""
    text = as_text(line) if is_document(line) else ""
    start, elements, end = _structured(text)
    for name, parameters in elements:
        if name == SD_ID:
            return _headers({key: unescape(value) for key, value in _PARAMETER.findall(parameters)})
    return _headers(dict(_PAIR.findall(text[end:] if start >= 0 else text)))


def _fields(context: Context) -> dict[str, str]:
    headers = headers_of(context)
    _, trace_id, span_id, flags = headers[TRACEPARENT].split("-")
    return {
        "trace_id": trace_id,
        "span_id": span_id,
        "trace_flags": flags,
        "correlation_id": headers[CORRELATION_ID],
    }


def _headers(fields: dict[str, str]) -> dict[str, str]:
    headers = {}
    trace_id, span_id = fields.get("trace_id", "").lower(), fields.get("span_id", "").lower()
    flags = fields.get("trace_flags", "01").lower()
    if ids.is_trace_id(trace_id):
        if ids.is_span_id(span_id):
            flags = flags if len(flags) == 2 and ids.is_hex(flags) else "01"
            headers[TRACEPARENT] = f"00-{trace_id}-{span_id}-{flags}"
        else:
            headers[CORRELATION_ID] = trace_id
    if fields.get("correlation_id"):
        headers[CORRELATION_ID] = fields["correlation_id"]
    return headers


def _structured(text: str) -> tuple[int, list[tuple[str, str]], int]:
    """(start, [(SD-ID, parameters)], end) of the structured data, start -1 where the line is not RFC 5424."""
    header = _HEADER.match(text)
    if header is None:
        return -1, [], 0
    start = at = header.end()
    if text.startswith("-", at):
        return (start, [], at + 1) if text[at + 1 : at + 2] in ("", " ", "\n", "\r") else (-1, [], 0)
    elements = []
    while found := _ELEMENT.match(text, at):
        elements.append((found[1], found[2]))
        at = found.end()
    return (start, elements, at) if elements else (-1, [], 0)


def _octets(line: str | bytes) -> int:
    return len(line) if isinstance(line, bytes) else len(line.encode("utf-8", "surrogatepass"))
