"""Secrets Manager: one step of a rotation. No carrier.

https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html
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


def records(_event: Mapping[str, Any]) -> list[Record]:
    """Return one Record without headers."""
    return [Record({})]


def describe(event: Mapping[str, Any]) -> Description:
    """Return the step, as `createSecret`, and the secret's ARN; tokens stay out."""
    secret = text(event.get("SecretId"))
    attributes = {semconv.AWS_SECRETSMANAGER_SECRET_ARN: secret} if secret else {}
    return text(event.get("Step")) or "rotate secret", attributes


ROTATION = Source(
    "Secrets Manager rotation",
    trigger="other",
    kind=KIND_CONSUMER,
    public=False,
    records=records,
    describe=describe,
)
