"""Laws over the pages of every system."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from dashboards.expressions import Metric
from dashboards.pages.build import pages_of
from dashboards.panels import Link, Page, Panel, Section, Series
from dashboards.resources import ServiceView
from tests.dashboards.pages import variations
from tests.dashboards.pages.laws import broken, panels
from tests.dashboards.sample import ALARMS, SYSTEM


@pytest.mark.parametrize("name", variations.SYSTEMS)
def test_pages_of_every_system_keep_the_laws(name: str) -> None:
    """Names, IDs, grid, metrics, links, sizes."""
    system, alarms = variations.SYSTEMS[name]
    assert broken(system, alarms, pages_of(system, alarms)) == []


@pytest.mark.parametrize("name", variations.SYSTEMS)
def test_the_same_system_has_the_same_pages(name: str) -> None:
    """Nothing depends on a clock, on chance or on the order of a set."""
    system, alarms = variations.SYSTEMS[name]
    assert pages_of(system, alarms) == pages_of(system, alarms)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.text(min_size=1, max_size=20), unique=True, max_size=8),
    st.integers(min_value=0, max_value=40),
)
def test_names_and_sizes_of_any_kind_keep_the_laws(names: list[str], size: int) -> None:
    """Whatever endpoints and services are called, and however many functions there are."""
    base = variations.large(size)
    one = SYSTEM.endpoints["submit"]
    services = {name: ServiceView(name=name, side="legacy") for name in names}
    endpoints = {
        name: replace(one, name=name, route=f"GET /{name}", downstream=(), serverless=None) for name in names
    }
    system = replace(base, endpoints={**base.endpoints, **endpoints}, services={**base.services, **services})
    assert broken(system, ALARMS, pages_of(system, variations.NO_ALARMS)) == []


def _page(panel: Panel) -> Page:
    return Page(name="system", title="s", kind="system", sections=(Section(title="s", panels=(panel,)),))


def _drawn(measure: str, subject: str, statistic: str) -> Panel:
    metric = Metric(measure, subject, statistic)  # type: ignore[arg-type]
    return Panel(
        id="p", title="P", kind="lines", width=24, help="It.", series=(Series(label="a", of=metric),)
    )


@pytest.mark.parametrize(
    ("panel", "said"),
    [
        (_drawn("queue.visible", "queue:TheQueue", "sum"), "sum of queue.visible"),
        (_drawn("function.errors", "function:SubmitClaim", "p95"), "p95 of function.errors"),
        (_drawn("function.errors", "queue:TheQueue", "sum"), "is no function"),
        (_drawn("endpoint.requests", "policy/serverless", "sum"), "is no endpoint"),
        (_drawn("queue.lost", "queue:TheQueue", "sum"), "not in the catalogue"),
        (Panel(id="p", title="P", kind="text", width=24, text="[a](page:none)"), "page none"),
        (Panel(id="p", title="P", kind="text", width=7), "width 7"),
        (Panel(id="p", title="P", kind="text", width=24, links=(Link(label="a", query="q"),)), "nowhere"),
        (Panel(id="p", title="P", kind="alarms", width=24, help="It.", alarms=("none",)), "alarm none"),
    ],
)
def test_the_laws_see_what_is_wrong(panel: Panel, said: str) -> None:
    """A law that nothing can break proves nothing."""
    assert any(said in problem for problem in broken(SYSTEM, ALARMS, [_page(panel)]))


def test_a_system_of_three_hundred_functions_stays_readable() -> None:
    """Its first page leads to everything, and every page has few panels."""
    pages = pages_of(variations.large(300), variations.NO_ALARMS)
    assert [page.name for page in pages[:2]] == ["system", "system-2"]
    assert {"links-endpoints", "links-serverless-services"} <= {panel.id for panel in panels(pages[0])}
