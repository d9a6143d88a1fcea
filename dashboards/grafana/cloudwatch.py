"""CloudWatch as Grafana's data source: metrics by metric math, logs by Logs Insights.

Which metric a measure is, is that of the target CloudWatch (dashboards.cloudwatch): its metric filters must
be deployed for what is counted from logs. Panels share points by ID; alert rules ask one expression of
SEARCH, because Grafana may run the queries of a rule one by one, where IDs of others are unknown.
https://grafana.com/docs/grafana/latest/datasources/aws-cloudwatch/query-editor/
"""

from __future__ import annotations

import re
from typing import Any

from dashboards.cloudwatch.mathematics import Formulas
from dashboards.cloudwatch.metrics import Absent
from dashboards.cloudwatch.queries import GROUPS_MAX, PARAMETER, search
from dashboards.cloudwatch.references import references
from dashboards.cloudwatch.sources import Point
from dashboards.expressions import Expression, metrics_of
from dashboards.grafana.asked import Asked, Drawn, Refs, SourceName, Target, node
from dashboards.grafana.deployed import pattern_of, regex_of, searched, variable_of
from dashboards.panels import LogQuery, Panel
from dashboards.resources import System

UID = "hybrid-observe-cloudwatch"
#: "SEARCH ... finds metrics that told something in the last two weeks"; an alert's period of at most a day.
_LONGEST_S = 86_400
_HOUR_S = 3600
_ID = re.compile(r"\b(m\d+)\b")
_ARRAYS = {"Sum": "SUM", "SampleCount": "SUM", "Average": "AVG", "Minimum": "MIN"}


