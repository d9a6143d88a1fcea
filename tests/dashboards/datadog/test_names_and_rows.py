"""Rows of tables, variables for names that nobody told, and composites that need more than one monitor."""

from __future__ import annotations

import json
from typing import Any

from dashboards.alarms.values import Alarm, Alarms, Composite, Condition
from dashboards.datadog.render import render
from dashboards.expressions import Metric
from dashboards.panels import Page, Panel, PanelKind, Section, Series
from dashboards.rendered import Options, Rendered
from dashboards.resources import Name, Resource, System
from tests.dashboards.datadog.checks import problems


def _function(name: str) -> Resource:
    return Resource(id=f"function:{name}", kind="function", logical_id=name, name=Name(known=name.lower()))


_NAMES = [f"F{at}" for at in range(12)]
_API = Resource(id="http_api:Front", kind="http_api", logical_id="Front", name=Name(pattern="*"))
_SYSTEM = System(resources={one.id: one for one in (*map(_function, _NAMES), _API)})


def _drawn(kind: PanelKind, metrics: list[Metric]) -> tuple[Rendered, dict[str, Any]]:
    series = tuple(Series(label=one.subject, of=one) for one in metrics)
    panel = Panel(id="one", title="One", kind=kind, series=series)
    page = Page(name="all", title="All", kind="system", sections=(Section(title="Some", panels=(panel,)),))
    made = render(_SYSTEM, [page], Alarms(), Options())
    assert problems(made, _SYSTEM, [page], Alarms()) == []
    return made, json.loads(made.files["dashboards/all.json"])


def _widget(board: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = board["widgets"][1]["definition"]["widgets"][0]["definition"]
    return found


def test_functions_are_rows_of_a_table() -> None:
    """One query by function in place of a column each."""
    _, board = _drawn("table", [Metric("function.errors", f"function:{name}", "sum") for name in _NAMES[:2]])
    request = _widget(board)["requests"][0]
    assert [one["query"] for one in request["queries"]] == [
        "sum:aws.lambda.errors{(functionname:f0 OR functionname:f1) AND $env AND $region}"
        " by {functionname}.as_count()"
    ]
    assert [one["formula"] for one in request["formulas"]] == ["q1"]


def test_series_of_other_metrics_are_columns() -> None:
    """Errors beside throttles have no tag in which they differ."""
    metrics = [Metric(f"function.{one}", "function:F0", "sum") for one in ("errors", "throttles")]
    _, board = _drawn("table", metrics)
    aliases = [one["alias"] for one in _widget(board)["requests"][0]["formulas"]]
    assert len(aliases) == 2


def test_a_name_that_nobody_told_is_chosen_in_a_variable() -> None:
    """The graph is there, filtered by what is chosen, and a note says so."""
    made, board = _drawn("lines", [Metric("api.requests", "http_api:Front", "sum")])
    assert {"name": "front_name", "prefix": "apiid", "available_values": [], "defaults": ["*"]} in board[
        "template_variables"
    ]
    assert "{$front_name,$env,$region}" in _widget(board)["requests"][0]["queries"][0]["query"]
    assert any("$front_name" in note.text for note in made.notes)


def test_a_composite_of_many_is_several_and_nobody_is_left_out() -> None:
    """Twelve children are two monitors of ten at most; every child is in one of them."""
    alarms = tuple(
        Alarm(
            name=f"errors-{name.lower()}",
            rule="errors",
            subject=f"function:{name}",
            title=name,
            condition=Condition(of=Metric("function.errors", f"function:{name}", "sum"), op=">", threshold=0),
            is_told=False,
        )
        for name in _NAMES
    )
    every = Composite(name="all", title="All", children=tuple(one.name for one in alarms))
    told = Alarms(alarms=alarms, composites=(every,))
    made = render(_SYSTEM, [], told, Options())
    assert problems(made, _SYSTEM, [], told) == []
    queries = [json.loads(made.files[f"monitors/{name}.json"])["query"] for name in ("all", "all-2")]
    assert [query.count("${monitor:") for query in queries] == [10, 2]
