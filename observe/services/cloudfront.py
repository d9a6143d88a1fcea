"""Lambda@Edge: a request or response as CloudFront has it.

https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/lambda-event-structure.html
"""

from __future__ import annotations

from observe.services import http
from observe.source import Record, Source, lower, mapping, text
from observe.wire import KIND_SERVER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from observe.source import Description


def records(event: Mapping[str, Any]) -> list[Record]:
    """Return the request as one Record; response events have the request's headers, too.

    event: {"Records": [{"cf": {"config": {"requestId"}, "request": {"headers": {name: [{"value"}, ...]}}}}]}
    """
    edge = _edge(event)
    headers = {
        name: [mapping(item).get("value") for item in items]
        for name, items in mapping(mapping(edge.get("request")).get("headers")).items()
        if isinstance(items, list)
    }
    return [Record(lower(headers), text(mapping(edge.get("config")).get("requestId")))]


def describe(event: Mapping[str, Any]) -> Description:
    """Return `viewer-request GET`: the event type and method, and the path."""
    edge = _edge(event)
    request = mapping(edge.get("request"))
    name, attributes = http.description(text(request.get("method")), "", text(request.get("uri")))
    return f"{text(mapping(edge.get('config')).get('eventType'))} {name}".strip(), attributes


def _edge(event: Mapping[str, Any]) -> Mapping[str, Any]:
    return mapping(mapping(event["Records"][0]).get("cf"))


def _status(result: object) -> int:
    """A function that answers itself says {"status": "200", ...}; else it hands on what it was given."""
    return http.status_of({"statusCode": mapping(result).get("status")})


EDGE = Source(
    "Lambda@Edge",
    trigger="http",
    kind=KIND_SERVER,
    public=True,
    records=records,
    describe=describe,
    status=_status,
)