class CloudWatch:
    """Asks CloudWatch. The variables `cloudwatch` and `region` choose where."""

    name: SourceName = "cloudwatch"

    def __init__(self, system: System) -> None:
        self._system = system
        self.uids: dict[str, str] = {"cloudwatch": UID}
        self._variables: dict[str, dict[str, Any]] = {}

    def draw(self, panel: Panel) -> Drawn:
        """Return hidden points and visible formulas, or visible points where nothing is calculated."""
        formulas, refs = Formulas(self._system), Refs()
        made: list[tuple[int, str]] = []
        absent: list[tuple[str, str]] = []
        for index, series in enumerate(panel.series):
            found = formulas.of(series.of)
            if isinstance(found, Absent):
                absent += [(metric.measure, found.reason) for metric in metrics_of(series.of)][:1]
            else:
                made.append((index, found))
        period_s = min(panel.period_s, _HOUR_S) if panel.period_s > _LONGEST_S else panel.period_s
        is_running = panel.period_s > _LONGEST_S
        plain = {formula: index for index, formula in made if formula in formulas.ids.values()}
        targets: list[Target] = []
        seen: dict[str, int] = {}
        for point, name in formulas.ids.items():
            is_shown = name in plain and not is_running
            label = panel.series[plain[name]].label if is_shown else ""
            target = self._point(refs.take(), name, point, period_s, label=label, is_hidden=not is_shown)
            targets.append(target)
            if is_shown:
                seen[target["refId"]] = plain[name]
        for index, formula in made:
            if not is_running and plain.get(formula) == index:
                continue
            ref = refs.take()
            text = _ID.sub(r"RUNNING_SUM(FILL(\1,0))", formula) if is_running else formula
            label = panel.series[index].label
            targets.append(
                {**self._formula(text, period_s), "refId": ref, "id": f"e{index + 1}", "label": label}
            )
            seen[ref] = index
        return Drawn(targets=tuple(targets), refs=seen, absent=tuple(absent), said=tuple(formulas.said))

    def logs(self, query: LogQuery) -> Target | Absent:
        """Return a query of Logs Insights; groups whose names are not known come from a variable."""
        found = search(query, self._system)
        names = [*found.groups, *(one for one in found.left_out if "*" in one)]
        if not names:
            return Absent(f"No log group of the query {query.title} is known.")
        return {
            "datasource": {"type": "cloudwatch", "uid": "${cloudwatch}"},
            "refId": "A",
            "id": "",
            "queryMode": "Logs",
            "queryLanguage": "CWLI",
            "region": "$region",
            "expression": found.text.replace(f"{{{{{PARAMETER}}}}}", f"${PARAMETER}"),
            "logGroups": [self._group(name) for name in names],
            "statsGroups": [],
        }

    def logs_anywhere(self, query: LogQuery) -> Target | Absent:
        """Return a query over log groups by name, where all of their names are known."""
        found = search(query, self._system)
        names = [pattern_of(name, self._system) for name in (*found.groups, *found.left_out)]
        if not names or any("*" in name for name in names):
            return Absent("names of its log groups are known only where the stack is deployed")
        target = self.logs(query)
        if isinstance(target, Absent):
            return target
        return {**target, "logGroups": [], "logGroupNames": names[:GROUPS_MAX]}

    def ranged(
        self, expression: Expression, period_s: int, window: tuple[int, int], refs: Refs
    ) -> Asked | Absent:
        """Return one expression of SEARCH, which needs no other query."""
        formulas = Formulas(self._system)
        formula = formulas.of(expression)
        if isinstance(formula, Absent):
            return formula
        points = {name: self._searched(point, period_s) for point, name in formulas.ids.items()}
        text = _ID.sub(lambda match: points[match[1]], formula)
        region = self._system.region or "default"
        elsewhere = {point.region for point in formulas.ids if point.region}
        model = {**self._formula(text, period_s), "id": "", "region": next(iter(elsewhere), region)}
        model["datasource"] = {"type": "cloudwatch", "uid": UID}
        ref = refs.take()
        return Asked(nodes=(node(ref, UID, model, window),), ref=ref)

    def variables(self) -> list[dict[str, Any]]:
        """Return the Region, and what finds names that only a deployed stack has."""
        found = [_region(self._system.region), *self._variables.values()]
        self._variables = {}
        return found

    def _point(
        self, ref: str, name: str, point: Point, period_s: int, *, label: str, is_hidden: bool
    ) -> Target:
        return {
            **_metric_query(period_s),
            "refId": ref,
            "id": name,
            "label": label,
            "hide": is_hidden,
            "namespace": point.namespace,
            "metricName": point.name,
            "statistic": point.statistic,
            "dimensions": {key: [self._value(point, key, value)] for key, value in point.dimensions},
            "region": point.region or "$region",
            "metricEditorMode": 0,
            "expression": "",
        }

    def _formula(self, text: str, period_s: int) -> Target:
        return {
            **_metric_query(period_s),
            "label": "",
            "hide": False,
            "namespace": "",
            "metricName": "",
            "statistic": "Average",
            "dimensions": {},
            "region": "$region",
            "metricEditorMode": 1,
            "expression": text,
        }

    def _value(self, point: Point, dimension: str, value: str) -> str:
        """A known value; else a variable that finds it by the shape of its name."""
        if not references(value):
            return value
        pattern = pattern_of(value, self._system)
        name = variable_of(dimension, pattern)
        self._variables[name] = {
            **_variable(name, f"{dimension} like {pattern}", regex_of(pattern)),
            "query": {
                "refId": name,
                "queryType": "dimensionValues",
                "namespace": point.namespace,
                "metricName": point.name,
                "dimensionKey": dimension,
                "dimensionFilters": {},
                "region": "$region",
            },
        }
        return f"${name}"

    def _group(self, name: str) -> dict[str, str]:
        """A log group by its ARN, which Logs Insights wants; unknown parts come from a variable."""
        system = self._system
        if not references(name) and "*" not in name and system.region and system.account:
            return {"arn": f"arn:aws:logs:{system.region}:{system.account}:log-group:{name}:*", "name": name}
        pattern = pattern_of(name, system)
        variable = variable_of("LogGroup", pattern)
        self._variables[variable] = {
            **_variable(variable, f"Log group {pattern}", regex_of(f"*:log-group:{pattern}*")),
            "query": {
                "refId": variable,
                "queryType": "logGroups",
                "logGroupPrefix": pattern.partition("*")[0],
                "region": "$region",
            },
        }
        return {"arn": f"${variable}", "name": f"${variable}"}

    def _searched(self, point: Point, period_s: int) -> str:
        """A point as one array of SEARCH, made one series."""
        keys = ",".join(key if key.isalnum() else f'"{key}"' for key, _ in point.dimensions)
        schema = f"{{{point.namespace}{',' + keys if keys else ''}}}"
        terms = [f'MetricName="{point.name}"']
        for key, value in point.dimensions:
            terms += searched(key, pattern_of(value, self._system))
        words = " ".join([schema, *terms]).replace("'", "")
        array = f"SEARCH('{words}', '{point.statistic}', {period_s})"
        return f"{_ARRAYS.get(point.statistic, 'MAX')}({array})"


def _metric_query(period_s: int) -> Target:
    return {
        "datasource": {"type": "cloudwatch", "uid": "${cloudwatch}"},
        "queryMode": "Metrics",
        "metricQueryType": 0,
        "matchExact": True,
        "period": str(period_s),
    }


def _variable(name: str, label: str, regex: str) -> dict[str, Any]:
    return {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": {"type": "cloudwatch", "uid": "${cloudwatch}"},
        "regex": regex,
        "refresh": 1,
        "sort": 1,
        "hide": 0,
        "includeAll": False,
        "multi": False,
        "current": {},
        "options": [],
    }


def _region(region: str) -> dict[str, Any]:
    """The Region as text: one that is known, or what the data source has as its default."""
    value = region or "default"
    return {
        "name": "region",
        "label": "Region",
        "type": "textbox",
        "query": value,
        "hide": 0,
        "current": {"text": value, "value": value},
        "options": [{"selected": True, "text": value, "value": value}],
    }
