"""A story for programs."""

from __future__ import annotations

from typing import Any

import msgspec

from console.verdict import Verdict, consequence, sentence, verdicts
from console.words import is_cold, is_timeout, operation
from subscribers.correlate import Node, Story
from subscribers.signals import Log

_NS_PER_MS = 1_000_000


def as_json(story: Story) -> dict[str, Any]:
    """Return a story for programs; the shape is version 1 and only ever gains keys.

    {"version": 1, "correlation_ids", "trace_ids", "start_unix_nano", "end_unix_nano", "duration_ms",
    "recurring", "spans": [{"depth", "parent": index in spans or null, "parent_missing", "parent_inferred",
    "side", "service", "name", "kind", "told_by", "trace_id", "span_id", "parent_span_id", "correlation_id",
    "request_id", "start_unix_nano", "end_unix_nano", "duration_ms", "status", "status_message", "cold_start",
    "timeout", "attributes", "links", "events", "logs": [log]}], "logs": [log]}; parent_inferred: nobody told
    the parent, times did, and parent_missing stays what it is; spans come in display order, and a log
    is {"time_unix_nano", "offset_ms", "side", "service", "level", "message", "error_type", "error_message",
    "error_stack", "trace_id", "span_id", "correlation_id", "request_id", "dataset", "attributes"}.
    "verdicts": [{"how": "failed" or "slow", "side", "service", "operation", "times", "handled", "inferred",
    "sentence", "consequence", "lines": [log]}] says where failures began; inferred: as far as times tell.
    """
    return {
        "version": 1,
        "correlation_ids": list(story.correlation_ids),
        "trace_ids": list(story.trace_ids),
        "start_unix_nano": story.start_unix_nano,
        "end_unix_nano": story.end_unix_nano,
        "duration_ms": (story.end_unix_nano - story.start_unix_nano) / _NS_PER_MS,
        "recurring": story.recurring,
        "verdicts": [_verdict_json(verdict, story) for verdict in verdicts(story)],
        "spans": [_span_json(node, story) for node in story.spans],
        "logs": [_log_json(log, story) for log in story.logs],
    }


def _verdict_json(verdict: Verdict, story: Story) -> dict[str, Any]:
    return {
        "how": verdict.how,
        "side": verdict.side,
        "service": verdict.cause.origin.service,
        "operation": operation(verdict.cause),
        "times": verdict.times,
        "handled": verdict.handled,
        "inferred": verdict.inferred,
        "sentence": sentence(verdict),
        "consequence": consequence(verdict),
        "lines": [_log_json(log, story) for log in verdict.lines],
    }


def _span_json(node: Node, story: Story) -> dict[str, Any]:
    span = node.span
    same = (
        "name",
        "kind",
        "told_by",
        "trace_id",
        "span_id",
        "parent_span_id",
        "correlation_id",
        "request_id",
    )
    return {
        "depth": node.depth,
        "parent": node.parent if node.parent >= 0 else None,
        "parent_missing": node.parent_missing,
        "parent_inferred": node.inferred,
        "side": span.origin.side,
        "service": span.origin.service,
        **{name: getattr(span, name) for name in same},
        "start_unix_nano": span.start_unix_nano,
        "end_unix_nano": span.end_unix_nano,
        "duration_ms": (span.end_unix_nano - span.start_unix_nano) / _NS_PER_MS,
        "status": span.status,
        "status_message": span.status_message,
        "cold_start": is_cold(span),
        "timeout": is_timeout(span),
        "attributes": span.attributes,
        "links": [msgspec.to_builtins(link) for link in span.links],
        "events": list(span.events),
        "logs": [_log_json(log, story) for log in node.logs],
    }


def _log_json(log: Log, story: Story) -> dict[str, Any]:
    offset = (log.time_unix_nano - story.start_unix_nano) / _NS_PER_MS
    return {"offset_ms": offset, **line_json(log)}


def line_json(log: Log) -> dict[str, Any]:
    """Return a log line for programs, keys as in `as_json` without the offset."""
    same = ("level", "message", "error_type", "error_message", "error_stack", "trace_id", "span_id")
    return {
        "time_unix_nano": log.time_unix_nano,
        "side": log.origin.side,
        "service": log.origin.service,
        **{name: getattr(log, name) for name in same},
        "correlation_id": log.correlation_id,
        "request_id": log.request_id,
        "dataset": log.dataset,
        "attributes": log.attributes,
    }
