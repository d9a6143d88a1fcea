"""DocumentDB change streams; a document may carry a context of its own.

https://docs.aws.amazon.com/lambda/latest/dg/with-documentdb.html
"""

from __future__ import annotations

from observe import semconv
from observe.services.payload import carried
from observe.source import Record, Source, mapping, text
from observe.wire import KIND_CONSUMER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from observe.source import Description


def records(event: Mapping[str, Any]) -> list[Record]:
    """Return one Record a change; its message ID is the change event's.

    event: {"events": [{"event": {"_id": {"_data"}, "fullDocument"?: {...}}}]}; a deletion has no document
    """
    return [
        Record(carried(change.get("fullDocument")), text(mapping(change.get("_id")).get("_data")))
        for change in _changes(event)
    ]


def describe(event: Mapping[str, Any]) -> Description:
    """Return `process <database>.<collection>` and the operation; of the document nothing.

    https://opentelemetry.io/docs/specs/semconv/faas/faas-spans/#datasource
    """
    changes = _changes(event)
    first = changes[0] if changes else {}
    namespace = mapping(first.get("ns"))
    database, collection = text(namespace.get("db")), text(namespace.get("coll"))
    attributes = {
        semconv.FAAS_DOCUMENT_COLLECTION: database,
        semconv.FAAS_DOCUMENT_NAME: collection,
        semconv.FAAS_DOCUMENT_OPERATION: text(first.get("operationType")),
    }
    name = f"process {database}.{collection}".rstrip(". ")
    return name, {key: value for key, value in attributes.items() if value}


def _changes(event: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = event.get("events")
    return [mapping(mapping(item).get("event")) for item in found] if isinstance(found, list) else []


DOCUMENTDB = Source(
    "DocumentDB",
    trigger="datasource",
    kind=KIND_CONSUMER,
    public=False,
    records=records,
    describe=describe,
)
