"""Searches in logs as Logs Insights queries: the text, which log groups, as widget and as saved query.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax.html
"""

from __future__ import annotations

from typing import Any

import msgspec

from dashboards.cloudwatch.filters import exact_groups
from dashboards.cloudwatch.references import text_of, where_it_exists
from dashboards.panels import LogQuery
from dashboards.resources import System

#: "you can query up to 50 log groups" of one query.
GROUPS_MAX = 50
PARAMETER = "correlation_id"
_FIELDS = (
    "fields @timestamp, service, level, correlation_id, trace_id, coalesce(message, @message) as text, @log"
)
_ERROR_TEXT = "/ERROR|FATAL|CRITICAL|SEVERE|Traceback|Exception|Task timed out/"
_IS_ERROR = (
    'filter level in ["ERROR", "FATAL", "CRITICAL", "error", "fatal", "critical"] '
    f"or @message like {_ERROR_TEXT}"
)
#: The same in fewer signs: a level in capitals is in the text of its line.
_IS_ERROR_BRIEF = f'filter level in ["error","fatal","critical"] or @message like {_ERROR_TEXT}'


class Search(msgspec.Struct, frozen=True):
    """A query with its log groups, as texts with references. left_out: names that are no whole names."""

    text: str
    groups: tuple[str, ...]
    left_out: tuple[str, ...] = ()


def search(query: LogQuery, system: System) -> Search:
    """Return what Logs Insights is asked."""
    named = [(text_of(group), group.shown) for group in query.log_groups]
    found = [text or shown for text, shown in named]
    if not found:
        found = [group for service in query.services for group in exact_groups(service, system)]
    groups = [one for one in dict.fromkeys(found) if one and "*" not in one]
    left = [one for one in dict.fromkeys(found) if "*" in one] + groups[GROUPS_MAX:]
    return Search(_text(query), tuple(groups[:GROUPS_MAX]), tuple(left))


def _text(query: LogQuery) -> str:
    lines = [_FIELDS]
    if query.is_errors:
        lines.append(_IS_ERROR)
    if query.is_by_correlation_id:
        lines.append(f'filter correlation_id = "{{{{{PARAMETER}}}}}" or @message like "{{{{{PARAMETER}}}}}"')
    lines.append(f"sort @timestamp {'asc' if query.is_by_correlation_id else 'desc'}")
    lines.append(f"limit {query.limit}")
    return "\n| ".join(lines)


def brief(query: LogQuery) -> str:
    """Return a search for the same lines, newest first, with fewer fields: for an address that is short."""
    filters = [_IS_ERROR_BRIEF] if query.is_errors else []
    return "|".join(("fields @timestamp,@message", *filters, "sort @timestamp desc", f"limit {query.limit}"))


def widget_query(found: Search) -> str:
    """Return the query as a widget has it: its log groups in front, each where it exists."""
    return "".join(where_it_exists(f"SOURCE '{group}' | ") for group in found.groups) + found.text


def definition(name: str, query: LogQuery, found: Search) -> dict[str, Any]:
    """Return the properties of the saved query; texts hold references."""
    properties: dict[str, Any] = {
        "Name": name,
        "LogGroupNames": list(found.groups),
        "QueryString": found.text,
    }
    if query.is_by_correlation_id:
        properties["Parameters"] = [
            {"Name": PARAMETER, "Description": "The correlation ID of one request, as its lines have it."}
        ]
    return properties
