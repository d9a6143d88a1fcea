"""What alarms say, and where their addresses lead."""

from __future__ import annotations

import re

import msgspec
import pytest

from dashboards.cloudwatch.body import bodies
from dashboards.cloudwatch.context import Context
from dashboards.cloudwatch.descriptions import DESCRIPTION_MAX, description, logs_of
from dashboards.cloudwatch.links import decoded
from dashboards.panels import Link, LogQuery, Page, Panel, Section
from dashboards.resources import Name
from tests.dashboards.sample import SYSTEM

ERRORS = LogQuery(
    name="errors-x",
    title="Newest errors of x",
    log_groups=(Name(known="/legacy/x"),),
    is_errors=True,
)
STORY = msgspec.structs.replace(ERRORS, name="story-x", title="Story of x", is_errors=False,
                                is_by_correlation_id=True)  # fmt: skip
TRACE = "https://traces.example/t/{trace_id}"
PANEL = Panel(
    id="errors",
    title="Newest errors of x",
    kind="logs",
    query=ERRORS,
    help="The newest lines.",
    empty="No line means no error.",
    links=(Link(label="Everything", query="story-x"), Link(label="Open the trace", url=TRACE)),
)
PAGE = Page(
    name="endpoint-x",
    title="x",
    kind="endpoint",
    sections=(Section(title="Errors", panels=(PANEL,)),),
    queries=(ERRORS, STORY),
)
LINKS = (
    Link(label="Wiki", url="https://wiki.example/x"),
    Link(label="Newest errors", query="errors-x"),
    Link(label="Story", query="story-x"),
)
RUNBOOK = "https://runbooks.example/x"


@pytest.fixture
def context() -> Context:
    """A system with one page."""
    return Context(msgspec.structs.replace(SYSTEM, region="eu-west-1"), (PAGE,))


def _said(context: Context, about: str = "It fails.", links: tuple[Link, ...] = LINKS) -> list[str]:
    return description((about, "Threshold: five."), RUNBOOK, PAGE.name, links, context).splitlines()


def test_what_matters_most_comes_first(context: Context) -> None:
    """What it means and why, runbook, dashboard, newest errors, one correlation ID, other addresses."""
    said = _said(context)
    assert said[0] == "It fails. Threshold: five."
    assert [line.partition(":")[0] for line in said[1:]] == [
        "Runbook", "Dashboard", "Newest errors", "Story", "Wiki"]  # fmt: skip


def test_the_newest_errors_are_one_click(context: Context) -> None:
    """The address asks for errors of the log groups."""
    address = next(line for line in _said(context) if line.startswith("Newest errors: https://"))
    asked = decoded(address)
    assert isinstance(asked, dict)
    assert asked["source"] == ["/legacy/x"]
    assert "Task timed out" in str(asked["editorString"])
    assert "sort @timestamp desc" in str(asked["editorString"])


def test_a_query_that_asks_for_an_id_is_told_by_its_name(context: Context) -> None:
    """Saved, Logs Insights asks for the ID."""
    assert "Story: saved query claims-story-x of Logs Insights" in _said(context)


def test_an_address_that_does_not_fit_is_the_name_of_the_saved_query(context: Context) -> None:
    """A long text leaves no room for it."""
    said = _said(context, "It fails. " * 50)
    assert "Newest errors: saved query claims-errors-x of Logs Insights" in said
    assert len("\n".join(said)) <= DESCRIPTION_MAX


def test_a_query_that_is_not_saved_is_not_named(context: Context) -> None:
    """Without a log group that is known by its whole name there is no saved query."""
    unknown = msgspec.structs.replace(ERRORS, log_groups=(Name(pattern="/aws/*"),))
    other = Context(context.system, (msgspec.structs.replace(PAGE, sections=(), queries=(unknown,)),))
    assert not [line for line in _said(other) if line.startswith("Newest errors")]
    assert not [line for line in _said(context, links=(Link(label="x", query="no"),)) if "saved" in line]


def test_a_composite_has_the_queries_of_its_page(context: Context) -> None:
    """Newest errors, then one correlation ID; none of a page that is not there."""
    assert [link.query for link in logs_of("endpoint-x", context)] == ["errors-x", "story-x"]
    assert logs_of("gone", context) == ()


def test_an_address_that_needs_an_id_is_no_link(context: Context) -> None:
    """Neither on a dashboard nor in a description."""
    text = _explained(context)
    assert f"Open the trace: `{TRACE}`" in text
    assert not re.search(r"\]\([^)]*\{", text)
    assert f"Trace: `{TRACE}`" in _said(context, links=(Link(label="Trace", url=TRACE),))


def test_a_panel_is_explained_in_one_paragraph(context: Context) -> None:
    """What it means, why it may be empty, where one click leads: its title stands there once."""
    text = _explained(context)
    assert text.count("**Newest errors of x**") == 1
    assert "The newest lines. No line means no error. [Everything](https://" in text


def _explained(context: Context) -> str:
    (body,) = bodies(PAGE, context)
    found: str = body["widgets"][-1]["properties"]["markdown"]
    return found
