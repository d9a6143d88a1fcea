"""Queues of the old world: IBM MQ and JMS, AMQP, Kafka, STOMP. No client library is imported.

Every function takes what a client library takes or gives and returns a new one. A property that the caller
set is never overwritten, and who set a `traceparent` gets neither tracestate nor baggage of ours. A context
that is None adds nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from observe.context import BAGGAGE, CORRELATION_ID, TRACEPARENT, TRACESTATE
from observe.legacy import compact
from observe.legacy.carrier import (
    CarrierError,
    Written,
    as_text,
    headers_of,
    headers_or_none,
    is_document,
    lacking,
    named,
    projected,
    text_of,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from observe.context import Context

#: A JMS property must be named like a Java identifier: no hyphens.
#: https://www.ibm.com/docs/en/ibm-mq/9.4.x?topic=properties-property-names (at most 4,095 characters)
#: traceparent and tracestate are the names that IBM MQ for z/OS itself reads since 9.4.3:
#: https://www.ibm.com/docs/en/SSFKSJ_9.4.0/monitor/opentelemetry_tracecontext_zos.html
JMS_NAMES = {
    TRACEPARENT: "traceparent",
    TRACESTATE: "tracestate",
    BAGGAGE: "baggage",
    CORRELATION_ID: "x_correlation_id",
}
#: MDCID, "24-byte bit string": https://www.ibm.com/docs/en/ibm-mq/9.4.x?topic=mqmd-correlid-mqbyte24
CORREL_ID_LENGTH = 24
_NO_CORREL_ID = bytes(CORREL_ID_LENGTH)
_MQMT_DATAGRAM = 8
#: Queue managers begin the IDs they make with "AMQ" or "CSQ", in ASCII or in EBCDIC, and a reserved byte.
#: https://www.ibm.com/docs/en/SSFKSJ_9.1.0/com.ibm.mq.ref.dev.doc/q097470_.html
_GENERATED = (b"AMQ ", b"CSQ ", b"\xc1\xd4\xd8\x40", b"\xc3\xe2\xd8\x40")
#: https://www.ibm.com/docs/SSFKSJ_9.4.0/refdev/q099245_.html: "The length must be a multiple of four"
RFH2_MULTIPLE = 4
#: A short string has one octet of length:
#: https://www.rabbitmq.com/resources/specs/amqp0-9-1.pdf section 4.2.5.3
SHORT_STRING_MAX = 255

_MEMBER = re.compile(r"<([A-Za-z_][\w.]*)(?:\s[^<>]*)?>([^<>]*)</\1>")
_ENTITIES = (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;"), ("'", "&apos;"))


# --- JMS, IBM MQ message properties, AMQP 1.0, ActiveMQ -------------------------------------------


def carry_jms(properties: Mapping[Any, Any] | None, context: Context | None) -> dict[Any, Any]:
    """Add `traceparent`, `x_correlation_id`, `tracestate` and `baggage` to message properties.

    For JMS, for MQSETMP and for application properties of AMQP 1.0, whose other end may be a JMS client. All
    values are strings. properties: None, as libraries have it for none, is {}.
    """
    present = _given(properties)
    own = lacking(headers_or_none(context), (name for name, _ in present))
    return dict(present) | {JMS_NAMES[name]: value for name, value in own.items()}


def read_jms(properties: Mapping[Any, Any] | None) -> dict[str, str]:
    """Return the headers of message properties: lower case, `_` as `-`; what is no text is left out.

    `Diagnostic-Id`, which Azure Service Bus sets, is read as a traceparent, what OpenTelemetry's agent and
    Apache Camel write for a hyphen (`__dash__`, `_HYPHEN_`) as one.
    """
    return projected(_pairs(properties) or ())


def carry_stomp(headers: Mapping[str, str] | None, context: Context | None) -> dict[str, str]:
    """Add the context to the headers of a SEND frame, named as `carry_jms` does: a JMS client may read it."""
    return carry_jms(headers, context)


def read_stomp(headers: Iterable[tuple[str, str]] | Mapping[str, str] | None) -> dict[str, str]:
    """Return the headers of a STOMP frame, unescaped by the client; of repeated ones the first counts.

    https://stomp.github.io/stomp-specification-1.2.html#Repeated_Header_Entries
    """
    return projected(_pairs(headers) or (), first=True)


def _pairs(found: object) -> list[tuple[Any, Any]] | None:
    """Names and values of a mapping or of a list of pairs, [] for None; None for what is neither."""
    listed = () if found is None else found.items() if isinstance(found, Mapping) else found
    if not isinstance(listed, Iterable):
        return None
    pairs = list(listed)
    return pairs if all(isinstance(pair, tuple | list) and len(pair) == 2 for pair in pairs) else None


def _given(found: object) -> list[tuple[Any, Any]]:
    """The same where something is to be added. Raises CarrierError("document")."""
    pairs = _pairs(found)
    if pairs is None:
        raise CarrierError("document", f"names with values are wanted, not {type(found).__name__}")
    return pairs


# --- IBM MQ without properties: MQMD and RFH2 -----------------------------------------------------


def carry_correl_id(mqmd: Mapping[str, Any], context: Context | None) -> Written[dict[str, Any]]:
    """Set the CorrelId of a message descriptor to the 24-byte form. Opt-in: replies depend on this field.

    mqmd: {"MsgType"?: int, "ReplyToQ"?: str or bytes, "CorrelId"?: bytes}, names as in MQMD (pymqi:
    `md.get()`). Reasons: `present` (a CorrelId is set), `request_reply` (not a datagram, or a reply is
    expected).
    """
    fields = dict(_given(mqmd))
    if context is None:
        return Written(fields, "no_context")
    own = compact.to_bytes(context)
    if _is_set(fields.get("CorrelId"), "\0"):
        return Written(fields, "present")
    if fields.get("MsgType", _MQMT_DATAGRAM) != _MQMT_DATAGRAM or _is_set(fields.get("ReplyToQ"), " \0"):
        return Written(fields, "request_reply")
    return Written({**fields, "CorrelId": own})


def _is_set(field: object, padding: str) -> bool:
    """Whether a field has anything but its padding: a CorrelId of blanks is one."""
    return bool(as_text(field).strip(padding)) if is_document(field) else bool(field)


def jms_correlation_id(context: Context) -> str:
    """Return `ID:<48 hex>`, which IBM MQ stores as the 24 bytes of CorrelId. Opt-in, too.

    For IBM MQ alone: elsewhere JMS keeps the prefix for the message IDs that the provider made.
    """
    return "ID:" + compact.to_hex(context)


def read_correl_id(value: bytes | str) -> dict[str, str]:
    """Return the headers of a CorrelId (24 bytes) or a JMSCorrelationID (`ID:<48 hex>`), or {}.

    Not taken for ours: what a queue manager made, text, and anything padded. Only the sender's agreement
    makes it certain: 24 arbitrary bytes look like a context.
    """
    if not is_document(value):
        return {}
    if isinstance(value, str):
        value = value.strip()
        if not value.startswith("ID:") or compact.form_of(value[3:]) != "hex":
            return {}
        value = bytes.fromhex(value[3:])
    value = bytes(value)
    if len(value) != CORREL_ID_LENGTH or value.startswith(_GENERATED) or _is_text(value):
        return {}
    return compact.read_bytes(value)


def _is_text(value: bytes) -> bool:
    """Whether bytes are a key in ASCII or in EBCDIC, padded with blanks or NULs, as programs make them."""
    texts = (value.rstrip(b"\0 ").decode("ascii", "replace"), value.rstrip(b"\0@").decode("cp037"))
    return any(text.isascii() and text.isprintable() for text in texts)


def carry_rfh2(folder: str, context: Context | None) -> Written[str]:
    """Add the context to the `usr` folder of an MQRFH2, or make one from "".

    folder: `<usr>...</usr>`, NameValueData decoded. The result is padded with blanks to a multiple of four
    bytes in UTF-8 (NameValueCCSID 1208). Reasons: `not_usr`, `present`. Raises CarrierError("document").
    """
    if not isinstance(folder, str):
        raise CarrierError("document", f"a folder is text, not {type(folder).__name__}")
    if context is None:
        return Written(folder, "no_context")
    headers = headers_of(context)
    text = folder or "<usr></usr>"
    end = text.rfind("</usr>")
    if not text.startswith("<usr>") or end < 0 or text[end + 6 :].strip(" \0"):
        return Written(folder, "not_usr")
    own = lacking(headers, (name for name, _ in _MEMBER.findall(text)))
    if not own:
        return Written(folder, "present")
    members = "".join(
        f"<{JMS_NAMES[name]}>{_escape(value)}</{JMS_NAMES[name]}>" for name, value in own.items()
    )
    grown = text[:end] + members + text[end:]
    return Written(grown + " " * (-len(grown.encode("utf-8", "surrogatepass")) % RFH2_MULTIPLE))


def read_rfh2(folder: str | bytes) -> dict[str, str]:
    """Return the headers of a `usr` folder, or {}. No XML parser is used: a folder only looks like XML."""
    text = text_of(folder) or ""
    if not text.startswith("<usr>"):
        return {}
    return projected((name, _unescape(value)) for name, value in _MEMBER.findall(text))


def _escape(value: str) -> str:
    for character, entity in _ENTITIES:
        value = value.replace(character, entity)
    return value


def _unescape(value: str) -> str:
    for character, entity in reversed(_ENTITIES):
        value = value.replace(entity, character)
    return value


# --- AMQP 0-9-1 -----------------------------------------------------------------------------------


def carry_amqp(properties: Mapping[str, Any] | None, context: Context | None) -> dict[str, Any]:
    """Add the context to the properties of an AMQP 0-9-1 message (RabbitMQ).

    properties: {"headers"?: table, "correlation_id"?: str, "reply_to"?: str, ...}, as the keyword arguments
    of pika's BasicProperties. The four headers go into the table under their own names; the correlation ID
    into `correlation_id` as well, unless that or `reply_to` is set: replies are matched by it.
    """
    grown = dict(_given(properties))
    if context is None:
        return grown
    table = dict(_given(grown.get("headers")))
    headers = headers_of(context)
    grown["headers"] = table | lacking(headers, table)
    correlation_id = headers[CORRELATION_ID]
    if not grown.get("correlation_id") and not grown.get("reply_to"):
        told = [value for name, value in table.items() if named(text_of(name) or "") == CORRELATION_ID]
        own = all(text_of(value) == correlation_id for value in told)
        if own and len(correlation_id) <= SHORT_STRING_MAX:
            grown["correlation_id"] = correlation_id
    return grown


def read_amqp(properties: Any) -> dict[str, str]:
    """Return the headers of an AMQP 0-9-1 message; `correlation_id` counts only where they say nothing.

    properties: a dictionary as `carry_amqp` takes it, or pika's BasicProperties.
    """
    found = properties if isinstance(properties, Mapping) else getattr(properties, "__dict__", {})
    headers = projected(_pairs(found.get("headers")) or ())
    correlation_id = text_of(found.get("correlation_id"))
    if correlation_id and TRACEPARENT not in headers:
        headers.setdefault(CORRELATION_ID, correlation_id)
    return headers


# --- Kafka ----------------------------------------------------------------------------------------


def carry_kafka(
    headers: Iterable[tuple[str, bytes | None]] | Mapping[str, bytes | None] | None, context: Context | None
) -> list[tuple[str, bytes | None]]:
    """Append the context to a record's headers: a new list of (name, UTF-8 bytes)."""
    present = _given(headers)
    own = lacking(headers_or_none(context), (name for name, _ in present))
    return [*present, *((name, value.encode("ascii")) for name, value in own.items())]


def read_kafka(headers: Iterable[tuple[Any, Any]] | Mapping[Any, Any] | None) -> dict[str, str]:
    """Return a record's headers, from (name, bytes or str) pairs; of several with one name the last counts.

    Kafka keeps duplicates in order and Java's tracing libraries read `Headers.lastHeader`.
    https://kafka.apache.org/documentation/#recordheader
    """
    return projected(_pairs(headers) or ())
