"""The validator of Kibana's files finds nothing in good ones, and each way of breaking them."""

from __future__ import annotations

import json
from collections.abc import Callable

import msgspec
import pytest

from dashboards.kibana.render import render
from dashboards.rendered import Options, Rendered
from tests.dashboards.kibana.changing import PAGE, Changing, Tree
from tests.dashboards.kibana.checks import problems
from tests.dashboards.sample import ALARMS, PAGES, SYSTEM

GOOD = render(SYSTEM, PAGES, ALARMS, Options())
RULE = "rules/endpoint-errors-submit.json"
_CHANGING = Changing(GOOD)
changed, panels = _CHANGING.changed, _CHANGING.panels


def test_good_files_have_no_problems() -> None:
    """Every page and every alarm of the sample is valid."""
    assert problems(GOOD, SYSTEM, PAGES, ALARMS) == []


def lens(change: Callable[[Tree], object]) -> Rendered:
    """Return the good files with the attributes of the p95 graph changed."""
    return panels(lambda found: change(found[4]["embeddableConfig"]["attributes"]))


def layer(change: Callable[[Tree], object]) -> Rendered:
    """Return the good files with the data layer of the p95 graph changed."""
    return lens(lambda one: change(one["state"]["datasourceStates"]["formBased"]["layers"]["data-traces"]))


def drawn(change: Callable[[Tree], object]) -> Rendered:
    """Return the good files with the state of the p95 graph changed."""
    return lens(lambda one: change(one["state"]["visualization"]))


def rule(change: Callable[[Tree], object]) -> Rendered:
    """Return the good files with one rule changed."""
    found = json.loads(GOOD.files[RULE])
    change(found)
    return msgspec.structs.replace(GOOD, files={**GOOD.files, RULE: json.dumps(found) + "\n"})


def files(**change: str) -> Rendered:
    """Return the good files with others."""
    return msgspec.structs.replace(GOOD, files={**GOOD.files, **change})


def criterion(one: Tree) -> Tree:
    """Return the criterion of a rule."""
    found: Tree = one["params"]["criteria"][0]
    return found


def number(change: Callable[[Tree], object]) -> Rendered:
    """Return the good files with the state of every number changed."""

    def in_objects(text: str) -> str:
        lines = [json.loads(line) for line in text.splitlines()]
        for one in (line for line in lines if line["type"] == "dashboard"):
            found = json.loads(one["attributes"]["panelsJSON"])
            for panel in found:
                attributes = panel["embeddableConfig"].get("attributes", {})
                if attributes.get("visualizationType") == "lnsMetric":
                    change(attributes["state"]["visualization"])
            one["attributes"]["panelsJSON"] = json.dumps(found)
        return "".join(json.dumps(line) + "\n" for line in lines)

    return changed_text(in_objects)


def formula_of(one: Tree, change: Callable[[str], str]) -> None:
    """Change the text of the first formula of a layer."""
    params = one["columns"]["s0"]["params"]
    params["formula"] = change(params["formula"])


def words_of(panel: Tree) -> Tree:
    """Return the parameters of a text."""
    found: Tree = panel["embeddableConfig"]["savedVis"]["params"]
    return found


def drilldown_of(found: list[Tree], factory: str, **config: object) -> None:
    """Give the p95 graph a drilldown of the menu."""
    action = {"config": config, "factoryId": factory, "name": "x"}
    event = {"action": action, "eventId": "e", "triggers": ["CONTEXT_MENU_TRIGGER"]}
    found[4]["embeddableConfig"]["enhancements"] = {"dynamicActions": {"events": [event]}}


def changed_text(change: Callable[[str], str]) -> Rendered:
    """Return the good files with the text of the saved objects changed."""
    return files(**{"saved-objects.ndjson": change(GOOD.files["saved-objects.ndjson"])})


