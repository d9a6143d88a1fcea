"""What a line becomes: the values that parsers make and sinks read.

Names inside are OpenTelemetry's; each sink translates to its own dialect. All times are
nanoseconds since the epoch, UTC. `attributes` and `tags` hold JSON trees only, so a signal can
always be encoded.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

Side = Literal["legacy", "serverless"]
SpanOrigin = Literal["layer", "platform", "access_log"]
SpanKind = Literal["internal", "server", "client", "producer", "consumer"]
SpanStatus = Literal["unset", "ok", "error"]

#: OTLP's numbers, in order: https://opentelemetry.io/docs/specs/otel/trace/api/#spankind
SPAN_KINDS: dict[int, SpanKind] = {1: "internal", 2: "server", 3: "client", 4: "producer", 5: "consumer"}


#: Kinds that a span of an invocation or request has; the others are what happened within it.
ENTRY_KINDS = frozenset({"server", "consumer"})


class Origin(msgspec.Struct, frozen=True, gc=False):
    """Where a batch of lines came from; shared by every signal of the batch."""

    account: str
    region: str
    log_group: str
    log_stream: str
    service: str
    side: Side


class Log(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One log record. `time_unix_nano` is the event's own time, never the arrival's."""

    event_id: str
    origin: Origin
    time_unix_nano: int
    observed_time_unix_nano: int
    message: str
    #: Position in its payload: CloudWatch's times are milliseconds, and lines of one have an order.
    sequence: int = 0
    #: TRACE, DEBUG, INFO, WARN, ERROR, FATAL or "" where the line names none.
    level: str = ""
    #: Which format the line had: `observe`, `lambda.text`, `lambda.json`, `lambda.platform`, `apache.access`.
    dataset: str = ""
    #: Where the time comes from: the `line` itself or the CloudWatch `event`.
    time_from: Literal["line", "event"] = "event"
    trace_id: str = ""
    span_id: str = ""
    correlation_id: str = ""
    #: faas.invocation_id: Lambda's request ID.
    request_id: str = ""
    error_type: str = ""
    error_message: str = ""
    error_stack: str = ""
    #: Marks of business keys, `claim=<32 hex>`: see docs/spec/context.md.
    keys: tuple[str, ...] = ()
    attributes: dict[str, Any] = {}


class Metric(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One data point. `kind` is StatsD's type; `unit` is UCUM as OpenTelemetry uses it, or ""."""

    event_id: str
    origin: Origin
    time_unix_nano: int
    name: str
    kind: Literal["count", "gauge", "histogram", "distribution", "timing", "set"]
    value: float
    unit: str = ""
    tags: dict[str, str] = {}
    request_id: str = ""
    #: What a `set` counts: its members are strings, so `value` is 1 for each.
    set_member: str = ""


class Link(msgspec.Struct, frozen=True, gc=False):
    """A span link: a trace that belongs to the story without being its parent."""

    trace_id: str
    span_id: str
    attributes: dict[str, Any] = {}


class Span(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One span, whoever told it: the layer, the platform's lines, or a legacy access log."""

    event_id: str
    origin: Origin
    trace_id: str
    span_id: str
    name: str
    kind: SpanKind
    start_unix_nano: int
    end_unix_nano: int
    told_by: SpanOrigin
    parent_span_id: str = ""
    status: SpanStatus = "unset"
    status_message: str = ""
    correlation_id: str = ""
    request_id: str = ""
    attributes: dict[str, Any] = {}
    links: tuple[Link, ...] = ()
    #: OTLP span events as JSON: [{"name", "time_unix_nano", "attributes"}].
    events: tuple[dict[str, Any], ...] = ()


Signal = Log | Metric | Span
