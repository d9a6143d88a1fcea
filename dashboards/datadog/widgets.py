"""Panels as widgets of a dashboard: graphs, notes, states of monitors, streams of logs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dashboards.alarms.told import BURNING
from dashboards.datadog import graphs, tables
from dashboards.datadog.cutovers import overlays
from dashboards.datadog.messages import plain
from dashboards.datadog.searches import (
    custom_link,
    logs_address,
    markdown,
    page_address,
    search,
    services,
    system_tag,
    traces_address,
)
from dashboards.measures import MEASURES
from dashboards.panels import LogQuery, Page, Panel
from dashboards.resources import Note, System

_LOG_COLUMNS = (
    ("status_line", "auto"),
    ("timestamp", "auto"),
    ("service", "auto"),
    ("@correlation_id", "auto"),
    ("content", "full"),
)


class Painter:
    """Draws the panels of one page. notes: what Datadog does not show, each with its reason."""

    def __init__(self, system: System, page: Page, pages: Sequence[Page]) -> None:
        """Know the page's queries and every page that a link may name."""
        self.notes: list[Note] = []
        self.doubts: set[tuple[str, str]] = set()
        #: Variables that stand for names: variable -> key of the tag.
        self.variables: dict[str, str] = {}
        self._system = system
        self._page = page
        self._events = overlays(system, page)
        self._pages = {one.name: one for one in pages}
        self._queries = {query.name: query for one in (*pages, page) for query in one.queries}

    def definition(self, panel: Panel) -> dict[str, Any]:
        """Return the widget of a panel: a note with the reason where Datadog has nothing to show."""
        match panel.kind:
            case "text":
                return note(self.text(f"### {panel.title}\n\n{panel.text}"))
            case "alarms":
                return self._titled(panel, _states(panel, self._page, self._system))
            case "logs":
                return self._titled(panel, _stream(panel.query or LogQuery(name="", title=panel.title)))
        return self._graph(panel)

    def text(self, text: str) -> str:
        """Return markdown with links that lead somewhere."""
        return markdown(text, self._system, list(self._pages.values()), list(self._queries.values()))

    def _graph(self, panel: Panel) -> dict[str, Any]:
        drawn = graphs.Drawn(panel, self._system)
        match panel.kind:
            case "number" if len(panel.series) == 1:
                widget = graphs.value(panel, drawn)
            case "number":
                # A value has one number; side by side they are columns of a table.
                widget = {**tables.table(panel, drawn, self._system), "time": graphs.span(panel)}
            case "table":
                widget = tables.table(panel, drawn, self._system)
            case _:
                widget = graphs.timeseries(panel, drawn, self._events, self._page.kind == "endpoint")
        self.doubts |= drawn.doubts
        self.variables.update(drawn.variables)
        for label, fault in drawn.faults:
            self._note(f"{self._page.title}, {panel.title}: {label}: {fault}", fault)
        if not widget["requests"]:
            reasons = (
                "\n".join(f"- {label}: {fault}" for label, fault in drawn.faults)
                or "- Nothing is to be drawn."
            )
            return note(f"### {panel.title}\n\nNot at Datadog:\n\n{reasons}")
        widget["custom_links"] = self._links(panel)
        return self._titled(panel, widget)

    def _titled(self, panel: Panel, widget: dict[str, Any]) -> dict[str, Any]:
        said = [panel.help, panel.empty or self._empty(panel)]
        said += [f"{mark.label}: {mark.at}." for mark in panel.marks]
        if panel.kind == "table":
            said.append("At Datadog over the last hour, for metrics of CloudWatch come late.")
        about = " ".join(text for text in said if text)
        described = {"description": about} if about and widget["type"] != "note" else {}
        return {"title": panel.title, "title_size": "16", "title_align": "left", **described, **widget}

    def _empty(self, panel: Panel) -> str:
        return " ".join(
            dict.fromkeys(MEASURES[one].empty for one in graphs.measures(panel) if MEASURES[one].empty)
        )

    def _links(self, panel: Panel) -> list[dict[str, str]]:
        links = []
        for link in panel.links:
            address = self._address(link.page, link.query, link.url)
            if address is None:
                self._note(
                    f"{self._page.title}: the link {link.label} needs an ID that a graph does not have; it "
                    "is one click further, in the log line."
                )
            elif address:
                links.append({"label": link.label, "link": address})
        named = services([name for query in self._page.queries for name in query.services])
        if named:
            text = f"{named} {{{{$correlation_id}}}}"
            links.append({"label": "Logs of the correlation ID", "link": logs_address(self._system, text)})
            links.append({"label": "Traces", "link": traces_address(self._system, named)})
        return links

    def _address(self, page: str, query: str, url: str) -> str | None:
        if page in self._pages:
            return page_address(self._system, self._pages[page])
        if query in self._queries:
            return logs_address(self._system, search(self._queries[query], "{{$correlation_id.value}}"))
        return custom_link(url) if url else ""

    def _note(self, text: str, reason: str = "") -> None:
        self.notes.append(Note(level="info", text=text, subject=self._page.subject, reason=reason))


def note(text: str) -> dict[str, Any]:
    """Return a note: markdown without a frame."""
    return {
        "type": "note",
        "content": text or " ",
        "background_color": "transparent",
        "font_size": "14",
        "text_align": "left",
        "vertical_align": "top",
        "show_tick": False,
        "has_padding": True,
    }


def objectives(system: System, endpoint: str) -> dict[str, Any]:
    """Return the list of an endpoint's SLOs with their budgets, found by tag: IDs are not known before."""
    found = f'endpoint:"{plain(endpoint)}" {system_tag(system)} managed_by:hybrid_observe'
    query = {"query_string": found, "limit": 20}
    return {
        "type": "slo_list",
        "title": "Objectives and error budgets",
        "title_size": "16",
        "title_align": "left",
        "requests": [{"request_type": "slo_list", "query": query}],
    }


def _states(panel: Panel, page: Page, system: System) -> dict[str, Any]:
    tags = [f"alarm:{name}" for name in panel.alarms]
    if tags and page.kind == "system":
        # Burn rates are monitors of their own, which no list of alarms names.
        tags.append(f"rule:{BURNING}")
    names = " OR ".join(f'"{tag}"' for tag in tags)
    own = f'tag:"{system_tag(system)}"'
    return {
        "type": "manage_status",
        "query": f"{own} AND tag:({names})" if names else own,
        "summary_type": "monitors",
        "display_format": "countsAndList",
        "color_preference": "text",
        "hide_zero_counts": True,
        "show_last_triggered": True,
        "show_priority": True,
        "sort": "status,asc",
    }


def _stream(query: LogQuery) -> dict[str, Any]:
    order = "asc" if query.is_by_correlation_id else "desc"
    return {
        "type": "list_stream",
        "requests": [
            {
                "response_format": "event_list",
                "columns": [{"field": field, "width": width} for field, width in _LOG_COLUMNS],
                "query": {
                    "data_source": "logs_stream",
                    # Until an ID is chosen above, the variable lets everything through.
                    "query_string": search(query, "").replace("@correlation_id:", "$correlation_id"),
                    "indexes": [],
                    "sort": {"column": "timestamp", "order": order},
                },
            }
        ],
    }
