"""Readings as aggregations of the Query DSL, for graphs in Vega and for monitors.

    m0, m1, ...   one filter a reading, with `v` in it where a field is aggregated
https://docs.opensearch.org/latest/aggregations/
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from dashboards.kibana.arithmetic import Calculation, readings_of
from dashboards.kibana.fields import Reading
from dashboards.kibana.filters import dsl

Names = dict[Reading, str]


def names_of(found: Iterable[Calculation]) -> Names:
    """Return a name for each reading of some calculations."""
    readings = dict.fromkeys(read for one in found for read in readings_of(one))
    return {read: f"m{number}" for number, read in enumerate(readings)}


def aggregations(names: Names) -> dict[str, Any]:
    """Return the aggregations of readings, by their names."""
    return {name: _aggregation(read) for read, name in names.items()}


def value_path(read: Reading, name: str) -> str:
    """Return where the value of a reading is in a bucket: the same in Vega's expressions and in Painless."""
    if read.aggregate == "count":
        return f"{name}.doc_count"
    if read.aggregate == "percentile":
        return f"{name}.v.values['{read.percent:.1f}']"
    return f"{name}.v.value"


def _aggregation(read: Reading) -> dict[str, Any]:
    found: dict[str, Any] = {"filter": dsl(read.where)}
    if read.aggregate == "percentile":
        found["aggs"] = {"v": {"percentiles": {"field": read.field, "percents": [read.percent]}}}
    elif read.aggregate != "count":
        found["aggs"] = {"v": {read.aggregate: {"field": read.field}}}
    return found
