"""Prometheus as Grafana's data source: one PromQL expression a series.

https://grafana.com/docs/grafana/latest/datasources/prometheus/query-editor/
"""

from __future__ import annotations

from typing import Any

from dashboards.cloudwatch.metrics import Absent
from dashboards.expressions import Expression, metrics_of
from dashboards.grafana.asked import Asked, Drawn, Refs, SourceName, Target, node
from dashboards.grafana.promql import promql
from dashboards.panels import LogQuery, Panel
from dashboards.resources import System

UID = "hybrid-observe-prometheus"


class Prometheus:
    """Asks Prometheus, or whatever speaks its language."""

    name: SourceName = "prometheus"

    def __init__(self, system: System) -> None:
        self._system = system
        self.uids: dict[str, str] = {"prometheus": UID}

    def draw(self, panel: Panel) -> Drawn:
        """Return a query a series; a number or a row of a table is asked for now alone."""
        refs = Refs()
        targets: list[Target] = []
        seen: dict[str, int] = {}
        absent: list[tuple[str, str]] = []
        is_now = panel.kind in ("number", "table")
        for index, series in enumerate(panel.series):
            found = promql(series.of, f"{panel.period_s}s", self._system)
            if isinstance(found, Absent):
                absent += [(metric.measure, found.reason) for metric in metrics_of(series.of)][:1]
                continue
            ref = refs.take()
            seen[ref] = index
            targets.append({**_target(found, ref, is_now=is_now), "legendFormat": series.label})
            if not is_now:
                targets[-1]["interval"] = f"{panel.period_s}s"
        return Drawn(targets=tuple(targets), refs=seen, absent=tuple(absent))

    def logs(self, query: LogQuery) -> Target | Absent:  # noqa: ARG002
        """Prometheus has no logs."""
        return Absent("Prometheus has no log lines: look in the tool that the logs are sent to.")

    def logs_anywhere(self, query: LogQuery) -> Target | Absent:
        """Prometheus has no logs anywhere."""
        return self.logs(query)

    def ranged(
        self, expression: Expression, period_s: int, window: tuple[int, int], refs: Refs
    ) -> Asked | Absent:
        """Return one query over a range, a point a period."""
        found = promql(expression, f"{period_s}s", self._system)
        if isinstance(found, Absent):
            return found
        ref = refs.take()
        model = {**_target(found, ref, is_now=False), "datasource": _uid(), "intervalMs": period_s * 1000}
        return Asked(nodes=(node(ref, UID, model, window),), ref=ref)

    def variables(self) -> list[dict[str, Any]]:
        """Names that are not known are regular expressions in the queries: no variable is needed."""
        return []


def _uid() -> dict[str, str]:
    return {"type": "prometheus", "uid": UID}


def _target(expression: str, ref: str, *, is_now: bool) -> Target:
    return {
        "datasource": {"type": "prometheus", "uid": "${prometheus}"},
        "refId": ref,
        "editorMode": "code",
        "expr": expression,
        "instant": is_now,
        "range": not is_now,
    }
