"""A metric of one subject -> the query that reads it at Datadog, or why there is none.

NotThereError    a sentence: Datadog has no such metric, or its name is not known
"""

from __future__ import annotations

import re

import msgspec

from dashboards.datadog.metrics import SOURCES
from dashboards.datadog.sources import Absent, Source
from dashboards.expressions import Metric, Statistic
from dashboards.resources import Resource, System

#: WebSocket APIs have metrics of other names: https://docs.datadoghq.com/integrations/amazon-api-gateway/
_WEBSOCKET = {
    "api.requests": "aws.apigateway.message_count.sum",
    "api.errors_4xx": "aws.apigateway.client_error.sum",
    "api.errors_5xx": "aws.apigateway.integration_error.sum",
}
#: Several series of one name are one: the greatest of a percentile, the smallest of a minimum.
_SPACE: dict[Statistic, str] = {"avg": "avg", "min": "min", "sum": "sum"}


#: Begins the name of a variable where a name belongs; no name has it.
_ASKED = "\0"


class NotThereError(ValueError):
    """Datadog does not have it; the text says why, as a sentence."""


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """One query. text: `sum:metric{tags}.as_count()`, or a search of log lines. doubt: Source.doubt."""

    text: str
    is_count: bool = False
    is_lines: bool = False
    #: A mean a second: times the seconds of a period it is what a period counts.
    is_per_second: bool = False
    factor: float = 1
    doubt: str = ""
    #: Variable of the dashboard for a name that only the deployed stack has, and the key of its tag.
    variable: tuple[str, str] | None = None

    @property
    def name(self) -> str:
        """The metric that is asked; "" of log lines."""
        return "" if self.is_lines else self.text.partition(":")[2].partition("{")[0]


def read(metric: Metric, system: System, variables: tuple[str, ...] = (), is_good: bool = False) -> Reading:
    """Return the query of one metric. variables: more filters, such as `$env`. Raises NotThereError.

    is_good: those of which `metric` counts the bad ones, such as the requests that did not fail.
    """
    source = SOURCES.get(metric.measure)
    if source is None:
        raise NotThereError(f"{metric.measure} is not known.")
    if isinstance(source, Absent):
        raise NotThereError(source.reason)
    if metric.statistic in source.instead:
        return read(Metric(source.instead[metric.statistic], metric.subject, "sum"), system, variables)
    if is_good and not source.good:
        raise NotThereError(f"{metric.measure} has no opposite.")
    values = _values(metric, system, bool(variables))
    templates = (*source.tags[:-1], source.good) if is_good else source.tags
    if source.form == "lines":
        return Reading(text=source.metric.format_map(values), is_count=True, is_lines=True)
    filled = [one.format_map(values) for one in templates]
    tags = [_tag(one) for one in filled]
    scope = ",".join([*(tag for tag in tags if tag), *variables]) or "*"
    other = _WEBSOCKET.get(metric.measure, "") if values["kind"] == "websocket_api" else ""
    named = [(tag[1:], one.partition(":")[0]) for tag, one in zip(tags, filled, strict=True) if _ASKED in one]
    reading = _query(metric, source, other, values, scope)
    return msgspec.structs.replace(reading, variable=named[0]) if named else reading


def _query(metric: Metric, source: Source, other: str, values: dict[str, str], scope: str) -> Reading:
    statistic = metric.statistic
    name = other or source.metric.format_map(values)
    match source.form:
        case "count":
            return _count("sum", name, scope, source)
        case "occurrences":
            return _count("count", name, scope, source)
        case "per_second":
            return Reading(
                text=f"sum:{name}{{{scope}}}",
                is_per_second=True,
                factor=source.factor,
                doubt=source.doubt,
            )
        case "gauge":
            return Reading(
                text=f"{_SPACE.get(statistic, 'max')}:{name}{{{scope}}}",
                factor=source.factor,
                doubt=source.doubt,
            )
        case "distribution":
            return _of_distribution(name, statistic, scope, source)
    if statistic in source.endings:
        text = f"{_SPACE.get(statistic, 'max')}:{name}{source.endings[statistic]}{{{scope}}}"
        return Reading(text=text, factor=source.factor, doubt=source.doubt)
    if source.own:
        return _of_distribution(source.own, statistic, scope, source)
    raise NotThereError(f"Datadog's AWS integration does not collect the statistic {statistic} of {name}.")


