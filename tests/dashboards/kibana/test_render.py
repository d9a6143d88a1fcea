"""What a page looks like in Kibana: links, what cannot be shown, limits of rules."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from dashboards.alarms.values import Alarm, Alarms, Condition
from dashboards.expressions import Percent, Total
from dashboards.kibana.arithmetic import Absent
from dashboards.kibana.fields import Reading
from dashboards.kibana.filters import Every, Like, Term
from dashboards.kibana.lens import formula
from dashboards.kibana.render import render
from dashboards.kibana.rules import criterion
from dashboards.kibana.store import store_of
from dashboards.panels import Link, Page, Panel, Section, Series
from dashboards.rendered import Options, Rendered
from tests.dashboards.kibana.checks import problems
from tests.dashboards.sample import ALARMS, PAGES, SYSTEM, metric

STORE, _ = store_of(SYSTEM, "elasticsearch")


def dashboard(rendered: Rendered, page: str) -> list[dict[str, Any]]:
    """Return the panels of a page."""
    for line in rendered.files["saved-objects.ndjson"].splitlines():
        one = json.loads(line)
        if one["type"] == "dashboard" and one["id"].endswith(page):
            found: list[dict[str, Any]] = json.loads(one["attributes"]["panelsJSON"])
            return found
    raise AssertionError(page)


def page_of(*panels: Panel) -> Page:
    """Return a page of one section."""
    return Page(name="one", title="One", kind="system", sections=(Section(title="It", panels=panels),))


def chart(name: str, measure: str, **more: Any) -> Panel:
    """Return a graph of one measure."""
    return Panel(
        id=name, title=name, kind="lines", series=(Series(label=measure, of=metric(measure)),), **more
    )


def test_the_same_input_gives_the_same_files() -> None:
    """Files are the same to the byte."""
    assert render(SYSTEM, PAGES, ALARMS, Options()) == render(SYSTEM, PAGES, ALARMS, Options())


def test_a_section_of_what_only_cloudwatch_has_is_one_text() -> None:
    """Two graphs of a queue become one sentence that says where to look."""
    page = page_of(chart("Waiting", "queue.visible"), chart("Oldest", "queue.age"))
    panels = dashboard(render(SYSTEM, (page,), Alarms(), Options()), "one")
    assert [panel["type"] for panel in panels] == ["visualization"] * 3
    words = panels[2]["embeddableConfig"]["savedVis"]["params"]["markdown"]
    assert "**Waiting, Oldest**: only CloudWatch has it" in words


def test_what_cannot_be_shown_is_one_note_a_reason() -> None:
    """Every measure of CloudWatch is in one note, not in a hundred."""
    notes = render(SYSTEM, PAGES, Alarms(), Options()).notes
    assert sum("only CloudWatch has it" in note.text for note in notes) == 1
    assert len(notes) < 10


def test_a_graph_leads_to_another_page_and_to_a_search() -> None:
    """Links of a panel are drilldowns; one that needs an ID is none."""
    links = (
        Link(label="System", page="system"),
        Link(label="Errors", query="errors-submit"),
        Link(label="Trace", url="https://traces.example/{trace_id}"),
        Link(label="Times", url="https://x.example/?from={from}"),
    )
    page = page_of(chart("Requests", "service.requests", links=links))
    rendered = render(SYSTEM, (*PAGES, page), ALARMS, Options())
    assert problems(rendered, SYSTEM, (*PAGES, page), ALARMS) == []
    events = dashboard(rendered, "one")[2]["embeddableConfig"]["enhancements"]["dynamicActions"]["events"]
    assert [event["action"]["name"] for event in events] == ["System", "Errors", "Times"]
    assert events[2]["action"]["config"]["url"]["template"].endswith("{{date context.panel.timeRange.from}}")


def test_an_id_of_a_request_is_a_link_to_its_trace() -> None:
    """`links.trace` of observe.yaml is how a correlation ID is shown in every list of lines."""
    rendered = render(SYSTEM, PAGES, ALARMS, Options())
    view = json.loads(rendered.files["saved-objects.ndjson"].splitlines()[0])
    formats = json.loads(view["attributes"]["fieldFormatMap"])
    template = formats["correlation_id"]["params"]["urlTemplate"]
    assert template == "https://traces.example/t/{{value}}?from=now-30d&to=now"


def test_a_formula_has_the_query_as_it_is() -> None:
    """A formula escapes nothing but its own quote, so what KQL escapes stays as it was."""
    where = Every((Like("http.route", "/claims/{*}"), Term("service.name", "claim's")))
    text = formula(Reading(index="traces", where=where, aggregate="count"))
    assert text == r"""count(kql='http.route: /claims/\{*\} and service.name: "claim\'s"')"""


@pytest.mark.parametrize(("form", "lines"), [("Text", True), ("JSON", False)])
def test_a_rule_counts_a_failed_invocation_once(form: str, lines: bool) -> None:
    """A share counts documents: its report, and where that is text, the line of the exception."""
    function = next(SYSTEM.of_kind("function"))
    logged = msgspec.structs.replace(function, facts={**function.facts, "log_format": form})
    system = msgspec.structs.replace(SYSTEM, resources={**SYSTEM.resources, function.id: logged})
    errors, calls = (metric(f"function.{name}", None, function.id) for name in ("errors", "invocations"))
    found = criterion(Percent(errors, calls), system, STORE)
    assert not isinstance(found, Absent)
    (failed,) = (one["filter"] for one in found.metrics if "aws.lambda.status" in one["filter"])
    assert "aws.lambda.billed_duration: *" in failed
    assert ("metric.name" in failed) is lines


def test_a_share_in_a_rule_is_gated() -> None:
    """Below the gate the equation is 0, so that one failure of one request tells nobody."""
    gated = Percent(metric("endpoint.errors"), metric("endpoint.requests"), gate=20)
    found = criterion(gated, SYSTEM, STORE)
    assert not isinstance(found, Absent)
    assert found.equation == "(A >= 20 ? (A > 0 ? (100 * B) / A : 0) : 0)"


@pytest.mark.parametrize(
    ("of", "words"),
    [
        (metric("endpoint.duration", "p50"), "no percentiles but p95 and p99"),
        (
            Total(
                (
                    metric("endpoint.duration", "p95", "submit/legacy"),
                    metric("endpoint.duration", "p95", "submit/serverless"),
                )
            ),
            "only all alike",
        ),
        (metric("queue.age"), "only CloudWatch"),
    ],
)
def test_what_no_rule_can_say_is_a_reason(of: Any, words: str) -> None:
    """An alarm that Kibana cannot judge has no rule, and a note says why."""
    alarm = Alarm(name="a", rule="r", subject="s", title="A", condition=Condition(of=of, op=">", threshold=1))
    rendered = render(SYSTEM, (), Alarms(alarms=(alarm,)), Options())
    assert not [name for name in rendered.files if name.startswith("rules/")]
    assert [note.level for note in rendered.notes if words in note.text] == ["warning"]


def test_silence_that_is_a_fault_is_told() -> None:
    """Where missing data is breaching the rule tells of no data, too."""
    rendered = render(SYSTEM, PAGES, ALARMS, Options())
    rule = json.loads(rendered.files["rules/endpoint-silent-submit.json"])
    assert rule["params"]["alertOnNoData"] is True
    other = json.loads(rendered.files["rules/endpoint-errors-submit.json"])
    assert other["params"]["alertOnNoData"] is False


def test_a_table_cell_of_the_instructions_has_no_bars() -> None:
    """What stands in a table of markdown cannot break it."""
    alarm = msgspec.structs.replace(ALARMS.alarms[0], about="a | b\nc")
    text = render(SYSTEM, PAGES, Alarms(alarms=(alarm,)), Options()).files["install.md"]
    assert r"a \| b c" in text


def test_a_description_is_plain_text() -> None:
    """The list of dashboards shows it as it is: no marks, no links that lead nowhere."""
    about = "Legacy **and** *serverless*: `POST /claims`, 2 * 3.\n\nSee [the story](query:story) first.\n\n"
    page = msgspec.structs.replace(PAGES[1], about=f"{about}[All](page:system) · [Errors](query:errors)")
    (found,) = (
        one["attributes"]["description"]
        for line in render(SYSTEM, (page,), ALARMS, Options()).files["saved-objects.ndjson"].splitlines()
        if (one := json.loads(line))["type"] == "dashboard"
    )
    assert found == "Legacy and serverless: POST /claims, 2 * 3. See the story first."


def test_what_is_not_shown_has_its_title() -> None:
    """Names of the catalogue are ours; people know the titles."""
    series = tuple(Series(label=one, of=metric(one)) for one in ("service.requests", "queue.visible"))
    page = page_of(Panel(id="both", title="Both", kind="lines", series=series))
    rendered = render(SYSTEM, (page,), Alarms(), Options())
    assert any("cannot show Messages waiting (queue)" in note.text for note in rendered.notes)
    told = rendered.files["saved-objects.ndjson"]
    assert "Not shown: Messages waiting; only CloudWatch has it" in told
    assert "queue.visible" not in told


def test_the_table_of_rules_has_the_words_of_the_listing() -> None:
    """A condition is said as `observe dashboards alarms` says it; a burn rate has its window in its name."""
    text = render(SYSTEM, PAGES, ALARMS, Options()).files["install.md"]
    assert "more than 5% of at least 20 requests, in 2 of 3 periods of 5 min" in text
    assert "| slo-submit-availability-burn-3d | warning | the error budget burns at more than 1 times" in text
