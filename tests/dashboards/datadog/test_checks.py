"""The checks of Datadog's files find what is broken: each case breaks valid output in one way."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from dashboards.datadog.render import render
from dashboards.rendered import Options, Rendered
from tests.dashboards.datadog.checks import problems
from tests.dashboards.sample import ALARMS, PAGES, SYSTEM

VALID = render(SYSTEM, PAGES, ALARMS, Options())
_PAGE = "dashboards/endpoint-submit.json"
_SHARE = "monitors/endpoint-errors-submit-condition.json"
_COMPOSITE = "monitors/endpoint-errors-submit.json"
_BURN = "monitors/slo-submit-latency-burn-6h.json"
_LINES = "monitors/every-service-error-lines.json"
_SLO = "slos/slo-submit-availability.json"


def _problems(rendered: Rendered) -> list[str]:
    return problems(rendered, SYSTEM, PAGES, ALARMS)


def _broken(path: str, breaks: Callable[[Any], object]) -> Rendered:
    body = json.loads(VALID.files[path])
    breaks(body)
    return msgspec.structs.replace(VALID, files={**VALID.files, path: json.dumps(body) + "\n"})


def _graph(body: Any) -> Any:
    """Return the graph of error rates."""
    return body["widgets"][1]["definition"]["widgets"][2]["definition"]


def _query(text: str, by: str) -> Callable[[Any], object]:
    def change(body: Any) -> None:
        assert text in body["query"]
        body["query"] = body["query"].replace(text, by)

    return change


CASES: dict[str, tuple[str, Callable[[Any], object], str]] = {
    "an unknown type of widget": (_PAGE, lambda b: _graph(b).update(type="graph"), "model"),
    "an unknown way to draw": (_PAGE, lambda b: _graph(b)["requests"][0].update(display_type="lne"), "model"),
    "a key that no model has": (_PAGE, lambda b: _graph(b)["requests"][0].update(colour="red"), "model"),
    "a number where a text belongs": (_PAGE, lambda b: b.update(title=7), "model"),
    "a layout that is none": (_PAGE, lambda b: b.update(layout_type="rows"), "model"),
    "widgets that overlap": (
        _PAGE,
        lambda b: b["widgets"][1]["definition"]["widgets"][2]["layout"].update(x=0),
        "overlap",
    ),
    "a widget outside of the grid": (
        _PAGE,
        lambda b: b["widgets"][1]["definition"]["widgets"][3]["layout"].update(width=9),
        "outside",
    ),
    "a group that is too low": (_PAGE, lambda b: b["widgets"][1]["layout"].update(height=1), "high"),
    "a formula that names no query": (
        _PAGE,
        lambda b: _graph(b)["requests"][0]["formulas"][0].update(formula="q99"),
        "names",
    ),
    "a formula with a parenthesis too few": (
        _PAGE,
        lambda b: _graph(b)["requests"][0]["formulas"][0].update(formula="(q1 / q2"),
        "missing",
    ),
    "a function that there is not": (
        _PAGE,
        lambda b: _graph(b)["requests"][0]["formulas"][0].update(formula="fill(q1) / q2"),
        "function",
    ),
    "a metric query without a scope": (
        _PAGE,
        lambda b: _graph(b)["requests"][0]["queries"][0].update(query="sum:observe.request.duration"),
        "metric query",
    ),
    "a variable that there is not": (_PAGE, lambda b: b.update(template_variables=[]), "no variable"),
    "a marker without a value": (_PAGE, lambda b: _graph(b)["markers"][0].update(value="0.8"), "marker"),
    "a marker of no kind": (_PAGE, lambda b: _graph(b)["markers"][0].update(display_type="red"), "marker"),
    "a link with open braces": (
        _PAGE,
        lambda b: _graph(b)["custom_links"][0].update(link="https://a.example/{trace_id}"),
        "braces",
    ),
    "a search with a parenthesis too many": (
        _PAGE,
        lambda b: b["widgets"][2]["definition"]["widgets"][0]["definition"]["requests"][0]["query"].update(
            query_string="service:(a OR b"
        ),
        "parentheses",
    ),
    "a threshold that is not the query's": (
        _SHARE,
        lambda b: b["options"]["thresholds"].update(critical=6),
        "critical threshold",
    ),
    "a query and threshold that are not the alarm's": (
        _SHARE,
        lambda b: (
            b.update(query=b["query"].replace("> 5", "> 6")),
            b["options"]["thresholds"].update(critical=6),
        ),
        "not the alarm's",
    ),
    "a comparison the other way": (_SHARE, _query(" > ", " < "), "compare"),
    "a query without a window": (_SHARE, _query("sum(last_10m):", ""), "window"),
    "a window that is too long": (_SHARE, _query("last_10m", "last_30d"), "window"),
    "a type of monitor that there is not": (_SHARE, lambda b: b.update(type="share alert"), "model"),
    "an option that there is not": (_SHARE, lambda b: b["options"].update(quiet=True), "model"),
    "missing data treated in two ways": (
        _LINES,
        lambda b: b["options"].update(notify_no_data=True, no_data_timeframe=10),
        "exclude",
    ),
    "a log query without an index": (_LINES, _query('.index("*")', ""), "query of logs"),
    "a message that does not close": (
        _COMPOSITE,
        lambda b: b.update(message=b["message"].replace("{{/is_alert}}", "")),
        "does not close",
    ),
    "a composite of nothing": (
        _COMPOSITE,
        _query("endpoint-errors-submit-traffic", "gone"),
        "no monitor gone",
    ),
    "a composite that is no expression": (_COMPOSITE, _query(" && !", " & !"), "boolean"),
    "a composite of a composite": (
        "monitors/endpoint-submit.json",
        _query("dead-letters-the-queue", "endpoint-errors-submit"),
        "composite itself",
    ),
    "a burn rate of no SLO": (_BURN, _query("slo-submit-latency", "slo-gone"), "no SLO"),
    "a burn rate over another window": (_BURN, _query('"30d"', '"7d"'), "window"),
    "a burn rate over three days": (_BURN, _query('"6h"', '"3d"'), "windows"),
    "an SLO without a good count": (_SLO, lambda b: b["query"].update(numerator="1 + 1"), "no query"),
    "an SLO of four weeks": (_SLO, lambda b: b["thresholds"][0].update(timeframe="28d"), "model"),
}


def test_the_sample_has_no_problem() -> None:
    """What is broken below is valid before."""
    assert _problems(VALID) == []


@pytest.mark.parametrize("name", CASES)
def test_a_broken_body_is_found(name: str) -> None:
    """Each way to break a body is told in the words of that fault."""
    path, breaks, words = CASES[name]
    found = [one for one in _problems(_broken(path, breaks)) if path.removesuffix(".json") in one]
    assert any(words in one for one in found), found


TEXTS: dict[str, tuple[str, str, str]] = {
    "a type that Datadog has not": ("Type: Datadog::SLOs::SLO", "Type: Datadog::Slos::Slo", "no type"),
    "a property that a type has not": ("        Timeframe: 30d", "        Window: 30d", "properties"),
    "a reference to nothing": ("${SloSloSubmitLatency}", "${SloGone}", "not in this template"),
    "a missing query": ("      Query: avg(last_10m)", "      Search: avg(last_10m)", "properties"),
    "a logical ID with a hyphen": ("  SloSloSubmitLatency:", "  Slo-SubmitLatency:", "logical ID"),
    "a definition that is no JSON": (
        "DashboardDefinition: '{",
        "DashboardDefinition: '[",
        "definition is no JSON",
    ),
}


@pytest.mark.parametrize("name", TEXTS)
def test_a_broken_template_is_found(name: str) -> None:
    """Each way to break the template is told in the words of that fault."""
    old, new, words = TEXTS[name]
    text = VALID.files["template.yaml"]
    assert old in text
    broken = msgspec.structs.replace(VALID, files={**VALID.files, "template.yaml": text.replace(old, new, 1)})
    assert any("template.yaml" in one and words in one for one in _problems(broken))


@pytest.mark.parametrize(
    "path",
    [_PAGE, "monitors/function-near-timeout-assess-claim.json", _SLO, "monitors/endpoint-silent-submit.json"],
)
def test_a_file_that_is_left_out_is_found(path: str) -> None:
    """Every page, alarm and SLO has its file, or a note says why not."""
    files = {name: text for name, text in VALID.files.items() if name != path}
    assert _problems(msgspec.structs.replace(VALID, files=files))


def test_a_file_without_a_last_line_end_is_found() -> None:
    """Files end with a new line."""
    files = {name: text.rstrip("\n") for name, text in VALID.files.items()}
    found = _problems(msgspec.structs.replace(VALID, files=files))
    assert len([one for one in found if "new line" in one]) == len(VALID.files)
