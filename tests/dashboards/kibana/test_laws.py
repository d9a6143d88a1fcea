"""Whatever pages and alarms say, what both products are given is valid: every measure, any arithmetic."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dashboards.alarms.values import Alarm, Alarms, Condition, Missing
from dashboards.expressions import Expression, Metric, Percent, Quotient, Scaled, Statistic, Total
from dashboards.measures import MEASURES, Measure
from dashboards.panels import Line, Mark, Page, Panel, PanelKind, Section, Series
from dashboards.rendered import Options
from subscribers.alerts.model import Op
from tests.dashboards.kibana.checks import problems as kibana_problems
from tests.dashboards.opensearch.checks import problems as opensearch_problems
from tests.dashboards.sample import PAGES, SYSTEM

CHECKS = {"kibana": kibana_problems, "opensearch": opensearch_problems}
STATISTICS: dict[str, tuple[Statistic, ...]] = {
    "count": ("sum",),
    "gauge": ("avg", "min", "max"),
    "distribution": ("p50", "p90", "p95", "p99", "avg", "max", "count"),
}
KINDS: tuple[PanelKind, ...] = ("lines", "area", "bars", "number", "table")
OPS: tuple[Op, ...] = (">", ">=", "<", "<=")
MISSING: tuple[Missing, ...] = ("ok", "breaching", "keep")
#: Words that mean something in one of the languages that they end up in.
WORDS = st.text(alphabet="aZ09 '\"\\|{}()<>:*/$%&é\n", min_size=1, max_size=12).filter(str.strip)
NUMBERS = st.floats(1e-18, 1e15, allow_nan=False) | st.integers(0, 10**6).map(float)


def _subjects(measure: Measure) -> tuple[str, ...]:
    found = {
        "endpoint": [f"{name}/{one.side}" for name, view in SYSTEM.endpoints.items() for one in view.sides],
        "service": list(SYSTEM.services),
        "sink": ["", "elk"],
        "pipeline": [""],
        "route": list(SYSTEM.routes),
        "api": [one.id for one in SYSTEM.of_kind("rest_api", "http_api", "websocket_api")],
    }
    known = found.get(measure.of) or [one.id for one in SYSTEM.resources.values() if one.kind == measure.of]
    return (*known, "no such thing")


@st.composite
def metrics(draw: Callable[..., Any]) -> Metric:
    """Any measure of any subject that the sample has, or of one that it has not."""
    name = draw(st.sampled_from(sorted(MEASURES)))
    measure = MEASURES[name]
    subject = draw(st.sampled_from(_subjects(measure)))
    return Metric(name, subject, draw(st.sampled_from(STATISTICS[measure.shape])))


def _deeper(of: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    return st.one_of(
        st.builds(Percent, of, of, NUMBERS),
        st.builds(Quotient, of, of),
        st.builds(Scaled, of, NUMBERS),
        st.lists(of, min_size=1, max_size=3).map(lambda several: Total(tuple(several))),
    )


EXPRESSIONS: st.SearchStrategy[Expression] = st.recursive(metrics(), _deeper, max_leaves=8)
SERIES = st.builds(
    Series,
    label=WORDS,
    of=EXPRESSIONS,
    role=st.sampled_from(("legacy", "serverless", "good", "bad", "neutral")),
    is_right=st.booleans(),
)
LINES = st.builds(
    Line, label=WORDS, value=NUMBERS, role=st.sampled_from(("limit", "baseline", "objective", "alarm"))
)
MARKS = st.builds(Mark, label=WORDS, at=st.just("2026-11-20T10:00:00Z"))
UNITS = st.sampled_from(("1", "%", "ms", "s", "By", "MBy", "{USD}"))


@st.composite
def pages(draw: Callable[..., Any]) -> Page:
    """One page of a few charts."""
    panels = tuple(
        Panel(
            id=f"panel-{number}",
            title=draw(WORDS),
            kind=draw(st.sampled_from(KINDS)),
            width=draw(st.sampled_from((6, 8, 12, 24))),
            unit=draw(UNITS),
            right_unit=draw(UNITS),
            help=draw(WORDS),
            series=tuple(draw(st.lists(SERIES, min_size=1, max_size=4))),
            lines=tuple(draw(st.lists(LINES, max_size=2))),
            marks=tuple(draw(st.lists(MARKS, max_size=2))),
            maximum=draw(st.none() | st.just(100.0)),
        )
        for number in range(draw(st.integers(1, 4)))
    )
    section = Section(title=draw(WORDS), panels=panels)
    return Page(name="any", title=draw(WORDS), kind="system", sections=(section,))


@st.composite
def alarms(draw: Callable[..., Any]) -> Alarm:
    """An alarm on anything."""
    periods = draw(st.integers(1, 10))
    return Alarm(
        name="any-alarm",
        rule="any",
        subject="any",
        title=draw(WORDS),
        about=draw(WORDS),
        condition=Condition(
            of=draw(EXPRESSIONS),
            op=draw(st.sampled_from(OPS)),
            threshold=draw(NUMBERS),
            period_s=draw(st.sampled_from((60, 300, 900, 3600, 86_400))),
            periods=periods,
            datapoints=draw(st.integers(1, periods)),
            missing=draw(st.sampled_from(MISSING)),
        ),
    )


@pytest.mark.parametrize("target", CHECKS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(page=pages(), alarm=alarms())
def test_any_page_and_any_alarm_are_valid(target: str, page: Page, alarm: Alarm) -> None:
    """Every measure, in any arithmetic, under any name, is a valid chart and rule, or is said to be none."""
    render = import_module(f"dashboards.{target}.render").render
    several, told = (*PAGES, page), Alarms(alarms=(alarm,))
    rendered = render(SYSTEM, several, told, Options())
    assert CHECKS[target](rendered, SYSTEM, several, told) == []
