"""The validator of OpenSearch's files finds nothing in good ones, and each way of breaking them."""

from __future__ import annotations

import json
from collections.abc import Callable

import msgspec
import pytest

from dashboards.opensearch.render import render
from dashboards.rendered import Options, Rendered
from tests.dashboards.kibana.changing import PAGE, Changing, Tree
from tests.dashboards.opensearch.checks import problems
from tests.dashboards.sample import ALARMS, PAGES, SYSTEM

GOOD = render(SYSTEM, PAGES, ALARMS, Options())
MONITOR = "monitors/endpoint-errors-submit.json"
_CHANGING = Changing(GOOD)
changed, panels = _CHANGING.changed, _CHANGING.panels


def test_good_files_have_no_problems() -> None:
    """Every page and every alarm of the sample is valid."""
    assert problems(GOOD, SYSTEM, PAGES, ALARMS) == []


def state(change: Callable[[Tree], object]) -> Rendered:
    """Return the good files with the visState of the p95 graph changed."""

    def in_state(one: Tree) -> None:
        found = json.loads(one["attributes"]["visState"])
        change(found)
        one["attributes"]["visState"] = json.dumps(found)

    return changed("visualization", in_state, f"{PAGE}-4")


def spec(change: Callable[[Tree], object]) -> Rendered:
    """Return the good files with the specification of the p95 graph changed."""

    def in_spec(one: Tree) -> None:
        found = json.loads(one["params"]["spec"])
        change(found)
        one["params"]["spec"] = json.dumps(found)

    return state(in_spec)


def unit(change: Callable[[Tree], object]) -> Rendered:
    """Return the good files with the first mark of the p95 graph changed."""
    return spec(lambda one: change({**one["layer"][0]["layer"][0], "data": one["data"]}))


def time_of(one: Tree) -> Tree:
    """Return the aggregation of a mark."""
    found: Tree = one["data"]["url"]["body"]["aggs"]["time"]
    return found


def hist(one: Tree) -> Tree:
    """Return the date histogram of a mark."""
    found: Tree = time_of(one)["date_histogram"]
    return found


def monitor(change: Callable[[Tree], object]) -> Rendered:
    """Return the good files with one monitor changed."""
    found = json.loads(GOOD.files[MONITOR])
    change(found)
    return msgspec.structs.replace(GOOD, files={**GOOD.files, MONITOR: json.dumps(found) + "\n"})


def script(old: str, new: str) -> Rendered:
    """Return the good files with the script of one monitor changed."""

    def in_script(one: Tree) -> None:
        found = one["triggers"][0]["query_level_trigger"]["condition"]["script"]
        found["source"] = found["source"].replace(old, new)

    return monitor(in_script)


def search(one: Tree) -> Tree:
    """Return the query of a monitor."""
    found: Tree = one["inputs"][0]["search"]["query"]
    return found


BROKEN: dict[str, tuple[Rendered, str]] = {
    "unknown attribute": (changed("dashboard", lambda o: o["attributes"].update(colour=1)), "colour"),
    "attribute missing": (changed("search", lambda o: o["attributes"].pop("hits")), "hits"),
    "newer format": (changed("search", lambda o: o.update(typeMigrationVersion="8.9.0")), "typeMigration"),
    "other version": (
        changed("search", lambda o: o.update(migrationVersion={"lens": "7.9.3"})),
        "version of another",
    ),
    "unknown type": (changed("visualization", lambda o: o.update(type="lens")), "no known type"),
    "dangling": (changed("dashboard", lambda o: o["references"][0].update(id="gone")), "not there"),
    "reference missing": (changed("dashboard", lambda o: o["references"].pop()), "lacks the reference"),
    "reference of nobody": (
        panels(lambda p: p.pop()),
        "nothing uses",
    ),
    "same ID": (changed("dashboard", lambda o: o.update(id=PAGE), "observe-claims-system"), "2 times"),
    "overlap": (panels(lambda p: p[3]["gridData"].update(x=0)), "overlap"),
    "too wide": (panels(lambda p: p[4]["gridData"].update(w=17)), "outside"),
    "other index": (panels(lambda p: p[2]["gridData"].update(i="q")), "is not panelIndex"),
    "Lens": (state(lambda s: s.update(type="lens")), "not valid"),
    "aggregations of Vega": (state(lambda s: s.update(aggs=[{}])), "not valid"),
    "spec no JSON": (state(lambda s: s["params"].update(spec="{")), "no JSON"),
    "unknown schema": (spec(lambda s: s.update({"$schema": "x"})), "was expected"),
    "unknown mark": (unit(lambda u: u["mark"].update(type="boxes")), "boxes"),
    "no such field": (
        unit(lambda u: time_of(u)["aggs"]["m0"]["aggs"]["v"]["percentiles"].update(field="duration")),
        "duration is no field",
    ),
    "filter of no field": (
        unit(lambda u: time_of(u)["aggs"]["m0"].update(filter={"term": {"service": {"value": "a"}}})),
        "service is no field",
    ),
    "not asked for": (unit(lambda u: time_of(u)["aggs"].pop("m1")), "not asked for"),
    "not read": (unit(lambda u: time_of(u)["aggs"].update(m9={"filter": {"match_all": {}}})), "not read"),
    "drawn of nothing": (unit(lambda u: u["encoding"]["y"].update(field="amount")), "nothing makes"),
    "folded of nothing": (unit(lambda u: u["transform"].pop(0)), "not there to transform"),
    "interval that stays": (
        unit(lambda u: hist(u).update(fixed_interval=hist(u).pop("interval"))),
        "below interval alone",
    ),
    "no data": (spec(lambda s: s.pop("data")), "'data' is a required"),
    "one name twice": (
        unit(lambda u: u["encoding"]["color"]["scale"].update(domain=["p95", "p95"])),
        "two series have one name",
    ),
    "link to nowhere": (
        changed("dashboard", lambda o: o["attributes"].update(description="[a](#/view/gone)")),
        "leads to gone",
    ),
    "no context": (unit(lambda u: u["data"]["url"].pop("%context%")), "not valid"),
    "unknown trigger": (monitor(lambda m: m["triggers"][0].update(bucket_level_trigger={})), "bucket_level"),
    "no index": (monitor(lambda m: m["inputs"][0]["search"].update(indices=[])), "indices"),
    "monitor's field": (
        monitor(lambda m: search(m)["query"]["bool"]["filter"].append({"exists": {"field": "sevice"}})),
        "sevice is no field",
    ),
    "script reads nothing": (script("m1.doc_count", "m7.doc_count"), "m7.doc_count is read"),
    "brackets of a script": (script("((double)", "(double)"), "brackets"),
    "never": (script("bad >= 2", "bad >= 4"), "can never be"),
    "no return": (script("return", "//"), "returns nothing"),
    "keyword": (script("p.m0", "p.long.m0"), "word of Painless"),
    "silent": (msgspec.structs.replace(GOOD, notes=()), "nothing says"),
}


@pytest.mark.parametrize("way", BROKEN)
def test_each_way_of_breaking_is_found(way: str) -> None:
    """Valid files that are broken in one way are refused for that."""
    broken, words = BROKEN[way]
    found = problems(broken, SYSTEM, PAGES, ALARMS)
    assert any(words in one for one in found), found[:5]
