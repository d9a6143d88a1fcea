"""Saved objects of OpenSearch Dashboards 2.17: formats of Kibana 7.10, from which it was divided.

https://docs.opensearch.org/latest/dashboards/management/saved-objects/
"""

from __future__ import annotations

from typing import Any

from dashboards.kibana.filters import kql
from dashboards.kibana.objects import (
    COLUMNS,
    about_query,
    data_view,
    filter_of,
    index_of_query,
    search_id,
    text,
    view_object,
)
from dashboards.kibana.store import Index, Store
from dashboards.panels import LogQuery
from dashboards.resources import System

OPENSEARCH = "2.17"
VERSIONS = {
    "dashboard": "7.9.3",
    "index-pattern": "7.6.0",
    "search": "7.9.3",
    "visualization": "7.10.0",
}
EMPTY_SOURCE = {"filter": [], "query": {"language": "kuery", "query": ""}}


def saved(
    kind: str, name: str, attributes: dict[str, Any], references: list[dict[str, str]]
) -> dict[str, Any]:
    """Return one object of an export."""
    return {
        "attributes": attributes,
        "id": name,
        "migrationVersion": {kind: VERSIONS[kind]},
        "references": references,
        "type": kind,
    }


def pattern_object(index: Index, store: Store, system: System) -> dict[str, Any]:
    """Return an index pattern; IDs of requests in it are links."""
    attributes = view_object(index, store, system)["attributes"]
    kept = {name: attributes[name] for name in ("fieldFormatMap", "timeFieldName", "title")}
    return saved("index-pattern", data_view(index), kept, [])


def search_object(query: LogQuery, system: System) -> dict[str, Any]:
    """Return a saved search of a query."""
    reference = "kibanaSavedObjectMeta.searchSourceJSON.index"
    source = {
        "filter": [],
        "indexRefName": reference,
        "query": {"language": "kuery", "query": kql(filter_of(query))},
    }
    attributes = {
        "columns": [*COLUMNS, "span.name"] if query.is_by_correlation_id else COLUMNS,
        "description": about_query(query),
        "hits": 0,
        "kibanaSavedObjectMeta": {"searchSourceJSON": text(source)},
        "sort": [["@timestamp", "asc" if query.is_by_correlation_id else "desc"]],
        "title": query.title,
        "version": 1,
    }
    used = {"id": data_view(index_of_query(query)), "name": reference, "type": "index-pattern"}
    return saved("search", search_id(query.name, system), attributes, [used])


def visualization(name: str, title: str, about: str, kind: str, params: dict[str, Any]) -> dict[str, Any]:
    """Return a visualisation: markdown, or a chart in Vega."""
    attributes = {
        "description": about,
        "kibanaSavedObjectMeta": {"searchSourceJSON": text(EMPTY_SOURCE)},
        "title": title,
        "uiStateJSON": "{}",
        "version": 1,
        "visState": text({"aggs": [], "params": params, "title": title, "type": kind}),
    }
    return saved("visualization", name, attributes, [])