BROKEN: dict[str, tuple[Rendered, str]] = {
    "no JSON": (files(**{"saved-objects.ndjson": "{\n"}), "no JSON"),
    "unknown attribute": (changed("dashboard", lambda o: o["attributes"].update(colour=1)), "colour"),
    "attribute missing": (changed("search", lambda o: o["attributes"].pop("title")), "title"),
    "unknown type": (changed("search", lambda o: o.update(type="lens")), "no known type"),
    "dangling view": (changed("search", lambda o: o["references"][0].update(id="gone")), "not there"),
    "reference of nobody": (
        changed(
            "search",
            lambda o: o["references"].append({"id": "observe-all", "name": "x", "type": "index-pattern"}),
        ),
        "nothing uses",
    ),
    "reference missing": (changed("search", lambda o: o["references"].clear()), "lacks the reference"),
    "same ID": (changed("dashboard", lambda o: o.update(id=PAGE), "observe-claims-system"), "2 times"),
    "panels no JSON": (changed("dashboard", lambda o: o["attributes"].update(panelsJSON="[")), "no JSON"),
    "overlap": (panels(lambda p: p[3]["gridData"].update(x=0)), "overlap"),
    "too wide": (panels(lambda p: p[4]["gridData"].update(w=17)), "outside"),
    "other index": (panels(lambda p: p[2]["gridData"].update(i="q")), "is not panelIndex"),
    "unknown panel": (panels(lambda p: p[2].update(type="tsvb")), "not valid"),
    "column order": (layer(lambda one: one["columnOrder"].pop()), "columnOrder"),
    "helper missing": (layer(lambda one: one["columns"]["s0"].update(references=["s9"])), "is no column"),
    "other arithmetic": (
        layer(lambda one: one["columns"]["s0X1"].update(references=["x"])),
        "other columns than it refers to",
    ),
    "no field": (layer(lambda one: one["columns"]["s0X0"].update(sourceField="duration")), "is no field"),
    "bad KQL": (
        layer(lambda one: one["columns"]["s0X0"]["filter"].update(query='service.name: "a" and')),
        "is no KQL",
    ),
    "KQL of no field": (
        layer(lambda one: one["columns"]["s0X0"]["filter"].update(query='service_name: "a"')),
        "service_name is no field",
    ),
    "brackets": (layer(lambda one: one["columns"]["s0"]["params"].update(formula="count(")), "brackets"),
    "unknown accessor": (drawn(lambda one: one["layers"][0]["accessors"].append("s7")), "s7 is no column"),
    "layer not drawn": (drawn(lambda one: one["layers"].pop(1)), "is not drawn"),
    "bad annotation": (
        drawn(lambda one: one["layers"][2]["annotations"][0]["key"].update(timestamp="soon")),
        "not valid",
    ),
    "Lens reference": (lens(lambda one: one["references"].pop()), "no layer's reference"),
    "escaped twice": (
        layer(lambda one: formula_of(one, lambda text: text.replace('"', '\\\\"'))),
        "is no KQL",
    ),
    "formula of other documents": (
        layer(lambda one: formula_of(one, lambda text: text.replace("/claims", "/other"))),
        "asks for other documents",
    ),
    "link to nowhere": (
        panels(lambda p: words_of(p[0]).update(markdown="[a](#/view/gone)")),
        "leads to gone",
    ),
    "search that is none": (
        panels(lambda p: words_of(p[0]).update(markdown="[a](discover#/view/gone)")),
        "leads to gone",
    ),
    "story without a view": (
        changed("index-pattern", lambda o: o["attributes"].update(fieldFormatMap='{"a":"?_a=(index:x,b)"}')),
        "leads to x",
    ),
    "variable of no trigger": (
        panels(lambda p: drilldown_of(p, "URL_DRILLDOWN", url={"template": "https://x/{{event.value}}"})),
        "event.value",
    ),
    "one brace": (
        panels(lambda p: drilldown_of(p, "URL_DRILLDOWN", url={"template": "https://x/{trace_id}"})),
        "trace_id",
    ),
    "trigger of a page": (
        panels(lambda p: drilldown_of(p, "DASHBOARD_TO_DASHBOARD_DRILLDOWN")),
        "has the trigger",
    ),
    "too many objects": (
        changed_text(lambda text: text + '{"id":"x","type":"tag"}\n' * 10_000),
        "more than 10000",
    ),
    "consumer": (rule(lambda r: r.update(consumer="observability")), "observability"),
    "line behind the number": (
        number(lambda v: v.update(trendlineMetricAccessor="t9")),
        "t9 is no column",
    ),
    "line of another layer": (
        number(lambda v: v.update(layerId="trend", metricAccessor="t0")),
        "of another layer",
    ),
    "unknown Lens": (lens(lambda one: one.update(visualizationType="lnsMagic")), "not valid"),
    "dashboard missing": (
        msgspec.structs.replace(GOOD, files={**GOOD.files, "saved-objects.ndjson": "\n"}),
        "0 dashboards",
    ),
    "unused metric": (rule(lambda r: criterion(r).update(equation="A")), "does not use"),
    "equation": (rule(lambda r: criterion(r).update(equation="max(A, B)")), "not match"),
    "filter of a field": (
        rule(lambda r: criterion(r)["metrics"][0].update(aggType="sum", field="event.duration")),
        "not valid",
    ),
    "view of a rule": (rule(lambda r: r["params"]["searchConfiguration"].update(index="x")), "not there"),
    "unknown percentile": (rule(lambda r: criterion(r)["metrics"][0].update(aggType="p50")), "not valid"),
    "no interval": (rule(lambda r: r["schedule"].update(interval="0m")), "interval"),
    "too large": (
        changed("search", lambda o: o["attributes"].update(description="x" * 26_214_400)),
        "larger than 26214400",
    ),
    "too large for a small domain": (
        changed("search", lambda o: o["attributes"].update(description="x" * 10_485_760)),
        "larger than 10485760",
    ),
    "huge object": (
        changed("search", lambda o: o["attributes"].update(description="x" * 4_000_000)),
        "larger than",
    ),
    "no new line": (files(**{"install.md": "x"}), "new line"),
    "silent": (msgspec.structs.replace(GOOD, notes=()), "nothing says"),
}


@pytest.mark.parametrize("way", BROKEN)
def test_each_way_of_breaking_is_found(way: str) -> None:
    """Valid files that are broken in one way are refused for that."""
    broken, words = BROKEN[way]
    found = problems(broken, SYSTEM, PAGES, ALARMS)
    assert any(words in one for one in found), found[:5]