def _of_distribution(name: str, statistic: Statistic, scope: str, source: Source) -> Reading:
    if statistic == "count":
        return _count("count", name, scope, source)
    return Reading(text=f"{statistic}:{name}{{{scope}}}", factor=source.factor, doubt=source.doubt)


def _count(space: str, name: str, scope: str, source: Source) -> Reading:
    text = f"{space}:{name}{{{scope}}}.as_count()"
    return Reading(text=text, is_count=True, factor=source.factor, doubt=source.doubt)


def _values(metric: Metric, system: System, has_variables: bool) -> dict[str, str]:
    """Return what stands in braces of tags for a subject. has_variables: names may be asked for."""
    subject = metric.subject
    match metric.measure.split(".")[0]:
        case "endpoint":
            endpoint, _, side = subject.rpartition("/")
            return {"kind": "endpoint", "endpoint": endpoint, "side": "" if side == "*" else side}
        case "service":
            return {"kind": "service", "service": subject}
        case "sink":
            return {"kind": "sink", "sink": subject or "input"}
        case "pipeline":
            return {"kind": "pipeline"}
        case "route":
            route = system.routes.get(subject)
            if route is None:
                raise NotThereError(f"There is no route {subject}.")
            return {**_resource(route.api, system, has_variables), "path": route.path, "method": route.method}
    return _resource(subject, system, has_variables)


def _resource(subject: str, system: System, has_variables: bool) -> dict[str, str]:
    found = system.resources.get(subject)
    if found is None:
        raise NotThereError(f"There is no resource {subject}.")
    name = f"{_ASKED}{variable(found)}" if has_variables and not is_named(found) else shown(found)
    values = {
        "kind": found.kind,
        "name": name,
        "stage": found.facts.get("stage", ""),
        "cluster": found.facts.get("cluster", ""),
        "error": "error" if found.kind == "rest_api" else "",
        "api": f"{'apiname' if found.kind == 'rest_api' else 'apiid'}:{name}",
        "full_name": found.facts.get("full_name", "") or f"*{name}*",
    }
    if found.kind == "load_balancer" and found.facts.get("type") == "network":
        raise NotThereError("Network load balancers have no requests, only connections.")
    return values


def shown(resource: Resource) -> str:
    """Return the name that a tag has; with `*` for what only the deployed stack knows."""
    if not is_named(resource):
        raise NotThereError(
            f"What {resource.logical_id} is called is only known once it is deployed: tell it with --names."
        )
    return resource.name.known or resource.name.pattern


def is_named(resource: Resource) -> bool:
    """Return whether a tag can be searched by its name, or by a part of it."""
    return bool((resource.name.known or resource.name.pattern).strip("*-"))


def variable(resource: Resource) -> str:
    """Return the variable of a dashboard in which its name is chosen, without the `$`."""
    return re.sub(r"[^a-z0-9]+", "_", resource.logical_id.lower()).strip("_") + "_name"


def _tag(tag: str) -> str:
    """Return a filter as Datadog stores tags: lower case; `*` for characters that it replaces; "" for none.

    https://docs.datadoghq.com/getting_started/tagging/#define-tags
    """
    key, _, value = tag.partition(":")
    if _ASKED in value:
        return "$" + value[value.index(_ASKED) + 1 :].rstrip("*")
    kept = re.sub(r"\*+", "*", re.sub(r"[^a-z0-9_\-:./*]", "*", value.lower()))
    return f"{key}:{kept}" if kept.strip("*") else ""
