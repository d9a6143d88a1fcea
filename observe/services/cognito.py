"""Cognito user pools: triggers, some of which hand over what the client sent as metadata.

https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-working-with-lambda-triggers.html
"""

from __future__ import annotations

from observe import semconv
from observe.source import Record, Source, lower, mapping, text
from observe.wire import KIND_SERVER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from observe.source import Description


def records(event: Mapping[str, Any]) -> list[Record]:
    """Return one Record with the client's metadata as headers.

    event: {"request": {"clientMetadata"?: {name: value}}}
    """
    return [Record(lower(mapping(event.get("request")).get("clientMetadata")))]


def describe(event: Mapping[str, Any]) -> Description:
    """Return the trigger, as `PreSignUp_SignUp`, and the pool; users, their attributes and codes stay out."""
    pool = text(event.get("userPoolId"))
    attributes = {semconv.AWS_COGNITO_USER_POOL_ID: pool} if pool else {}
    return text(event.get("triggerSource")) or "Cognito", attributes


COGNITO = Source(
    "Cognito",
    trigger="other",
    kind=KIND_SERVER,
    public=True,
    records=records,
    describe=describe,
)
