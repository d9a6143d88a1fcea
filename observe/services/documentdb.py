"""DocumentDB change streams; a document may carry a context of its own.

https://docs.aws.amazon.com/lambda/latest/dg/with-documentdb.html
"""

from __future__ import annotations

from observe import semconv
from observe.services.payload import carried
from observe.source import Record, Source, mapping, text
from observe.wire import KIND_CONSUMER

#: faas.document.operation by the operation of a change stream; the others are called alike.
_OPERATIONS = {"update": "edit", "replace": "edit"}

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from observe.source import Description


def records(event: Mapping[str, Any]) -> list[Record]:
    """Return one Record a change; its message ID is the change event's.

    event: {"events": [{"event": {"_id": {"_data"}, "operationType", "fullDocument"?: {...},
    "updateDescription"?: {"updatedFields": {...}}}}]}. A deletion has no document. Who updates a document did
    not write what else is in it: only what the update changed counts.
    https://www.mongodb.com/docs/manual/reference/change-events/update/
    """
    return [
        Record(carried(_written(change)), text(mapping(change.get("_id")).get("_data")))
        for change in _changes(event)
    ]


def _written(change: Mapping[str, Any]) -> Mapping[str, Any]:
    """The members of the document that this change wrote; `updatedFields` may name a member of one, `a.b`."""
    document = mapping(change.get("fullDocument"))
    if change.get("operationType") != "update":
        return document
    updated = mapping(mapping(change.get("updateDescription")).get("updatedFields"))
    names = {str(name).partition(".")[0] for name in updated}
    return {**updated, **{name: document[name] for name in names if name in document}}


def describe(event: Mapping[str, Any]) -> Description:
    """Return `process <database>.<collection>`, and what was done if it was the same to all.

    Of documents it tells nothing.
    https://opentelemetry.io/docs/specs/semconv/faas/faas-spans/#datasource
    """
    changes = _changes(event)
    first = changes[0] if changes else {}
    namespace = mapping(first.get("ns"))
    database, collection = text(namespace.get("db")), text(namespace.get("coll"))
    done = {text(change.get("operationType")) for change in changes}
    operation = done.pop() if len(done) == 1 else ""
    attributes = {
        semconv.FAAS_DOCUMENT_COLLECTION: database,
        semconv.FAAS_DOCUMENT_NAME: collection,
        semconv.FAAS_DOCUMENT_OPERATION: _OPERATIONS.get(operation, operation),
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
