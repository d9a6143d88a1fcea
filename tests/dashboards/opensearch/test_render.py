"""What pages and alarms are in OpenSearch: colours, limits, cutovers, scripts of monitors."""

from __future__ import annotations

import json
from typing import Any

from dashboards.alarms.values import Alarms
from dashboards.opensearch.render import render
from dashboards.panels import COLOURS
from dashboards.rendered import Options
from tests.dashboards.opensearch.checks import units
from tests.dashboards.sample import ALARMS, PAGES, SYSTEM

RENDERED = render(SYSTEM, PAGES, ALARMS, Options())


def spec(title: str) -> dict[str, Any]:
    """Return the specification of a chart of the endpoint's page."""
    for line in RENDERED.files["saved-objects.ndjson"].splitlines():
        one = json.loads(line)
        if one["type"] == "visualization" and one["attributes"]["title"].endswith(f"/claims: {title}"):
            found: dict[str, Any] = json.loads(json.loads(one["attributes"]["visState"])["params"]["spec"])
            return found
    raise AssertionError(title)


def script(name: str) -> str:
    """Return the script of a monitor."""
    monitor = json.loads(RENDERED.files[f"monitors/{name}.json"])
    found: str = monitor["triggers"][0]["query_level_trigger"]["condition"]["script"]["source"]
    return found


def test_the_same_input_gives_the_same_files() -> None:
    """Files are the same to the byte."""
    assert render(SYSTEM, PAGES, ALARMS, Options()) == RENDERED


def test_sides_have_their_colours() -> None:
    """Legacy and serverless are drawn as on every page."""
    scale = next(units(spec("Error rate")))["encoding"]["color"]["scale"]
    assert scale == {
        "domain": ["legacy", "serverless"],
        "range": [COLOURS["legacy"], COLOURS["serverless"]],
    }


def test_limits_and_cutovers_are_drawn() -> None:
    """A baseline and an objective are lines, and a cutover is one only within the dashboard's time."""
    found = list(units(spec("p95")))
    values = [one["data"]["values"][0] for one in found if "values" in one["data"]]
    assert {"label": "Legacy baseline", "value": 420} in values
    assert {"label": "SLO", "value": 1000} in values
    (rule,) = (one for one in found if one["mark"]["type"] == "rule" and "url" in one["data"])
    steps = {step["as"]: step["calculate"] for step in rule["transform"] if "as" in step}
    assert steps["seen"] == "datum.at >= datum.from && datum.at <= datum.to ? 1 : 0"
    assert rule["encoding"]["opacity"]["field"] == "seen"


def test_a_chart_of_one_kind_of_documents_is_one_search() -> None:
    """Both axes and the cutover are drawn of what is asked for once."""
    found = spec("p95")
    assert "url" in found["data"]
    assert "url" not in json.dumps(found["layer"])


def test_a_ratio_has_an_axis_of_its_own() -> None:
    """What stands on the right does not share the scale of the left."""
    assert spec("p95")["resolve"] == {"scale": {"y": "independent"}}


def test_a_division_by_nothing_is_no_point() -> None:
    """Where there is no request there is no share, and below the gate it is 0."""
    shares = [
        step["calculate"] for step in next(units(spec("Error rate")))["transform"] if "calculate" in step
    ]
    assert shares[0] == (
        "(datum.m0.doc_count >= 20 ? "
        "(datum.m0.doc_count ? (100 * datum.m1.doc_count) / datum.m0.doc_count : NaN) : 0)"
    )


def test_m_of_n_is_counted_as_it_is_said() -> None:
    """Two of three periods: the script counts the buckets of three."""
    monitor = json.loads(RENDERED.files["monitors/endpoint-errors-submit.json"])
    periods = monitor["inputs"][0]["search"]["query"]["aggregations"]["periods"]["filters"]["filters"]
    assert list(periods) == ["p0", "p1", "p2"]
    assert script("endpoint-errors-submit").endswith("return bad >= 2;")


def test_missing_data_mean_what_the_alarm_says() -> None:
    """Silence is a fault for one alarm, and nothing for another."""
    assert "Double.isNaN(value) ? true" in script("endpoint-silent-submit")
    assert "Double.isNaN(value) ? false" in script("endpoint-errors-submit")


def test_a_burn_rate_needs_both_windows() -> None:
    """14.4 times the budget of 0.5% is 7.2%, over an hour and over five minutes."""
    found = script("slo-submit-availability-burn-1h")
    assert found.endswith("return slow > 7.2 && fast > 7.2;")


def test_links_of_charts_stand_below_the_section() -> None:
    """A chart in Vega has no links, so the section's text has them."""
    assert (
        "[p95: Errors](discover#/view/observe-claims-query-errors-submit)"
        in RENDERED.files["saved-objects.ndjson"]
    )


def test_nothing_at_all_is_valid() -> None:
    """Without pages and alarms there are index patterns and instructions."""
    found = render(SYSTEM, (), Alarms(), Options())
    assert list(found.files) == ["install.md", "saved-objects.ndjson"]
    assert found.files["saved-objects.ndjson"].count("\n") == 5
