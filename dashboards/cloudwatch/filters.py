"""Metric filters: what is counted from log lines where CloudWatch has no metric of its own.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from dashboards.cloudwatch.access_routes import field_of, told_apart
from dashboards.cloudwatch.dimensions import name_of
from dashboards.cloudwatch.metrics import Absent
from dashboards.cloudwatch.naming import metric_name
from dashboards.cloudwatch.references import text_of
from dashboards.resources import Resource, System, slug
from subscribers.config import LogGroup

NAMESPACE = "HybridObserve/Logs"
#: Characters of a filter pattern.
PATTERN_MAX = 1024

#: The words of a REPORT line, up to what was used of memory.
_REPORT = (
    '[report="REPORT", request_label="RequestId:", request_id, '
    'duration_label="Duration:", duration, ms="ms", '
    'billed_label="Billed", billed_duration_label="Duration:", billed, billed_ms="ms", '
    'memory_label="Memory", size_label="Size:", size, size_mb="MB", max_label="Max", '
    'max_memory_label="Memory", used_label="Used:", used, used_mb="MB", ...]'
)
_TEXT = {
    "function.cold_starts": ('"REPORT RequestId:" "Init Duration:"', "1"),
    "function.timeouts": ('"Task timed out after"', "1"),
    "function.memory_used": (_REPORT, "$used"),
}
_JSON = {
    "function.cold_starts": (
        '{ $.type = "platform.report" && $.record.metrics.initDurationMs >= 0 }',
        "1",
    ),
    "function.timeouts": ('{ $.type = "platform.report" && $.record.status = "timeout" }', "1"),
    "function.memory_used": (
        '{ $.type = "platform.report" && $.record.metrics.maxMemoryUsedMB >= 0 }',
        "$.record.metrics.maxMemoryUsedMB",
    ),
}
#: What is restored of a snapshot is a cold start, too, and is told in other words.
_SNAP_START = {
    "Text": '"REPORT RequestId:" "Restore Duration:"',
    "JSON": '{ $.type = "platform.report" && $.record.metrics.restoreDurationMs >= 0 }',
}
_LINES = {
    "service.error_lines": "?ERROR ?FATAL ?CRITICAL ?SEVERE",
    "service.pool_exhausted": (
        '?"pool exhausted" ?"Pool exhausted" ?"Unable to acquire JDBC Connection" ?"QueuePool limit" '
        '?"Timeout waiting for idle object" ?"Connection is not available, request timed out"'
    ),
}
#: Built-in formats whose lines are those of Apache's `common` or `combined`.
_COMBINED = ("apache", "nginx")


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """One metric filter of one log group. log_group: a text with references; default: what a line that does
    not match counts, "" for nothing (values that are no counts)."""

    log_group: str
    pattern: str
    metric: str
    value: str = "1"
    default: str = "0"
    unit: str = "Count"
    namespace: str = NAMESPACE


def log_filters(measure: str, subject: str, system: System) -> tuple[Filter, ...] | Absent:
    """Return the filters that count a measure of a function or service, or why there are none."""
    if measure in _LINES:
        return _service_lines(measure, subject, system)
    function = system.resources.get(subject)
    if function is None:
        return Absent(f"{subject} is not in the templates.")
    is_json = function.facts.get("log_format", "Text") == "JSON"
    pattern, value = (_JSON if is_json else _TEXT)[measure]
    if measure == "function.cold_starts" and function.facts.get("snap_start"):
        pattern = _SNAP_START["JSON" if is_json else "Text"]
    is_count = value == "1"
    return (
        Filter(
            log_group=log_group_of(function),
            pattern=pattern,
            metric=_metric(measure, subject, system),
            value=value,
            default="0" if is_count else "",
            unit="Count" if is_count else "Megabytes",
        ),
    )


def log_group_of(function: Resource) -> str:
    """Return the log group of a function as a text: the first it names, else the one Lambda makes."""
    for group in function.log_groups:
        if text := text_of(group):
            return text
    return f"/aws/lambda/{name_of(function)}"


def _metric(measure: str, subject: str, system: System) -> str:
    """Its name begins with the system's: two systems of one Region share the namespace."""
    return metric_name(system, f"{measure.rpartition('.')[2]}.{slug(subject)}")


def exact_groups(name: str, system: System) -> tuple[str, ...]:
    """Return the log groups of a service whose very names are known, or references."""
    service = system.services.get(name)
    if service is None:
        return ()
    functions = [system.resources[one] for one in service.functions if one in system.resources]
    found = [log_group_of(one) for one in functions]
    found += [text_of(group) for group in service.log_groups]
    found += service.config.log_groups if service.config else ()
    return tuple(dict.fromkeys(one for one in found if one and "*" not in one))


def _service_lines(measure: str, subject: str, system: System) -> tuple[Filter, ...] | Absent:
    groups = exact_groups(subject, system)
    access = {group.name for group in _access_groups(subject, system)}
    groups = tuple(group for group in groups if group not in access)
    if not groups:
        return Absent(f"No log group of {subject} is known by its whole name: give it one in observe.yaml.")
    return tuple(
        Filter(log_group=group, pattern=_LINES[measure], metric=_metric(measure, subject, system))
        for group in groups
    )


def _access_groups(service: str, system: System) -> tuple[LogGroup, ...]:
    config = system.config.services.get(service)
    groups = config.groups if config else ()
    return tuple(one for one in groups if one.format in _COMBINED and not one.format_options)


def access_filters(
    what: str, name: str, service: str, route: str, system: System
) -> tuple[Filter, ...] | Absent:
    """Return filters over access logs of the formats common and combined; those of a group share no line.

    what: requests or errors; route: `METHOD /path`, "" for all of the service; name: of the metric.
    """
    groups = [group for group in _access_groups(service, system) if "*" not in group.name]
    if not groups:
        return Absent(
            f"{service} has no access log of format apache or nginx with a whole name in observe.yaml; "
            "endpoint_metrics: true lets the subscriber tell its requests."
        )
    if what not in ("requests", "errors"):
        return Absent(
            f"The access log of {service} does not tell durations to a metric filter; endpoint_metrics: true "
            "lets the subscriber tell them."
        )
    fields = _request_fields(route, groups, system)
    if isinstance(fields, Absent):
        return fields
    status = "status=5*" if what == "errors" else "status"
    patterns = [f"[ip, identity, user, time, {field}, {status}, ...]" for field in fields]
    if max(map(len, patterns)) > PATTERN_MAX:
        return Absent(f"What tells requests of {route} from others is longer than a filter pattern may be.")
    metric = _metric(what, name, system)
    return tuple(
        Filter(log_group=group.name, pattern=pattern, metric=metric)
        for group in groups
        for pattern in patterns
    )


def _request_fields(route: str, groups: Sequence[LogGroup], system: System) -> tuple[str, ...] | Absent:
    """The field of the request line, one a filter: requests of a route that are of no other one there."""
    if not route:
        return ("request",)
    names = {group.name for group in groups}
    sides = [one for endpoint in system.endpoints.values() for one in endpoint.sides if one.side == "legacy"]
    others = [
        one.route for one in sides if names & {group.name for group in _access_groups(one.service, system)}
    ]
    found = told_apart(route, others)
    return Absent(found) if isinstance(found, str) else field_of(found)
