"""What tests ask pages for."""

from __future__ import annotations

from dashboards.alarms.values import Alarms
from dashboards.pages.build import pages_of
from dashboards.panels import Page, Panel
from dashboards.resources import System
from tests.dashboards.pages.laws import panels


def page(name: str, system: System, alarms: Alarms) -> Page:
    """Return a page by its name."""
    return next(page for page in pages_of(system, alarms) if page.name == name)


def panel(page: Page, id: str) -> Panel:
    """Return a panel of a page by its ID."""
    return next(panel for panel in panels(page) if panel.id == id)


def section(page: Page, title: str) -> tuple[Panel, ...]:
    """Return the panels of a section by its title; none where there is no such section."""
    return next((section.panels for section in page.sections if section.title == title), ())


def lines(panel: Panel) -> dict[str, float]:
    """Return the horizontal lines of a panel: label -> value."""
    return {line.label: line.value for line in panel.lines}
