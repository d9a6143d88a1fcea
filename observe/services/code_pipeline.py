"""CodePipeline: an action that invokes a function. No carrier.

https://docs.aws.amazon.com/lambda/latest/dg/services-codepipeline.html
"""

from __future__ import annotations

from observe import semconv
from observe.source import Record, Source, mapping, text
from observe.wire import KIND_CONSUMER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from observe.source import Description


def records(event: Mapping[str, Any]) -> list[Record]:
    """Return one Record without headers; its message ID is the job's.

    event: {"CodePipeline.job": {"id", "data": {... "artifactCredentials" ...}}}
    """
    return [Record({}, _id(event))]


def describe(event: Mapping[str, Any]) -> Description:
    """Return the job's ID. User parameters and credentials stay out.

    https://opentelemetry.io/docs/specs/semconv/registry/attributes/cicd/
    """
    job = _id(event)
    return "CodePipeline job", {semconv.CICD_PIPELINE_TASK_RUN_ID: job} if job else {}


def _id(event: Mapping[str, Any]) -> str:
    return text(mapping(event.get("CodePipeline.job")).get("id"))


CODE_PIPELINE = Source(
    "CodePipeline",
    trigger="other",
    kind=KIND_CONSUMER,
    public=False,
    records=records,
    describe=describe,
)
