"""CloudFormation: a custom resource is created, updated or deleted. No carrier.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-requests.html
"""

from __future__ import annotations

from observe import semconv
from observe.source import Record, Source, text
from observe.wire import KIND_CONSUMER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from observe.source import Description


def records(event: Mapping[str, Any]) -> list[Record]:
    """Return one Record without headers; its message ID is the request's."""
    return [Record({}, text(event.get("RequestId")))]


def describe(event: Mapping[str, Any]) -> Description:
    """Return `Create Custom::Type`, the stack and the resource.

    The response URL is signed and the properties may hold secrets: they stay out.
    """
    attributes = {
        semconv.AWS_CLOUDFORMATION_STACK_ARN: text(event.get("StackId")),
        semconv.AWS_CLOUDFORMATION_LOGICAL_ID: text(event.get("LogicalResourceId")),
    }
    name = f"{text(event.get('RequestType'))} {text(event.get('ResourceType'))}"
    return name.strip() or "custom resource", {key: value for key, value in attributes.items() if value}


CUSTOM_RESOURCE = Source(
    "CloudFormation custom resource",
    trigger="other",
    kind=KIND_CONSUMER,
    public=False,
    records=records,
    describe=describe,
)
