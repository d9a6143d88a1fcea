"""What rendering one system knows and gathers: names, addresses, notes, metric filters that are needed."""

from __future__ import annotations

import re
from collections.abc import Sequence

from dashboards.cloudwatch import links
from dashboards.cloudwatch.filters import Filter
from dashboards.cloudwatch.mathematics import Formulas
from dashboards.cloudwatch.naming import deployed
from dashboards.cloudwatch.queries import search
from dashboards.cloudwatch.references import REGION, references
from dashboards.cloudwatch.switches import switches_of
from dashboards.panels import Link, LogQuery, Page
from dashboards.resources import Note, NoteLevel, Place, System

_TOKEN = re.compile("\ue000[^\ue001]*\ue001")
_OURS = re.compile(r"\[([^\[\]]*)\]\((page|query):([^)\s]+)\)")


class Context:
    """Gathered while pages and alarms are rendered; order of calls is order of output."""

    def __init__(self, system: System, pages: Sequence[Page]) -> None:
        self.system = system
        self.pages = {page.name: page for page in pages}
        self.region = system.region or REGION
        self.queries: dict[str, LogQuery] = {}
        for page in pages:
            for query in (*page.queries, *_shown(page)):
                self.queries.setdefault(query.name, query)
        #: Names of alarms, composites and SLOs that CloudWatch has; filled by `alarms`.
        self.alarm_names: dict[str, None] = {}
        self.filters: dict[Filter, None] = {}
        self._notes: dict[Note, None] = {}
        self._switches = switches_of(system)

    @property
    def notes(self) -> tuple[Note, ...]:
        """What was noted, each once."""
        return tuple(self._notes)

    def is_loose(self, query: str) -> bool:
        """Whether every log group of a widget's query exists only under a condition."""
        groups = [one for one in references(query) if one.around]
        return "SOURCE '" not in _TOKEN.sub("", query) and all(one.item in self._switches for one in groups)

    def is_sure(self, text: str) -> bool:
        """Whether everything that a text names exists under every condition."""
        return not any(one.item in self._switches for one in references(text))

    def note(self, level: NoteLevel, text: str, subject: str = "", place: Place | None = None) -> None:
        """Note what CloudWatch cannot show or tell."""
        self._notes[Note(level=level, text=text, subject=subject, place=place or Place())] = None

    def used(self, formulas: Formulas) -> None:
        """Remember the filters that formulas need, and what they tell instead of what was asked."""
        self.filters.update(formulas.filters)
        for text in formulas.said:
            self.note("info", text)

    def page_link(self, page: str) -> str:
        """Return the address of another page's dashboard."""
        return links.dashboard(self.region, deployed(self.system, page))

    def traces_link(self) -> str:
        """Return the address of the traces of X-Ray."""
        return links.console(self.region, "xray:traces/query")

    def query_link(self, name: str) -> str:
        """Return the address of Logs Insights with a query filled in; empty where it is unknown."""
        query = self.queries.get(name)
        if query is None:
            return links.console(self.region, "logsV2:logs-insights")
        found = search(query, self.system)
        return links.logs_insights(self.region, found.text, found.groups)

    def address(self, link: Link) -> str:
        """Return where a link leads."""
        if link.page:
            return self.page_link(link.page)
        return self.query_link(link.query) if link.query else link.url

    def markdown(self, text: str) -> str:
        """Return markdown with the addresses of pages and queries put in."""

        def address(match: re.Match[str]) -> str:
            label, kind, name = match.groups()
            if kind == "page" and name not in self.pages:
                return label
            found = self.page_link(name) if kind == "page" else self.query_link(name)
            return f"[{label}]({found})"

        return _OURS.sub(address, text)


def _shown(page: Page) -> list[LogQuery]:
    return [panel.query for section in page.sections for panel in section.panels if panel.query]
