"""Elasticsearch as Grafana's data source: aggregations of documents, and arithmetic in Grafana itself.

Which documents and which field a measure is, is that of Kibana (dashboards.kibana.fields). A data source has
one index pattern, so there is one a kind of documents; it cannot divide, Grafana's expressions can.
https://grafana.com/docs/grafana/latest/datasources/elasticsearch/query-editor/
"""

from __future__ import annotations

from typing import Any

from dashboards.cloudwatch.metrics import Absent
from dashboards.cloudwatch.queries import PARAMETER
from dashboards.expressions import Expression, metrics_of
from dashboards.grafana.asked import (
    Asked,
    Drawn,
    Refs,
    SourceName,
    Target,
    expression_node,
    mathematics,
    node,
    reduced,
)
from dashboards.grafana.lucene import lucene
from dashboards.kibana import arithmetic
from dashboards.kibana.arithmetic import Calculation, Language, calculation, readings_of, written
from dashboards.kibana.fields import Reading
from dashboards.kibana.filters import Filter, Phrase, Term, either
from dashboards.kibana.store import Index, Store
from dashboards.kibana.subjects import of_groups, of_service
from dashboards.panels import LogQuery, Panel
from dashboards.resources import System

TIME = "@timestamp"
_DAY_S = 86_400
_ADDED = ("count", "sum", "cardinality")


def uid_of(index: Index) -> str:
    """Return the UID of the data source of one kind of documents."""
    return f"hybrid-observe-elasticsearch-{index}"


class Elasticsearch:
    """Asks the indices of a sink of observe.yaml."""

    name: SourceName = "elasticsearch"

    def __init__(self, system: System, store: Store) -> None:
        self._system, self._store = system, store
        self.uids: dict[str, str] = {index: uid_of(index) for index in store.titles}

    def draw(self, panel: Panel) -> Drawn:
        """Return hidden readings, and what is calculated of them, which is seen."""
        refs = Refs()
        read: dict[Reading, str] = {}
        targets: list[Target] = []
        seen: dict[str, int] = {}
        absent: list[tuple[str, str]] = []
        is_whole = panel.period_s > _DAY_S
        for index, series in enumerate(panel.series):
            found = self._calculated(series.of)
            if isinstance(found, Absent):
                absent += [(metric.measure, found.reason) for metric in metrics_of(series.of)][:1]
                continue
            for one in readings_of(found):
                if one not in read:
                    read[one] = refs.take()
                    period_s = 3600 if is_whole else panel.period_s
                    uid = f"${{{one.index}}}"
                    targets.append({**_reading(one, uid, period_s), "refId": read[one], "hide": True})
                    if is_whole:
                        targets.append({**reduced(refs.take(), read[one], _reducer(one), 0), "hide": True})
                        read[one] = targets[-1]["refId"]
            ref = refs.take()
            targets.append(mathematics(ref, _written(found, read)))
            seen[ref] = index
        return Drawn(targets=tuple(targets), refs=seen, absent=tuple(absent))

    def logs(self, query: LogQuery) -> Target | Absent:
        """Return a query for lines, newest first."""
        parts: list[Filter] = []
        if query.services:
            parts.append(either(tuple(of_service(name) for name in query.services)))
        elif query.log_groups:
            parts.append(of_groups(query.log_groups))
        texts = [f"({lucene(one)})" for one in parts]
        if query.is_errors:
            levels = ("ERROR", "FATAL", "CRITICAL")
            found = either((*(Term("log.level", level) for level in levels), Phrase("message", "Traceback")))
            texts.append(f"({lucene(found)} OR _exists_:error.type)")
        if query.is_by_correlation_id:
            texts.append(f'correlation_id:"${PARAMETER}"')
        return {
            "datasource": {"type": "elasticsearch", "uid": "${logs}"},
            "refId": "A",
            "query": " AND ".join(texts) or "*",
            "timeField": TIME,
            "metrics": [{"id": "1", "type": "logs", "settings": {"limit": str(query.limit)}}],
            "bucketAggs": [],
        }

    def logs_anywhere(self, query: LogQuery) -> Target | Absent:
        """Return the same query: it needs no variable."""
        return self.logs(query)

    def ranged(
        self, expression: Expression, period_s: int, window: tuple[int, int], refs: Refs
    ) -> Asked | Absent:
        """Return readings by periods and what is calculated of them."""
        found = self._calculated(expression)
        if isinstance(found, Absent):
            return found
        read: dict[Reading, str] = {}
        nodes: list[Target] = []
        for one in readings_of(found):
            if one not in read:
                read[one] = refs.take()
                uid = uid_of(one.index)
                nodes.append(node(read[one], uid, _reading(one, uid, period_s), window))
        ref = refs.take()
        nodes.append(expression_node(mathematics(ref, _written(found, read))))
        return Asked(nodes=tuple(nodes), ref=ref)

    def variables(self) -> list[dict[str, Any]]:
        """Names that are not known are patterns in the queries: no variable is needed."""
        return []

    def _calculated(self, expression: Expression) -> Calculation | Absent:
        found = calculation(expression, self._system, self._store)
        return Absent(_sentence(found.reason)) if isinstance(found, arithmetic.Absent) else found


def _sentence(reason: str) -> str:
    return f"{reason[:1].upper()}{reason[1:]}{'' if reason.endswith('.') else '.'}"


def _written(found: Calculation, read: dict[Reading, str]) -> str:
    """The calculation in Grafana's mathematics, where a comparison is 1 or 0."""
    language = Language(
        reading=lambda one: f"${read[one]}",
        division=lambda one, two: f"({one} / {two})",
        gate=lambda over, minimum, then: f"({then} * ({over} >= {minimum}))",
    )
    return written(found, language)


def _reducer(one: Reading) -> str:
    return "sum" if one.aggregate in _ADDED else "mean"


def _reading(one: Reading, uid: str, period_s: int) -> Target:
    settings = {"interval": f"{period_s}s", "min_doc_count": "0", "trimEdges": "0"}
    return {
        "datasource": {"type": "elasticsearch", "uid": uid},
        "query": lucene(one.where),
        "timeField": TIME,
        "metrics": [_metric(one)],
        "bucketAggs": [{"id": "2", "type": "date_histogram", "field": TIME, "settings": settings}],
    }


def _metric(one: Reading) -> dict[str, Any]:
    if one.aggregate == "count":
        return {"id": "1", "type": "count"}
    if one.aggregate == "percentile":
        return {
            "id": "1",
            "type": "percentiles",
            "field": one.field,
            "settings": {"percents": [str(one.percent)]},
        }
    return {"id": "1", "type": one.aggregate, "field": one.field}
