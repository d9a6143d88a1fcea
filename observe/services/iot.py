"""AWS IoT, publishing: MQTT 5 user properties, and a member of a JSON payload where the team asks for it.

What a topic rule hands to a function is what its SQL selects: services/payload.py reads it.
https://docs.aws.amazon.com/iot/latest/apireference/API_iotdata_Publish.html
https://w3c.github.io/trace-context-mqtt/
"""

from __future__ import annotations

from observe import semconv
from observe.context import inject
from observe.services.attributes import bytes_of, sent
from observe.services.member import added, fitting, opted_in, room_of
from observe.source import Carrier, mapping, text
from observe.wire import KIND_PRODUCER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from observe.context import Context
    from observe.source import Description

#: "The payload for every publish request can be no larger than 128 KB"
PAYLOAD_MAX_BYTES = 128 * 1024
#: They travel in one HTTP header, in base64: this much is 8 KiB of it.
PROPERTIES_MAX_BYTES = 6 * 1024
#: Topics of AWS's own, whose payloads are AWS's contract; a rule's are the team's.
_RESERVED, _RULES = "$", "$aws/rules/"


def _carried(params: Mapping[str, Any], context: Context) -> tuple[dict[str, Any], str]:
    """Publish: {"topic", "payload"?, "userProperties"?: [{name: value}]} with the context in both."""
    out, reason = _with_properties(params, context)
    topic = text(params.get("topic"))
    if not opted_in("iot") or (topic.startswith(_RESERVED) and not topic.startswith(_RULES)):
        return out, reason
    before = params.get("payload")
    payload, lost = added(before, context, room_of(bytes_of(before), PAYLOAD_MAX_BYTES))
    return {**out, "payload": payload} if payload is not before else out, reason or lost


def _with_properties(params: Mapping[str, Any], context: Context) -> tuple[dict[str, Any], str]:
    existing = params.get("userProperties", [])
    if not isinstance(existing, list | tuple) or not all(isinstance(pair, dict) for pair in existing):
        return {**params}, "not_json"
    told = {str(name).lower(): value for pair in existing for name, value in pair.items()}
    headers = inject(context)
    lacking = {name: value for name, value in headers.items() if name not in told}
    if "traceparent" in told:
        lacking.pop("tracestate", None)  # it belongs to the other parent
    room = PROPERTIES_MAX_BYTES - sum(_size(mapping(pair)) for pair in existing)
    kept = fitting(lacking, lambda some: sum(_size({name: value}) for name, value in some.items()), room)
    reason = (
        "caller_has_own" if any(told.get(name, value) != value for name, value in headers.items()) else ""
    )
    if len(kept) < len(lacking):
        reason = reason or "too_large"
    added_ones = [{name: value} for name, value in kept.items()]
    return {**params, "userProperties": [*existing, *added_ones]} if kept else {**params}, reason


def _size(pair: Mapping[str, Any]) -> int:
    """Bytes of `{"name": "value"}, `, with every character escaped that may be."""
    return sum(bytes_of(str(name)) + 6 * len(str(value)) + 10 for name, value in pair.items())


def _describe(params: Mapping[str, Any]) -> Description:
    """Return `send <first level>`: further levels of a topic name devices."""
    topic = text(params.get("topic"))
    _, attributes = sent("aws.iot", topic, None)
    return f"send {topic.partition('/')[0]}".strip(), attributes


def _receipt(response: Mapping[str, Any]) -> dict[str, str]:
    request_id = text(mapping(response.get("ResponseMetadata")).get("RequestId"))
    return {semconv.AWS_REQUEST_ID: request_id} if request_id else {}


PUBLISH = Carrier(
    kind=KIND_PRODUCER,
    carry=lambda params, context: _carried(params, context)[0],
    describe=_describe,
    receipt=_receipt,
    ids=lambda _: [],  # no subscriber and no rule sees the request's
    lost=lambda params, context: _carried(params, context)[1],
)
