"""Well-formed files that say something wrong are found, and arbitrary pages and alarms never make any."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dashboards.alarms.values import Alarm, Alarms, Condition
from dashboards.datadog.render import render
from dashboards.expressions import Expression, Metric, Percent, Quotient, Scaled, Statistic, Total
from dashboards.measures import MEASURES
from dashboards.panels import Line, Mark, Page, Panel, Section, Series
from dashboards.rendered import Options, Rendered
from tests.dashboards.datadog.checks import problems
from tests.dashboards.sample import ALARMS, PAGES, SYSTEM

VALID = render(SYSTEM, PAGES, ALARMS, Options())
_PAGE = "dashboards/endpoint-submit.json"
_SHARE = "monitors/endpoint-errors-submit-condition.json"
_COMPOSITE = "monitors/endpoint-errors-submit.json"


def _graph(body: Any) -> Any:
    return body["widgets"][1]["definition"]["widgets"][2]["definition"]


def _replaced(old: str, new: str) -> Callable[[str], str]:
    def change(text: str) -> str:
        assert old in text
        return text.replace(old, new)

    return change


def _changed(change: Callable[[Any], object]) -> Callable[[str], str]:
    def changed(text: str) -> str:
        body = json.loads(text)
        change(body)
        return json.dumps(body) + "\n"

    return changed


CASES: dict[str, tuple[str, Callable[[str], str], str]] = {
    "a metric that there is not": (
        _SHARE,
        _replaced("observe.request.duration", "observe.requests"),
        "no metric",
    ),
    "a distribution that is not counted": (_SHARE, _replaced("count:", "sum:"), "no count"),
    "a unit that there is not": (_PAGE, _replaced('"percent"', '"percentage"'), "no unit"),
    "a colour of another role": (
        _PAGE,
        _changed(lambda b: _graph(b)["requests"][0]["style"].update(palette="purple")),
        "colour",
    ),
    "a panel that is left out": (
        _PAGE,
        _changed(lambda b: b["widgets"][1]["definition"]["widgets"].pop(2)),
        "not there",
    ),
    "a variable that nothing uses": (
        _PAGE,
        _changed(
            lambda b: b["template_variables"].append({"name": "pod", "prefix": "pod", "defaults": ["*"]})
        ),
        "nowhere",
    ),
    "a handle that nobody named": (
        _COMPOSITE,
        _changed(lambda b: b.update(message=b["message"] + " @all")),
        "nobody named",
    ),
    "a tag that Datadog would change": (_SHARE, _changed(lambda b: b["tags"].append("Team:Claims")), "tag"),
    "another message in the template": (
        _SHARE,
        _changed(lambda b: b.update(message="Other.")),
        "template: it does not say",
    ),
    "an installation without a monitor": (
        "install.md",
        _replaced("endpoint-errors-submit-traffic", "gone"),
        "does not create endpoint-errors-submit-traffic",
    ),
    "an installation whose block does not end": (
        "install.md",
        lambda text: text.rstrip().removesuffix("```") + "\n",
        "does not end",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_wrong_meaning_is_found(name: str) -> None:
    """Each is told in the words of that fault."""
    path, change, words = CASES[name]
    broken = msgspec.structs.replace(VALID, files={**VALID.files, path: change(VALID.files[path])})
    found = problems(broken, SYSTEM, PAGES, ALARMS)
    assert any(words in one for one in found), found


_SUBJECTS: dict[str, tuple[str, ...]] = {
    **{
        kind: tuple(one.id for one in SYSTEM.of_kind(kind))
        for kind in {one.kind for one in SYSTEM.resources.values()}
    },
    "api": tuple(one.id for one in SYSTEM.of_kind("rest_api", "http_api", "websocket_api")),
    "route": tuple(SYSTEM.routes),
    "endpoint": tuple(f"{name}/{side}" for name in SYSTEM.endpoints for side in ("legacy", "serverless")),
    "service": tuple(SYSTEM.services),
    "sink": ("", "elastic"),
    "pipeline": ("",),
}
_STATISTICS: dict[str, tuple[Statistic, ...]] = {
    "count": ("sum",),
    "gauge": ("avg", "min", "max"),
    "distribution": ("avg", "min", "max", "p50", "p90", "p95", "p99", "count"),
}
_METRICS = st.sampled_from(
    [
        Metric(key, subject, statistic)
        for key, measure in MEASURES.items()
        for subject in (*_SUBJECTS.get(measure.of, ()), "queue:Unknown")
        for statistic in _STATISTICS[measure.shape]
    ]
)
_NUMBERS = st.floats(min_value=0.001, max_value=1e6, allow_nan=False).map(lambda number: round(number, 3))


def _deeper(inner: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    return st.one_of(
        st.builds(Percent, of=inner, over=inner, gate=st.sampled_from([0.0, 1.0, 20.0])),
        st.builds(Quotient, of=inner, over=inner),
        st.builds(Total, of=st.lists(inner, min_size=1, max_size=3).map(tuple)),
        st.builds(Scaled, of=inner, by=_NUMBERS),
    )


EXPRESSIONS: st.SearchStrategy[Expression] = st.recursive(_METRICS, _deeper, max_leaves=6)
_LABELS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20)
_PANELS = st.builds(
    Panel,
    id=st.just("panel"),
    title=st.sampled_from(["Requests", "100 {{of}} @all", "p95 of /a/{b}"]),
    kind=st.sampled_from(["lines", "area", "bars", "number", "table"]),
    width=st.sampled_from([4, 8, 12, 24]),
    height=st.integers(2, 9),
    unit=st.sampled_from(["ms", "s", "%", "By", "1", "{USD}"]),
    series=st.lists(
        st.builds(Series, label=_LABELS, of=EXPRESSIONS),
        min_size=1,
        max_size=3,
        unique_by=lambda one: one.label,
    ).map(tuple),
    lines=st.lists(st.builds(Line, label=_LABELS, value=_NUMBERS, role=st.just("limit")), max_size=1).map(
        tuple
    ),
    marks=st.sampled_from([(), (Mark(label="Cutover", at="2026-06-01T06:00:00Z"),)]),
    period_s=st.sampled_from([60, 300, 3600, 2_419_200]),
)
_CONDITIONS = st.builds(
    Condition,
    of=EXPRESSIONS,
    op=st.sampled_from([">", ">=", "<", "<="]),
    threshold=_NUMBERS,
    period_s=st.sampled_from([60, 300, 3600]),
    periods=st.just(3),
    datapoints=st.integers(1, 3),
    missing=st.sampled_from(["ok", "breaching", "keep"]),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(panels=st.lists(_PANELS, min_size=1, max_size=3), condition=_CONDITIONS, about=_LABELS)
def test_whatever_is_drawn_or_judged_is_valid(panels: list[Panel], condition: Condition, about: str) -> None:
    """Of any expression of the catalogue: valid files, or a note that says why not."""
    page = Page(
        name="any", title="Any", kind="system", sections=(Section(title="All", panels=tuple(panels)),)
    )
    alarm = Alarm(
        name="any", rule="any", subject="any", title="Any", condition=condition, about=f"@{about} {{{{x}}}}"
    )
    alarms = Alarms(alarms=(alarm,))
    rendered: Rendered = render(SYSTEM, [page], alarms, Options())
    assert problems(rendered, SYSTEM, [page], alarms) == []
