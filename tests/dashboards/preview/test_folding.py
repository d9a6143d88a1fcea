"""Panels without data are one quiet line a reason, and what is left of their row shares its width."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from dashboards.alarms.values import Alarm, Alarms, Condition
from dashboards.expressions import Metric
from dashboards.panels import COLOURS, Line, Page, Panel, PanelKind, Section, Series
from dashboards.preview.colours import shade
from dashboards.preview.render import preview
from tests.dashboards.preview.filled import FIRST, LAST, filled_store
from tests.dashboards.sample import SUBMIT, SYSTEM

_REQUESTS = Metric("service.requests", "claims-legacy", "sum")
_COST = Metric("function.cost", SUBMIT.id, "sum")
_QUEUE = Metric("queue.visible", "queue:TheQueue", "max")


def _panel(
    title: str, of: Metric, width: int = 8, kind: PanelKind = "lines", period_s: int = 300, help: str = "x."
) -> Panel:
    series = (Series(label="all", of=of, role="good"),)
    return Panel(
        id=title, title=title, kind=kind, width=width, series=series, period_s=period_s, help=help, unit="1"
    )


def _document(path: Path, *panels: Panel, alarms: Alarms | None = None) -> str:
    page = Page(name="system", title="x", kind="system", sections=(Section(title="Part", panels=panels),))
    return preview(SYSTEM, (page,), alarms or Alarms(), filled_store(path).query, FIRST, LAST)["index.html"]


def test_graphs_that_only_cloudwatch_has_are_one_line(tmp_path: Path) -> None:
    """Named once a resource, and all of them when it is opened."""
    document = _document(
        tmp_path, _panel("q: messages", _QUEUE), _panel("q: age", _QUEUE), _panel("other: messages", _QUEUE)
    )

    assert document.count("<figure") == 0
    assert "<summary>q, other: 3 graphs. Only CloudWatch has it;" in document
    assert "<li>q: age<small>x.</small></li>" in document


def test_one_graph_is_named_by_its_title(tmp_path: Path) -> None:
    """`1 graph` of something says less than which one."""
    assert "<summary>q: messages. Only CloudWatch" in _document(tmp_path, _panel("q: messages", _QUEUE))


def test_what_is_left_of_a_row_is_as_wide_as_half_the_page_at_most(tmp_path: Path) -> None:
    """Three of eight columns become two of twelve; what was alone stays what it was."""
    document = _document(
        tmp_path,
        _panel("a", _REQUESTS),
        _panel("gone", _QUEUE),
        _panel("b", _REQUESTS),
        _panel("c", _REQUESTS),
    )

    assert document.count("--w:12") == 2
    assert document.count("--w:8") == 1
    assert document.count("first-of-row") - document.split("</style>")[0].count("first-of-row") == 2


def test_bars_of_days_are_a_sum_and_a_rate_where_less_is_shown(tmp_path: Path) -> None:
    """Ten requests at 0.0001 USD in 9.5 s."""
    cost = _panel("cost", _COST, kind="bars", period_s=86_400, help="All of it in a day.")

    document = _document(tmp_path, cost)

    assert 'class="chart"' not in document
    assert "a day at this rate" in document
    assert "All of it in 10 s." in document


def test_a_broken_promise_is_red(tmp_path: Path) -> None:
    """A green number below its objective would say the opposite."""
    number = _panel("good", _REQUESTS, kind="number")
    promise = Line(label="SLO", value=5.0, role="objective")
    kept = Line(label="SLO", value=4.0, role="objective")

    broken_one = _document(tmp_path / "1", replace(number, lines=(promise,)))
    kept_one = _document(tmp_path / "2", replace(number, lines=(kept,)))

    assert 'class="number bad"' in broken_one
    assert 'class="number bad"' not in kept_one


def test_alarms_that_would_fire_are_rows_and_the_others_are_folded(tmp_path: Path) -> None:
    """Fifty times `ok` hide the one that is not."""
    alarms = Alarms(alarms=(*(_alarm(f"calm-{n}", 1e6) for n in range(50)), _alarm("loud", 0)))
    listed = Panel(
        id="alarms",
        title="Alarms",
        kind="alarms",
        help="States of the alarms of the system.",
        alarms=tuple(one.name for one in alarms.alarms),
    )

    document = _document(tmp_path, listed, alarms=alarms)

    assert document.count("<tr>") == 1
    assert "<td>Alarm loud<small>" in document
    assert "</span> 50 alarms</summary>" in document
    assert 'title="&gt; 1 M in a period of 5 min. Newest: 4; beyond it in 0 of 1. error"' in document


def _alarm(name: str, threshold: float) -> Alarm:
    condition = Condition(of=_REQUESTS, op=">", threshold=threshold, periods=1, datapoints=1)
    return Alarm(name=name, rule="r", subject="s", title=f"Alarm {name}", condition=condition)


@pytest.mark.parametrize("colour", [one for one in COLOURS.values() if one])
def test_shades_of_a_colour_differ(colour: str) -> None:
    """The first is the colour itself, and the fifth is that again."""
    shades = [shade(colour, nth) for nth in range(5)]

    assert shades[0] == shades[4] == colour
    assert len(set(shades)) == 4
