"""Where links lead in Grafana: dashboards by UID, Explore with a query filled in, address templates.

https://grafana.com/docs/grafana/latest/panels-visualizations/configure-data-links/
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import Any
from urllib.parse import quote

from dashboards.cloudwatch.metrics import Absent
from dashboards.cloudwatch.queries import PARAMETER
from dashboards.grafana.asked import Source, SourceName, Target
from dashboards.panels import Link, LogQuery, Page
from dashboards.resources import System, slug

#: "The maximum length is 40 characters."
UID_MAX = 40
_OURS = re.compile(r"\]\((page|query):([^)\s]+)\)")
_SHORT = {"cloudwatch": "cw", "prometheus": "prom", "elasticsearch": "es"}
#: What stands in braces in observe.yaml's links -> the field of a line, as each data source names it: of
#: CloudWatch those that the query asks for, of Elasticsearch those of subscribers.sinks.ecs.
FIELDS: dict[SourceName, dict[str, str]] = {
    "cloudwatch": {"correlation_id": "correlation_id", "trace_id": "trace_id", "service": "service"},
    "prometheus": {},
    "elasticsearch": {
        "correlation_id": "correlation_id",
        "trace_id": "trace.id",
        "span_id": "span.id",
        "request_id": "faas.execution",
        "service": "service.name",
    },
}
_TIMES = {"from": "${__from:date:iso}", "to": "${__to:date:iso}"}
_PLACEHOLDER = re.compile(r"(?<!\$)\{(\w+)\}")


def uid(system: System, source: str, kind: str, name: str) -> str:
    """Return a UID that is the same as long as the name is: of a dashboard, a rule, a folder."""
    of = blake2b(f"{system.title}|{source}|{kind}|{name}".encode(), digest_size=5).hexdigest()
    short = slug(name)[: UID_MAX - 16 - len(_SHORT[source])].strip("-")
    return f"ho-{_SHORT[source]}-{short}-{of}"


class Links:
    """The addresses of one system's pages and queries, for one data source."""

    def __init__(self, system: System, pages: Iterable[Page], source: Source) -> None:
        self._system, self._source = system, source
        self.pages = {page.name: page for page in pages}
        self.queries: dict[str, LogQuery] = {}
        for page in self.pages.values():
            shown = (panel.query for section in page.sections for panel in section.panels if panel.query)
            for query in (*page.queries, *shown):
                self.queries.setdefault(query.name, query)

    def dashboard(self, name: str) -> str:
        """Return the UID of a page's dashboard."""
        return uid(self._system, self._source.name, "page", name)

    def address(self, link: Link, *, is_on_board: bool = True) -> str:
        """Return where a link leads; "" where it leads nowhere here. is_on_board: see `explore`."""
        if link.page:
            return f"/d/{self.dashboard(link.page)}" if link.page in self.pages else ""
        if link.query:
            return self.explore(link.query, is_on_board=is_on_board)
        return self.filled(link.url)

    def explore(self, name: str, correlation_id: str = "", *, is_on_board: bool = True) -> str:
        """Return Explore's address with a query; "" where the data source cannot ask it.

        correlation_id: what fills it in, such as `${__value.raw}`. is_on_board: whether the link is on a
        dashboard, whose variables know the log groups; elsewhere all of their names must be known.
        """
        query = self.queries.get(name)
        if query is None:
            return ""
        target = self._source.logs(query) if is_on_board else self._source.logs_anywhere(query)
        if isinstance(target, Absent):
            return ""
        return explored(_fixed(target, self._source.uids, self._system, correlation_id))

    def why_not(self, name: str) -> str:
        """Return why a query has no address outside of a dashboard; "" where it has one or is not known."""
        query = self.queries.get(name)
        target = self._source.logs_anywhere(query) if query else None
        return target.reason if isinstance(target, Absent) else ""

    def system_links(self) -> list[tuple[str, str]]:
        """Return observe.yaml's address templates as labels and addresses of lines."""
        names = {"trace": "Trace", "logs": "Logs"}
        found = [(names.get(name, name), self.filled(url)) for name, url in self._system.config.links.items()]
        return [(label, address) for label, address in found if address]

    def filled(self, template: str) -> str:
        """Return an address template of observe.yaml with what Grafana fills in; "" where it cannot."""
        return filled(template, self._source.name)

    def story(self) -> str:
        """Return the name of a query by correlation ID; "" where there is none."""
        return next((name for name, query in self.queries.items() if query.is_by_correlation_id), "")

    def markdown(self, text: str) -> str:
        """Return markdown in which links to pages and queries lead somewhere; others lose their address."""

        def address(match: re.Match[str]) -> str:
            kind, name = match.groups()
            link = Link(label="", page=name) if kind == "page" else Link(label="", query=name)
            return f"]({self.address(link) or '#'})"

        # A dollar sign in braces would be read as a variable of the dashboard.
        return _OURS.sub(address, text.replace("${", "$ {"))


def filled(template: str, source: SourceName) -> str:
    """Return an address template with the fields of a line; "" where lines have no such field."""
    known = _TIMES | {name: _field(field) for name, field in FIELDS[source].items()}
    if not set(_PLACEHOLDER.findall(template)) <= known.keys():
        return ""
    return _PLACEHOLDER.sub(lambda match: known[match[1]], template)


def _field(name: str) -> str:
    """The value of a field of the line that is looked at; one with a dot is named in brackets."""
    return f'${{__data.fields["{name}"]}}' if "." in name else f"${{__data.fields.{name}}}"


def explored(target: Target) -> str:
    """Return the address of Explore with one query of the last hour."""
    pane = {
        "datasource": target["datasource"]["uid"],
        "queries": [target],
        "range": {"from": "now-1h", "to": "now"},
    }
    text = json.dumps({"a": pane}, separators=(",", ":"), sort_keys=True)
    # What Grafana fills in keeps its braces.
    encoded = "".join(
        part if part.startswith("${") else quote(part, safe="") for part in re.split(r"(\$\{[^}]+\})", text)
    )
    return f"/explore?schemaVersion=1&panes={encoded}&orgId=1"


def _fixed(target: Target, uids: Mapping[str, str], system: System, correlation_id: str) -> Target:
    """Explore has no variables of dashboards: what they choose stands there, or is filled in by a click."""

    def value(tree: Any) -> Any:
        match tree:
            case dict():
                return {key: value(one) for key, one in tree.items()}
            case list():
                return [value(one) for one in tree]
            case str():
                for name, known in uids.items():
                    tree = tree.replace(f"${{{name}}}", known)
                tree = tree.replace("$region", system.region or "default")
                return tree.replace(f"${PARAMETER}", correlation_id or "CORRELATION_ID")
            case _:
                return tree

    fixed: Target = value(target)
    if "logGroups" in fixed:
        fixed["logGroups"] = [
            {key: _encoded_variable(text) for key, text in group.items()} for group in fixed["logGroups"]
        ]
    return fixed


def _encoded_variable(text: str) -> str:
    """A variable of the dashboard is filled in where the link is clicked: as a part of an address."""
    return f"${{{text[1:]}:percentencode}}" if text.startswith("$") else text
