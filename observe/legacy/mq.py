"""Queues of the old world: IBM MQ and JMS, AMQP, Kafka, STOMP. No client library is imported.

Every function takes what a client library takes or gives and returns a new one. A property that the caller
set is never overwritten, and who set a `traceparent` gets neither tracestate nor baggage of ours.
"""

from __future__ import annotations

import re

from observe.context import BAGGAGE, CORRELATION_ID, TRACEPARENT, TRACESTATE
from observe.legacy import compact
from observe.legacy.carrier import Written, headers_of, lacking, projected, text_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
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
#: Queue managers begin the IDs they make with these: "AMQ " and "CSQ ", in ASCII and in EBCDIC.
_GENERATED = (b"AMQ ", b"CSQ ", b"\xc1\xd4\xd8\x40", b"\xc3\xe2\xd8\x40")
#: https://www.ibm.com/docs/SSFKSJ_9.4.0/refdev/q099245_.html: "The length must be a multiple of four"
RFH2_MULTIPLE = 4
#: A short string has one octet of length:
#: https://www.rabbitmq.com/resources/specs/amqp0-9-1.pdf section 4.2.5.3
SHORT_STRING_MAX = 255

_MEMBER = re.compile(r"<([A-Za-z_][\w.]*)(?:\s[^<>]*)?>([^<>]*)</\1>")
_ENTITIES = (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;"), ("'", "&apos;"))


# --- JMS, IBM MQ message properties, AMQP 1.0, ActiveMQ -------------------------------------------


def carry_jms(properties: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Add `traceparent`, `x_correlation_id`, `tracestate` and `baggage` to message properties.

    For JMS, for MQSETMP, for ActiveMQ's STOMP headers and for application properties of AMQP 1.0, whose
    other end may be a JMS client. All values are strings.
    """
    own = lacking(headers_of(context), properties)
    return dict(properties) | {JMS_NAMES[name]: value for name, value in own.items()}


def read_jms(properties: Mapping[Any, Any]) -> dict[str, str]:
    """Return the headers of message properties: lower case, `_` as `-`; what is no text is left out.

    `Diagnostic-Id`, which Azure Service Bus sets, is read as a traceparent.
    """
    return projected(properties.items())


def read_stomp(headers: Iterable[tuple[str, str]] | Mapping[str, str]) -> dict[str, str]:
    """Return the headers of a STOMP frame, unescaped by the client; of repeated ones the first counts.

    https://stomp.github.io/stomp-specification-1.2.html#Repeated_Header_Entries
    """
    return projected(headers.items() if hasattr(headers, "items") else headers, first=True)


# --- IBM MQ without properties: MQMD and RFH2 -----------------------------------------------------


def carry_correl_id(mqmd: Mapping[str, Any], context: Context) -> Written[dict[str, Any]]:
    """Set the CorrelId of a message descriptor to the 24-byte form. Opt-in: replies depend on this field.

    mqmd: {"MsgType"?: int, "ReplyToQ"?: str or bytes, "CorrelId"?: bytes}, names as in MQMD. Reasons:
    `present` (a CorrelId is set), `request_reply` (not a datagram, or a reply is expected).
    """
    if bytes(mqmd.get("CorrelId") or b"").strip(b"\0"):
        return Written(dict(mqmd), "present")
    reply_to = text_of(mqmd.get("ReplyToQ") or "")
    if mqmd.get("MsgType", _MQMT_DATAGRAM) != _MQMT_DATAGRAM or reply_to is None or reply_to.strip(" \0"):
        return Written(dict(mqmd), "request_reply")
    return Written({**mqmd, "CorrelId": compact.to_bytes(context)})


def jms_correlation_id(context: Context) -> str:
    """Return `ID:<48 hex>`, which IBM MQ stores as the 24 bytes of CorrelId. Opt-in, too."""
    return "ID:" + compact.to_hex(context)


def read_correl_id(value: bytes | str) -> dict[str, str]:
    """Return the headers of a CorrelId (24 bytes) or a JMSCorrelationID (`ID:<48 hex>`), or {}.

    Not taken for ours: what a queue manager made, text, and anything padded. Only the sender's agreement
    makes it certain: 24 arbitrary bytes look like a context.
    """
    if isinstance(value, str):
        value = value.strip()
        if not value.startswith("ID:") or compact.form_of(value[3:]) != "hex":
            return {}
        value = bytes.fromhex(value[3:])
    if len(value) != CORREL_ID_LENGTH or value.startswith(_GENERATED) or _is_text(value):
        return {}
    return compact.read_bytes(value)


def _is_text(value: bytes) -> bool:
    """Whether bytes are a key in ASCII or in EBCDIC, padded with blanks or NULs, as programs make them."""
    texts = (value.rstrip(b"\0 ").decode("ascii", "replace"), value.rstrip(b"\0@").decode("cp037"))
    return any(text.isascii() and text.isprintable() for text in texts)


def carry_rfh2(folder: str, context: Context) -> Written[str]:
    """Add the context to the `usr` folder of an MQRFH2, or make one from "".

    folder: `<usr>...</usr>`, NameValueData decoded. The result is padded with blanks to a multiple of four
    bytes in UTF-8 (NameValueCCSID 1208). Reasons: `not_usr`, `present`.
    """
    text = folder or "<usr></usr>"
    end = text.rfind("</usr>")
    if not text.startswith("<usr>") or end < 0 or text[end + 6 :].strip(" "):
        return Written(folder, "not_usr")
    own = lacking(headers_of(context), (name for name, _ in _MEMBER.findall(text)))
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


def carry_amqp(properties: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Add the context to the properties of an AMQP 0-9-1 message (RabbitMQ).

    properties: {"headers"?: table, "correlation_id"?: str, "reply_to"?: str, ...}, as the keyword arguments
    of pika's BasicProperties. The four headers go into the table under their own names; the correlation ID
    into `correlation_id` as well, unless that or `reply_to` is set: replies are matched by it.
    """
    table = properties.get("headers")
    table = dict(table) if table else {}
    headers = headers_of(context)
    grown = {**properties, "headers": table | lacking(headers, table)}
    correlation_id = headers[CORRELATION_ID]
    if not properties.get("correlation_id") and not properties.get("reply_to"):
        carried = text_of(table.get(CORRELATION_ID))
        if carried in (None, correlation_id) and len(correlation_id) <= SHORT_STRING_MAX:
            grown["correlation_id"] = correlation_id
    return grown


def read_amqp(properties: Mapping[str, Any]) -> dict[str, str]:
    """Return the headers of an AMQP 0-9-1 message; `correlation_id` counts only where they say nothing."""
    table: Any = properties.get("headers")
    headers = projected(table.items()) if hasattr(table, "items") else {}
    correlation_id = text_of(properties.get("correlation_id"))
    if correlation_id and TRACEPARENT not in headers:
        headers.setdefault(CORRELATION_ID, correlation_id)
    return headers


# --- Kafka ----------------------------------------------------------------------------------------


def carry_kafka(
    headers: Iterable[tuple[str, bytes | None]] | None, context: Context
) -> list[tuple[str, bytes | None]]:
    """Append the context to a record's headers: a new list of (name, UTF-8 bytes)."""
    present = list(headers or ())
    own = lacking(headers_of(context), (name for name, _ in present))
    return [*present, *((name, value.encode("ascii")) for name, value in own.items())]


def read_kafka(headers: Iterable[tuple[Any, Any]] | None) -> dict[str, str]:
    """Return a record's headers, from (name, bytes or str) pairs; of several with one name the last counts.

    Kafka keeps duplicates in order and Java's tracing libraries read `Headers.lastHeader`.
    https://kafka.apache.org/documentation/#recordheader
    """
    return projected(headers or ())
