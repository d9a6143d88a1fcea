"""What other services put around a message before it is in a queue: SNS, EventBridge, S3 and Lambda itself.

An envelope is opened only if its text looks like one (shapes.enveloped), and to a depth: what S3 told SNS
and SNS put into a queue is three events inside one another.
https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
"""

from __future__ import annotations

import json

from observe.context import TRACEPARENT, TRACESTATE
from observe.services import shapes, source_of
from observe.services.attributes import of_sns, told
from observe.services.payload import carried
from observe.source import VALUE_MAX, identified, mapping, text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    #: (headers, the IDs that AWS returned for it, and what is inside)
    Read = tuple[dict[str, str], list[str], Mapping[str, Any]]
    #: (whose it is, whether a value is one, what reads it)
    Envelope = tuple[str, Callable[[Mapping[str, Any]], bool], Callable[[Mapping[str, Any]], Read]]

#: How many envelopes inside one another are opened.
DEPTH_MAX = 4
#: A notification of S3 has one record; nothing says that it always will.
RECEIPTS_MAX = 16
#: Where an event of AWS's own has the ID of the request or execution that made it.
_MADE_BY = {"aws.s3": "request-id", "aws.states": "executionArn"}
#: Whose envelope it is.
SNS, EVENTBRIDGE, S3, LAMBDA = "sns", "eventbridge", "s3", "lambda"


class Opened:
    """What was found: headers, receipts outermost first, and the services whose envelopes these were.

    public: whether a stranger may have written the headers (source.Record).
    """

    __slots__ = ("headers", "kinds", "public", "receipts")

    def __init__(self) -> None:
        self.public = False
        self.headers: dict[str, str] = {}
        self.receipts: list[str] = []
        self.kinds: list[str] = []

    def add(self, headers: Mapping[str, str]) -> None:
        """Take headers from further inside."""
        self.headers = _merged(self.headers, headers)

    def inside(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Return the headers that were outside of all envelopes, and these."""
        return _merged(headers, self.headers)


def _merged(outer: Mapping[str, str], inner: Mapping[str, str]) -> dict[str, str]:
    """Both; the inner ones win, and a tracestate belongs to the traceparent that it came with."""
    headers = {**outer, **{name: value for name, value in inner.items() if len(value) <= VALUE_MAX}}
    if TRACEPARENT in inner and TRACESTATE not in inner:
        headers.pop(TRACESTATE, None)
    return headers


def opened(body: str, request_id: str = "") -> Opened:
    """Return what the envelopes in a message's body carry, down to the first that carries an ID of ours.

    request_id: where Lambda's dead-letter queue has the message, of the invocation that failed; its body is
    then that invocation's event. Anything that is no envelope carries nothing; never raises.
    """
    out = Opened()
    value: Mapping[str, Any] = _parsed(body, sure=bool(request_id))
    if request_id:
        value = {"requestContext": {"requestId": request_id}, "requestPayload": value}
    for _ in range(DEPTH_MAX):
        envelope = _envelope(value)
        if envelope is None:
            break
        kind, _, read = envelope
        headers, receipts, value = read(value)
        out.kinds.append(kind)
        out.receipts.extend(receipts)
        out.add(headers)
        if identified(out.headers):
            return out
    if _envelope(value) is None:
        headers, out.public = _innermost(value, invoked=out.kinds[-1:] == [LAMBDA])
        out.add(headers)
    return out


def _parsed(body: object, sure: bool = False) -> Mapping[str, Any]:
    if not isinstance(body, str) or len(body) > shapes.ENVELOPE_MAX or not (sure or shapes.enveloped(body)):
        return {}
    try:
        return mapping(json.loads(body))
    except (ValueError, RecursionError):
        return {}


def _envelope(value: Mapping[str, Any]) -> Envelope | None:
    return next((envelope for envelope in ENVELOPES if envelope[1](value)), None)


def _innermost(value: Mapping[str, Any], *, invoked: bool) -> tuple[dict[str, str], bool]:
    """Headers of what is in no envelope any more, and whether a stranger may have written them.

    invoked: it is the event of an invocation, and may be any event. Else it is a payload: of a rule whose
    transformer left `detail` or what was in it, or of a sender that knows no attributes.
    """
    if invoked:
        return _event(value)
    detail = carried(value.get("detail"))
    found = detail if identified(detail) else carried(value)
    return found, bool(found)


def _event(value: Mapping[str, Any]) -> tuple[dict[str, str], bool]:
    """The event of an asynchronous invocation is one record. A batch is none, and may be of queues again."""
    source = source_of(value)
    if source is None or source.partial:
        return {}, False
    from observe.services import destination  # knows what not to believe of a public source

    found = destination.records({"requestPayload": value})
    return (found[0].headers, found[0].public) if len(found) == 1 else ({}, False)


# --- The envelopes --------------------------------------------------------------------------


def _is_notification(value: Mapping[str, Any]) -> bool:
    return value.get("Type") == "Notification" and "TopicArn" in value


def _is_delivery(value: Mapping[str, Any]) -> bool:
    return shapes.sns(value) and len(value["Records"]) == 1


def _is_event(value: Mapping[str, Any]) -> bool:
    return "detail-type" in value and "detail" in value and "source" in value


def _notification(value: Mapping[str, Any]) -> Read:
    """{"Type": "Notification", "MessageId", "Message", "MessageAttributes": {name: {"Type", "Value"}}}."""
    headers = told(value.get("MessageAttributes"), of_sns)
    return headers, _told(value.get("MessageId")), _parsed(value.get("Message"))


def _delivery(value: Mapping[str, Any]) -> Read:
    """{"Records": [{"EventSource": "aws:sns", "Sns": notification}]}, the event of a function of a topic."""
    return _notification(mapping(value["Records"][0].get("Sns")))


def _rule(value: Mapping[str, Any]) -> Read:
    """{"id", "source", "detail-type", "detail": {"_observe"?: headers, ...}}."""
    detail = mapping(value.get("detail"))
    made_by = detail.get(_MADE_BY.get(text(value.get("source")), ""))
    return carried(detail), _told(value.get("id"), made_by), detail if shapes.destination(detail) else {}


def _objects(value: Mapping[str, Any]) -> Read:
    """{"Records": [{"responseElements": {"x-amz-request-id"}}, ...]}."""
    elements = [mapping(mapping(record).get("responseElements")) for record in value["Records"]]
    return {}, _told(*(element.get("x-amz-request-id") for element in elements[:RECEIPTS_MAX])), {}


def _ended(value: Mapping[str, Any]) -> Read:
    """{"requestContext": {"requestId"}, "requestPayload": event}: what Lambda tells of an invocation."""
    return {}, _told(mapping(value["requestContext"]).get("requestId")), mapping(value["requestPayload"])


def _told(*ids: object) -> list[str]:
    return [found for found in map(text, ids) if found and len(found) <= VALUE_MAX]


ENVELOPES: tuple[Envelope, ...] = (
    (SNS, _is_notification, _notification),
    (SNS, _is_delivery, _delivery),
    (EVENTBRIDGE, _is_event, _rule),
    (S3, shapes.s3, _objects),
    (LAMBDA, shapes.destination, _ended),
)
