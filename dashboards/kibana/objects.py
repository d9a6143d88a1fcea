"""Saved objects: what every one has, data views and saved searches. Formats of Kibana 8.17.

An import takes objects of older versions and brings them up to date, so each has the version in which its
format last changed. Attributes that a type does not know are refused.
https://www.elastic.co/docs/api/doc/kibana/v8/group/endpoint-saved-objects
"""

from __future__ import annotations

import json
import re
from typing import Any

from dashboards.kibana.filters import Every, Exists, Filter, Term, either, kql
from dashboards.kibana.store import Index, Store
from dashboards.kibana.subjects import of_groups, of_service
from dashboards.panels import LogQuery
from dashboards.resources import System, slug

KIBANA = "8.17"
_CORE = "8.8.0"
VERSIONS = {"dashboard": "8.9.0", "index-pattern": "8.0.0", "search": "8.0.0"}
_ERRORS = either(
    (
        *(Term("log.level", level) for level in ("ERROR", "FATAL", "CRITICAL")),
        Exists("error.stack_trace"),
    )
)
COLUMNS = ["service.name", "observe.side", "log.level", "message", "correlation_id", "trace.id"]
_NAMES = {
    "all": "Everything",
    "logs": "Logs",
    "traces": "Traces",
    "metrics": "Metrics",
    "ledger": "Ledger",
}


def text(tree: Any) -> str:
    """Return JSON, the same for the same tree."""
    return json.dumps(tree, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def data_view(index: Index) -> str:
    """Return the ID of the data view of some documents."""
    return f"observe-{index}"


def dashboard_id(page: str, system: System) -> str:
    """Return the ID of a page's dashboard."""
    return f"observe-{slug(system.title)}-{page}"


def search_id(query: str, system: System) -> str:
    """Return the ID of a query's saved search."""
    return f"observe-{slug(system.title)}-query-{query}"


def saved(
    kind: str, name: str, attributes: dict[str, Any], references: list[dict[str, str]]
) -> dict[str, Any]:
    """Return one object of an export."""
    return {
        "attributes": attributes,
        "coreMigrationVersion": _CORE,
        "id": name,
        "managed": False,
        "references": references,
        "type": kind,
        "typeMigrationVersion": VERSIONS[kind],
    }


def view_object(index: Index, store: Store, system: System) -> dict[str, Any]:
    """Return a data view; its IDs of requests are links to the trace and to the story."""
    attributes = {
        "fieldFormatMap": text(_formats(system)),
        "fields": "[]",
        "name": f"Hybrid Observe: {_NAMES[index]}",
        "timeFieldName": "@timestamp",
        "title": store.titles[index],
    }
    return saved("index-pattern", data_view(index), attributes, [])


def _formats(system: System) -> dict[str, Any]:
    """How IDs are shown: `{{value}}` is the field's. Addresses with times of a panel are none of a field."""
    template = system.config.links.get("trace", "")
    wide = template.replace("{from}", "now-30d").replace("{to}", "now")
    out: dict[str, Any] = {}
    for name, field in (("correlation_id", "correlation_id"), ("trace_id", "trace.id")):
        address = wide.replace(f"{{{name}}}", "{{value}}")
        if "{{value}}" in address and not re.search(r"(?<!\{)\{\w+\}(?!\})", address):
            params = {"labelTemplate": "{{value}}", "urlTemplate": address}
            out[field] = {"id": "url", "params": params}
    if "correlation_id" not in out:
        story = (
            "discover#/?_g=(time:(from:now-30d,to:now))"
            f"&_a=(index:{data_view('all')},query:(language:kuery,query:'correlation_id: \"{{{{value}}}}\"'))"
        )
        params = {"labelTemplate": "{{value}}", "urlTemplate": story}
        out["correlation_id"] = {"id": "url", "params": params}
    return out


def index_of_query(query: LogQuery) -> Index:
    """Return where a query looks: a story is of lines and spans."""
    return "all" if query.is_by_correlation_id else "logs"


def filter_of(query: LogQuery) -> Filter:
    """Return the documents that a query is for."""
    who = [of_service(name) for name in query.services]
    if query.log_groups:
        who.append(of_groups(query.log_groups))
    parts = [either(tuple(who))] if who and not query.is_by_correlation_id else []
    if query.is_errors:
        parts.append(_ERRORS)
    if query.is_by_correlation_id:
        parts.append(Exists("correlation_id"))
    return Every(tuple(parts))


def about_query(query: LogQuery) -> str:
    """Return what whoever opens a saved search should know."""
    if query.is_by_correlation_id:
        return 'Put the ID into the query: correlation_id: "...". In order of time, both sides.'
    return "Newest first."


def search_object(query: LogQuery, system: System) -> dict[str, Any]:
    """Return a saved search of a query."""
    reference = "kibanaSavedObjectMeta.searchSourceJSON.index"
    source = {
        "filter": [],
        "indexRefName": reference,
        "query": {"language": "kuery", "query": kql(filter_of(query))},
    }
    columns = [*COLUMNS, "span.name"] if query.is_by_correlation_id else COLUMNS
    attributes = {
        "columns": columns,
        "description": about_query(query),
        "grid": {},
        "hideChart": False,
        "isTextBasedQuery": False,
        "kibanaSavedObjectMeta": {"searchSourceJSON": text(source)},
        "sort": [["@timestamp", "asc" if query.is_by_correlation_id else "desc"]],
        "timeRestore": False,
        "title": query.title,
    }
    used = {"id": data_view(index_of_query(query)), "name": reference, "type": "index-pattern"}
    return saved("search", search_id(query.name, system), attributes, [used])
