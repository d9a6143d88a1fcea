"""Events of databases: streams of DynamoDB, and change streams of DocumentDB.

https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html
https://docs.aws.amazon.com/lambda/latest/dg/with-documentdb.html
"""

from __future__ import annotations

import hashlib
from decimal import Decimal

from observe.source import OWN
from observe.testing.carrying import headers_of, sent, why
from observe.testing.events.parts import (
    REGION,
    TIME,
    arn,
    at,
    base64_of,
    checked,
    each,
    iso_ms,
    one_of,
    plain,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from typing import Any

    from observe.context import Context
    from observe.testing.events.parts import Event, Message

_VIEWS = ("NEW_AND_OLD_IMAGES", "NEW_IMAGE", "OLD_IMAGE", "KEYS_ONLY")
_SEQUENCE = 4421584500000000017450439091


@checked
def dynamodb(
    *items: Mapping[str, Any] | Message,
    context: Context | None = None,
    operation: str = "INSERT",
    old: Mapping[str, Any] | None = None,
    keys: Sequence[str] = ("id",),
    table: str = "table",
    view: str = "NEW_AND_OLD_IMAGES",
    time: datetime = TIME,
) -> Event:
    """A batch of changes. Each change's: context, operation, old.

    items: plain Python values, as boto3's Table takes them. operation: INSERT; MODIFY, with the item before
    in `old`; REMOVE, where the item is what was removed. keys: names of its key. view: what the stream shows.
    A context is in the new image, as the layer's carrier `dynamodb` puts it there.
    """
    one_of(view, _VIEWS, "dynamodb", "view")
    time = at(time, "dynamodb")
    changes = each("dynamodb", items, context=context, operation=operation, old=old)
    stream = arn("dynamodb", f"table/{table}/stream/{iso_ms(time)[:-1]}")
    return {
        "Records": [
            {
                "eventID": hashlib.md5(f"{n}".encode(), usedforsecurity=False).hexdigest(),
                "eventName": own["operation"],
                "eventVersion": "1.1",
                "eventSource": "aws:dynamodb",
                "awsRegion": REGION,
                "dynamodb": _change(n, item, keys=keys, view=view, time=time, **own),
                "eventSourceARN": stream,
            }
            for n, (item, own) in enumerate(changes)
        ]
    }


def _change(
    n: int,
    item: Any,
    *,
    context: Context | None,
    operation: str,
    old: Any,
    keys: Sequence[str],
    view: str,
    time: datetime,
) -> dict[str, Any]:
    one_of(operation, ("INSERT", "MODIFY", "REMOVE"), "dynamodb", "operation")
    if old is not None and operation != "MODIFY":
        raise ValueError("dynamodb: only MODIFY has an old item beside the new one; of REMOVE it is the item")
    if context is not None and (operation == "REMOVE" or not view.startswith("NEW")):
        raise ValueError("dynamodb: a context is in the new image, and here there is none")
    image = _image(item)
    lacking = [key for key in keys if key not in image]
    if lacking:
        raise ValueError(
            f"dynamodb: the item {item!r} lacks {lacking[0]!r}: is the key of the table in keys=?"
        )
    put = sent("dynamodb", "PutItem", {"TableName": "table", "Item": image}, context, "dynamodb")["Item"]
    images = {"OldImage": image} if operation == "REMOVE" else {"NewImage": put}
    if operation == "MODIFY":
        images["OldImage"] = _image(old if old is not None else item)
    shown = {name: found for name, found in images.items() if name[:3].upper() in view}
    told = {"Keys": {key: image[key] for key in keys}, **shown}
    return {
        "ApproximateCreationDateTime": float(int(time.timestamp())),
        **told,
        "SequenceNumber": str(_SEQUENCE + n),
        "SizeBytes": sum(_size({"M": found}) for found in told.values()),
        "StreamViewType": view,
    }


def _image(item: Any) -> dict[str, Any]:
    if not isinstance(item, dict):
        raise TypeError(f"dynamodb: an item is a dictionary, and {item!r} is none")
    return {name: _typed(value) for name, value in item.items()}


def _typed(value: Any) -> dict[str, Any]:
    """A value as DynamoDB writes it: {"S": text}, {"N": digits}, ...; sets in the order of their text."""
    if value is None:
        return {"NULL": True}
    if isinstance(value, set | frozenset) and value:
        members = [_typed(member) for member in value]
        kinds = {kind for member in members for kind in member}
        if len(kinds) == 1 and kinds < {"S", "N", "B"}:
            return {f"{kinds.pop()}S": sorted(text for member in members for text in member.values())}
    elif isinstance(value, bool):
        return {"BOOL": value}
    elif isinstance(value, str):
        return {"S": value}
    elif isinstance(value, int | float | Decimal) and Decimal(value).is_finite():
        return {"N": f"{Decimal(repr(value)):f}" if isinstance(value, float) else str(value)}
    elif isinstance(value, bytes | bytearray):
        return {"B": base64_of(bytes(value))}
    elif isinstance(value, list | tuple):
        return {"L": [_typed(member) for member in value]}
    elif isinstance(value, dict):
        return {"M": _image(value)}
    raise TypeError(f"dynamodb: {value!r} is no value that DynamoDB has")


def _size(typed: Mapping[str, Any]) -> int:
    """Bytes of a typed value.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
    """
    kind, value = next(iter(typed.items()))
    if kind == "M":
        return 3 + sum(1 + len(name.encode()) + _size(member) for name, member in value.items())
    if kind == "L":
        return 3 + sum(1 + _size(member) for member in value)
    if kind in ("SS", "NS", "BS"):
        return sum(_size({kind[0]: member}) for member in value)
    if kind == "N":
        return (len(value.strip("-").replace(".", "")) + 1) // 2 + 1
    return len(value.encode()) if isinstance(value, str) else 1


@checked
def documentdb(
    *documents: Mapping[str, Any] | Message,
    context: Context | None = None,
    operation: str = "insert",
    database: str = "database",
    collection: str = "collection",
    cluster: str = "cluster",
    time: datetime = TIME,
) -> Event:
    """A batch of changes. Each change's: context, operation (insert, update, replace or delete).

    documents: with their `_id`, or one is made up; of a deletion only that is told. A context is the member
    `_observe` of the document.
    """
    seconds = int(at(time, "documentdb").timestamp())
    changes = each("documentdb", documents, context=context, operation=operation)
    events = []
    for n, (document, own) in enumerate(changes):
        one_of(own["operation"], ("insert", "update", "replace", "delete"), "documentdb", "operation")
        whole = {"_id": {"$oid": f"{seconds:08x}{n:016x}"}, **_document(document, own["context"])}
        deleted = own["operation"] == "delete"
        if deleted and own["context"] is not None:
            raise ValueError("documentdb: a context is in the document, and a deletion shows none")
        events.append(
            {
                "event": {
                    "_id": {"_data": f"01{seconds:08x}{n + 1:08x}01000000{n + 1:08x}000041e1"},
                    "clusterTime": {"$timestamp": {"t": seconds, "i": n + 1}},
                    "documentKey": {"_id": whole["_id"]},
                    **({} if deleted else {"fullDocument": whole}),
                    "ns": {"db": database, "coll": collection},
                    "operationType": own["operation"],
                }
            }
        )
    return {
        "eventSourceArn": arn("rds", f"cluster:{cluster}"),
        "events": events,
        "eventSource": "aws:docdb",
    }


def _document(document: Any, context: Context | None) -> dict[str, Any]:
    if not isinstance(document, dict):
        raise TypeError(f"documentdb: a document is a dictionary, and {document!r} is none")
    headers = headers_of(context, "documentdb")
    if headers and OWN in document:
        raise ValueError(why("documentdb", "caller_has_own"))
    whole: dict[str, Any] = plain({**document, **({OWN: headers} if headers else {})}, "documentdb")
    return whole
