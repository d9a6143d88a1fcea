"""Headers and properties of brokers' messages, in the spellings that Lambda's pollers give them.

Java knows no unsigned bytes, so octets may be negative; a list may come as a map by index. Also what JMS and
Datadog make of SQS's attributes: names without hyphens, and all headers as JSON in one.
https://docs.aws.amazon.com/lambda/latest/dg/with-kafka.html
https://docs.aws.amazon.com/lambda/latest/dg/with-mq.html
"""

from __future__ import annotations

from itertools import islice

from observe.context import CORRELATION_ID, TRACEPARENT
from observe.source import VALUE_MAX, Record, lower, mapping, text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

#: How many headers of one message are looked at.
HEADERS_MAX = 1000
#: A JMS property is named like a Java identifier: how OpenTelemetry's agent and Apache Camel write a hyphen.
#: https://github.com/open-telemetry/opentelemetry-java-instrumentation/tree/main/instrumentation/jms
#: https://camel.apache.org/components/latest/jms-component.html
_HYPHENS = ("__dash__", "_hyphen_")
#: How JMS and its neighbours call a correlation ID; JMS_SQSCorrelationID is that of JMS over SQS:
#: https://github.com/awslabs/amazon-sqs-java-messaging-lib
_ALIASES = dict.fromkeys(("jmscorrelationid", "correlationid", "jms-sqscorrelationid"), CORRELATION_ID)


def record_of(properties: object, correlation_id: object, message_id: object) -> Record:
    """Return a message as a Record: what its properties mean, and the protocol's own correlation ID.

    properties: {name: text, number, boolean or {"bytes": octets}}. correlation_id counts where no property
    has one or a traceparent: in JMS and AMQP it may be no more than what a reply is matched by.
    """
    headers = projected(
        (name, scalar(value)) for name, value in islice(mapping(properties).items(), HEADERS_MAX)
    )
    told = text(correlation_id)
    if told and len(told) <= VALUE_MAX and TRACEPARENT not in headers:
        headers.setdefault(CORRELATION_ID, told)
    return Record(headers, text(message_id))


def projected(pairs: Iterable[tuple[object, str | None]]) -> dict[str, str]:
    """Return headers: lower case, `_` as `-`; of repeated ones the last counts, and an exact name most.

    pairs: at most HEADERS_MAX of (name, value); a value that is None, empty or too long is left out.
    """
    headers: dict[str, str] = {}
    exact = set()
    for raw, value in pairs:
        if not value or not isinstance(raw, str) or len(value) > VALUE_MAX:
            continue
        name = spelled(raw)
        if name == raw.lower():
            exact.add(name)
        elif name in exact:
            continue
        headers[name] = value
    return headers


def spelled(name: str) -> str:
    """Return a property's name as the header that it means: `X_Correlation_ID` is x-correlation-id."""
    name = name.lower()
    if "_" in name:
        for hyphen in _HYPHENS:
            name = name.replace(hyphen, "-")
        name = name.replace("_", "-")
    return _ALIASES.get(name, name)


def sequence(value: object) -> list[Any]:
    """Return a list, or in order the values of a map by index ({"0": ..., "1": ...}); else []."""
    if isinstance(value, list):
        return value
    found = mapping(value)
    if all(isinstance(key, str) and key.isascii() and key.isdigit() and len(key) < 10 for key in found):
        return [found[key] for key in sorted(found, key=int)]
    return []


def octets(value: object) -> str | None:
    """Return the text of UTF-8 octets, signed or not, as numbers or as digits; None if they are none."""
    numbers = sequence(value)
    if not 0 < len(numbers) <= VALUE_MAX:
        return None
    try:
        return bytes(numbers).decode()
    except UnicodeDecodeError:
        return None
    except (TypeError, ValueError, OverflowError):
        pass  # the slow way
    try:
        return bytes(_octet(number) for number in numbers).decode()
    except ValueError:
        return None


def _octet(number: object) -> int:
    if isinstance(number, str) and len(number) <= len("-128"):
        number = int(number)
    if not isinstance(number, int) or not -128 <= number <= 255:
        raise ValueError("no octet")
    return number & 0xFF


def scalar(value: object) -> str | None:
    """Return a text as it is, a number or a boolean as text, {"bytes": octets} decoded; else None."""
    if isinstance(value, str):
        return value
    if isinstance(value, int):
        return str(value).lower() if value.bit_length() <= 64 else None
    if isinstance(value, float):
        return str(value)
    return octets(value.get("bytes")) if isinstance(value, dict) else None


def packed(document: str, encoded: object) -> dict[str, str]:
    """Return the headers that the text of a JSON object has as members, or one in base64; {} for any other.

    document: "" where `encoded` has it. How Datadog carries a context: one attribute, `_datadog`.
    https://github.com/DataDog/datadog-lambda-python/blob/main/datadog_lambda/tracing.py
    """
    import json  # the runtime has loaded them
    from binascii import a2b_base64

    try:
        if not document and isinstance(encoded, str) and len(encoded) <= 2 * VALUE_MAX:
            document = a2b_base64(encoded).decode()
        found = json.loads(document) if len(document) <= VALUE_MAX else {}
    except (ValueError, RecursionError):
        return {}
    return {name: value for name, value in lower(found).items() if value}
