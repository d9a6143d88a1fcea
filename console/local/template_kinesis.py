"""Streams and the functions that read them, as a template has them. Pure.

https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-property-function-kinesis.html
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-kinesis-stream.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.local.template_callers import Callers, check_played, source_of
from console.local.template_parts import KinesisTrigger, StreamPart
from console.local.template_section import Section

if TYPE_CHECKING:
    from console.local.template_resources import Parts

STREAM = "AWS::Kinesis::Stream"
#: What an on-demand stream begins with.
_ON_DEMAND_SHARDS = 4
_EVENT = (
    *("Stream", "StartingPosition", "BatchSize", "MaximumBatchingWindowInSeconds", "Enabled"),
    *("FunctionResponseTypes", "BisectBatchOnFunctionError", "MaximumRetryAttempts"),
)


def stream_event(event: Section, function: str, label: str, callers: Callers) -> None:
    """Add an event of type Kinesis to what calls `function`."""
    del function
    stream = source_of(event, "Stream", STREAM, label, callers)
    if stream is None:
        return
    check_played(event, _EVENT)
    position = event.required("StartingPosition")
    if position not in ("TRIM_HORIZON", "LATEST"):
        raise event.error("StartingPosition", f"TRIM_HORIZON or LATEST is expected, not {position!r}")
    callers.triggers.append(
        KinesisTrigger(
            stream,
            position,
            batch_size=event.integer("BatchSize", 100, 1, 10_000),
            window_s=event.number("MaximumBatchingWindowInSeconds", 0, 0, 300),
            partial="ReportBatchItemFailures" in event.texts("FunctionResponseTypes"),
            bisect=event.flag("BisectBatchOnFunctionError"),
            retries=event.integer("MaximumRetryAttempts", -1, -1, 10_000),
        )
    )


def stream(logical_id: str, section: Section, parts: Parts) -> None:
    """Add an AWS::Kinesis::Stream."""
    mode = section.section("StreamModeDetails").text("StreamMode") or "PROVISIONED"
    if mode not in ("PROVISIONED", "ON_DEMAND"):
        raise section.error("StreamModeDetails.StreamMode", f"{mode!r} is neither PROVISIONED nor ON_DEMAND")
    if mode == "ON_DEMAND" and "ShardCount" in section:
        raise section.error("ShardCount", "a stream on demand has none")
    shards = section.integer("ShardCount", _ON_DEMAND_SHARDS if mode == "ON_DEMAND" else 1, 1, 500)
    name = section.text("Name") or parts.named(logical_id)
    parts.streams[logical_id] = StreamPart(logical_id, name, shards)
