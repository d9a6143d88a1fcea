"""VPC Lattice, payloads 1.0 and 2.0: requests from inside a service network.

https://docs.aws.amazon.com/vpc-lattice/latest/ug/lambda-functions.html#receive-event-from-service
"""

from __future__ import annotations

from observe.services import http
from observe.source import Source, text
from observe.wire import KIND_SERVER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from observe.source import Description


def _describe(event: Mapping[str, Any]) -> Description:
    """Return `METHOD`, for Lattice has no route. A path may come with its query, which may hold anything.

    event: {"method", "raw_path"} in payload 1.0, {"method", "path"} in 2.0
    """
    path = text(event.get("raw_path")) or text(event.get("path"))
    return http.description(text(event.get("method")), "", path.partition("?")[0])


LATTICE_V1 = Source(
    "VPC Lattice 1.0",
    trigger="http",
    kind=KIND_SERVER,
    public=False,
    records=http.records,
    describe=_describe,
    status=http.status_of,
)
#: Header values are lists here: {name: [value, ...]}.
LATTICE_V2 = Source(
    "VPC Lattice 2.0",
    trigger="http",
    kind=KIND_SERVER,
    public=False,
    records=http.records,
    describe=_describe,
    status=http.status_of,
)
