"""DynamoDB, writing: an attribute of the item where the team asks for it. Streams are services/dynamodb.py's.

No ID that DynamoDB returns reaches a stream, so that there is no receipt.
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_PutItem.html
"""

from __future__ import annotations

from observe import semconv
from observe.context import inject
from observe.services.attributes import bytes_of
from observe.services.member import fitting, is_ours, opted_in
from observe.source import OWN, Carrier, mapping, text
from observe.wire import KIND_CLIENT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from observe.context import Context
    from observe.source import Description

#: 400 KB, which DynamoDB means as 1,024 bytes each; less for what a global table adds to an item.
ITEM_MAX_BYTES = 400 * 1024 - 1024
#: "up to 32 levels deep", each of which is two here: the type and what it holds.
DEPTH_MAX = 2 * 32 + 2
_TYPES = frozenset(("S", "N", "B", "SS", "NS", "BS", "M", "L", "NULL", "BOOL"))


def _carried(params: Mapping[str, Any], context: Context) -> tuple[dict[str, Any], str]:
    """PutItem: {"TableName", "Item": {name: {type: value}}} with the attribute `_observe`: a map of text.

    An item that was read and is written again has the attribute of who wrote it before: that is replaced.
    """
    item = params.get("Item")
    if not opted_in("dynamodb"):
        return {**params}, "opt_in"
    if not isinstance(item, dict) or not all(map(_typed, item.values())):
        return {**params}, "not_json"
    headers = inject(context)
    if OWN in item and not is_ours(_texts(item[OWN])):
        return {**params}, "caller_has_own"
    before, item = item, {name: value for name, value in item.items() if name != OWN}
    room = ITEM_MAX_BYTES - sum(bytes_of(name) + _size(value) for name, value in item.items())
    kept = fitting(headers, lambda some: len(OWN) + _size(_attribute(some)), room)
    reason = "" if len(kept) == len(headers) else "too_large"
    after = {**item, OWN: _attribute(kept)} if kept else item
    return {**params, "Item": after} if after != before else {**params}, reason


def _attribute(headers: Mapping[str, str]) -> dict[str, Any]:
    return {"M": {name: {"S": value} for name, value in headers.items()}}


def _texts(value: object) -> Mapping[str, Any]:
    """The headers in an attribute of ours; {} for one that is a map of something else, or no map."""
    held = mapping(mapping(value).get("M"))
    texts = {name: mapping(inner).get("S") for name, inner in held.items()}
    return texts if all(isinstance(one, str) for one in texts.values()) else {}


def _typed(value: object) -> bool:
    return isinstance(value, dict) and len(value) == 1 and not _TYPES.isdisjoint(value)


def _size(value: object, depth: int = 0) -> int:
    """Bytes of a typed value, never less than DynamoDB counts.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
    """
    if depth > DEPTH_MAX:
        return ITEM_MAX_BYTES
    if isinstance(value, dict):
        return 3 + sum(1 + bytes_of(name) + _size(inner, depth + 1) for name, inner in value.items())
    if isinstance(value, list | tuple | set | frozenset):
        return 3 + sum(1 + _size(inner, depth + 1) for inner in value)
    return 1 + bytes_of(value)


def _describe(params: Mapping[str, Any]) -> Description:
    """Return `PutItem TABLE`; of the item nothing.

    https://opentelemetry.io/docs/specs/semconv/database/dynamodb/
    """
    table = text(params.get("TableName")).rpartition("/")[2]
    return f"PutItem {table}".strip(), {
        semconv.DB_SYSTEM_NAME: "aws.dynamodb",
        semconv.DB_OPERATION_NAME: "PutItem",
        semconv.DB_COLLECTION_NAME: table,
    }


def _receipt(response: Mapping[str, Any]) -> dict[str, str]:
    request_id = text(mapping(response.get("ResponseMetadata")).get("RequestId"))
    return {semconv.AWS_REQUEST_ID: request_id} if request_id else {}


PUT_ITEM = Carrier(
    kind=KIND_CLIENT,
    carry=lambda params, context: _carried(params, context)[0],
    describe=_describe,
    receipt=_receipt,
    ids=lambda _: [],
    lost=lambda params, context: _carried(params, context)[1],
)
