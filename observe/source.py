"""What a service module offers: a Source (event -> records) and Carriers (API call -> API call)."""

from __future__ import annotations

from observe.context import CORRELATION_HEADERS, DIALECT_NAMES, TRACEPARENT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    #: (span name, attributes)
    Description = tuple[str, dict[str, Any]]


#: A header's value longer than this is none of ours: baggage, the longest, may have as much.
#: https://www.w3.org/TR/baggage/#limits
VALUE_MAX = 8192
#: The member that our carriers add to payloads, where a service hands over nothing else.
OWN = "_observe"


class Record:
    """One unit of an event, projected: headers with lower-case names, and the message's ID or "".

    receipts: the IDs that AWS returned for what this message was before, outermost first: SNS's of what it
    put into a queue, EventBridge's of the event inside. public: whether a stranger wrote the headers, though
    none can send to the source: the event of an invocation that failed, as a destination has it, or members
    of a message's body, for an API may put what strangers send straight into a queue or a topic.
    """

    __slots__ = ("headers", "message_id", "public", "receipts")

    def __init__(self, headers: dict[str, str], message_id: str = "", receipts: tuple[str, ...] = ()) -> None:
        self.headers = headers
        self.message_id = message_id
        self.public = False
        self.receipts = receipts


class Source:
    """Where an event comes from.

    name: for humans and `observe explain`. trigger: faas.trigger. kind: OTLP's span kind.
    public: whether strangers can send to it, so that the trust edge applies. partial: whether Lambda heeds
    a reply that names failed records (batchItemFailures). item(message_id): how such a reply names one, None
    where Lambda heeds none of this source's at all.
    records(event): its records; describe(event): the invocation's span name and attributes. strip(event): the
    event without what our carriers put into payloads, itself where there is nothing; what changes is copied.
    None of these may raise on an event of its shape (services/shapes.py), whatever else is in it.
    status(result): the HTTP status that the handler's result is taken for, 0 for none; None where it is not
    taken for any.
    """

    __slots__ = (
        *("describe", "item", "kind", "name", "partial", "public", "records", "status", "strip", "trigger"),
    )

    def __init__(
        self,
        name: str,
        *,
        trigger: str,
        kind: int,
        public: bool,
        records: Callable[[Mapping[str, Any]], list[Record]],
        describe: Callable[[Mapping[str, Any]], Description],
        partial: bool = False,
        item: Callable[[str], Any] | None = None,
        strip: Callable[[Any], Any] | None = None,
        status: Callable[[object], int] | None = None,
    ) -> None:
        self.name = name
        self.trigger = trigger
        self.kind = kind
        self.public = public
        self.partial = partial
        self.records = records
        self.describe = describe
        self.item = item or (text if partial else None)
        self.strip = strip
        self.status = status


#: Why a carrier carried nothing, or only part. docs/carriers.md, "What could not be carried".
LOST = {
    "no_attribute_room": "ten attributes, or tags, are the limit, and the caller's leave too little room",
    "too_large": "a limit of the service would have been crossed",
    "not_json": "the payload is no JSON object",
    "opt_in": "OBSERVE_PAYLOAD_CARRIERS does not name the carrier",
    "caller_has_own": "the caller set another context itself, which stays",
    "idempotent": "the call has a name that makes a repeat harmless while its payload is the same",
    "no_carrier": "the event that a function gets of it carries nothing",
}


class Carrier:
    """How one API call carries a context.

    carry(params, context): the call's parameters with the context added: a new dictionary, nothing
    of the caller's is changed, overwritten or put over a limit of the service. Idempotent.
    describe(params): span name and attributes. receipt(response): the ID that AWS returned, as an attribute
    of the span; {} where there are several. ids(response): the IDs that AWS returned and that a consumer sees
    again; by default what the receipt says. lost(params, context): "" if the whole context is carried, else
    the first reason why it is not, one of LOST. Like the others it is pure.
    """

    __slots__ = ("carry", "describe", "ids", "kind", "lost", "receipt")

    def __init__(
        self,
        *,
        kind: int,
        carry: Callable[[Mapping[str, Any], Any], dict[str, Any]],
        describe: Callable[[Mapping[str, Any]], Description],
        receipt: Callable[[Mapping[str, Any]], dict[str, str]],
        ids: Callable[[Mapping[str, Any]], list[str]] | None = None,
        lost: Callable[[Mapping[str, Any], Any], str] | None = None,
    ) -> None:
        self.kind = kind
        self.carry = carry
        self.describe = describe
        self.receipt = receipt
        self.ids = ids or (lambda response: list(receipt(response).values()))
        self.lost = lost or (lambda *_: "")


#: Under which key the events of sources that send batches have their records.
_ITEMS = ("Records", "records", "messages", "rmqMessagesByQueue")
_BATCHED = ("pubsub", "datasource")


def items_of(event: object, source: Source | None) -> list[Any]:
    """Return the raw records of an event in the order in which its source yields them; [] for no batch.

    A list is a batch, whoever made it; a member of that name in the payload of a direct invocation is none.
    """
    if isinstance(event, list):
        return event
    if source is None or source.trigger not in _BATCHED:
        return []
    shape = mapping(event)
    found = next((shape[key] for key in _ITEMS if key in shape), None)
    if isinstance(found, dict):
        from observe.services.properties import sequence  # Kafka and RabbitMQ have loaded it

        return [item for items in found.values() for item in sequence(items)]
    return found if isinstance(found, list) else []


_IDS = frozenset((TRACEPARENT, *CORRELATION_HEADERS, *DIALECT_NAMES))


def identified(headers: Mapping[str, str]) -> bool:
    """Whether headers carry an ID that a sender chose; X-Ray's, which AWS itself adds, is none."""
    return not _IDS.isdisjoint(headers)


def text(value: object) -> str:
    """Return `value` if it is a string, else "": events are untrusted in shape, too."""
    return value if isinstance(value, str) else ""


def mapping(value: object) -> Mapping[str, Any]:
    """Return `value` if it is a dictionary, else an empty one."""
    return value if isinstance(value, dict) else {}


def lower(headers: object) -> dict[str, str]:
    """Return string values by lower-cased name; multiple values are joined as HTTP joins them.

    headers: {name: value} or {name: [value, ...]}, with anything else skipped.
    https://www.rfc-editor.org/rfc/rfc9110#section-5.3
    """
    out: dict[str, str] = {}
    again: dict[str, list[str]] = {}  # a stranger may send ten thousand spellings of one name
    for name, value in mapping(headers).items():
        if isinstance(value, list):
            value = ",".join(item for item in value if isinstance(item, str))
        if isinstance(name, str) and isinstance(value, str):
            key = name.lower()
            if key in out:
                again.setdefault(key, [out[key]]).append(value)
            else:
                out[key] = value
    for key, values in again.items():
        out[key] = ",".join(values)
    return out
