"""CodeDeploy: a hook in a deployment's life cycle. No carrier.

https://docs.aws.amazon.com/codedeploy/latest/userguide/reference-appspec-file-structure-hooks.html
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
    """Return one Record without headers; its message ID is the deployment's."""
    return [Record({}, text(event.get("DeploymentId")))]


def describe(event: Mapping[str, Any]) -> Description:
    """Return the deployment. Who knows the hook's execution ID may pass or fail it: it stays out."""
    deployment = text(event.get("DeploymentId"))
    return "CodeDeploy hook", {semconv.DEPLOYMENT_ID: deployment} if deployment else {}


CODE_DEPLOY = Source(
    "CodeDeploy",
    trigger="other",
    kind=KIND_CONSUMER,
    public=False,
    records=records,
    describe=describe,
)
