"""Searches of logs, addresses of Datadog and links, as Datadog writes them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import quote

from dashboards.panels import LogQuery, Page
from dashboards.resources import Name, System, slug

#: Levels as Datadog has them in `status`: ERROR is error; FATAL and CRITICAL are critical or emergency.
ERRORS = "status:(error OR critical OR alert OR emergency)"
#: What Datadog puts into links of widgets: the time that is shown.
#: https://docs.datadoghq.com/dashboards/guide/context-links/
CORRELATION_ID = "{{$correlation_id.value}}"
FROM, TO = "{{timestamp_start}}", "{{timestamp_end}}"


def search(query: LogQuery, correlation_id: str = "*") -> str:
    """Return the search of a query. correlation_id: the ID it asks for; `*` for lines that have one."""
    parts = [
        one for one in (services(query.services), "" if query.services else groups(query.log_groups)) if one
    ]
    if query.is_errors:
        parts.append(f"({ERRORS} OR @error.kind:*)")
    if query.is_by_correlation_id:
        parts.append(f"@correlation_id:{correlation_id}")
    return " ".join(parts) or "*"


def services(names: Sequence[str]) -> str:
    """Return `service:(a OR b)`; "" for none."""
    return _any("service", sorted(set(names)))


def groups(names: Sequence[Name]) -> str:
    """Return the search by log groups of those whose lines name no service."""
    shown = sorted({name.shown for name in names if name.shown.strip("*")})
    return _any("@aws.awslogs.logGroup", shown)


def _any(key: str, values: Sequence[str]) -> str:
    kept = [escaped(value) for value in values]
    if not kept:
        return ""
    return f"{key}:{kept[0]}" if len(kept) == 1 else f"{key}:({' OR '.join(kept)})"


def escaped(value: str) -> str:
    """Return a value as a search has it: in quotes where it has other characters than a word."""
    # https://docs.datadoghq.com/logs/explorer/search_syntax/#escape-special-characters-and-spaces
    return value if re.fullmatch(r"[\w.*-]+", value) else '"' + value.replace('"', r"\"") + '"'


def site(system: System) -> str:
    """Return the site of the sink of observe.yaml: https://docs.datadoghq.com/getting_started/site/"""
    for sink in system.config.sinks.values():
        if sink.get("type") == "datadog":
            return str(sink.get("site", "datadoghq.com"))
    return "datadoghq.com"


def host(system: System) -> str:
    """Return where the organization is."""
    name = site(system)
    return f"https://{name}" if name.count(".") > 1 else f"https://app.{name}"


def logs_address(system: System, text: str, has_time: bool = True) -> str:
    """Return the address of the log explorer with a search, of the time that is shown."""
    time = f"&from_ts={FROM}&to_ts={TO}&live=false" if has_time else ""
    return f"{host(system)}/logs?query={_in_address(text)}{time}"


def traces_address(system: System, text: str) -> str:
    """Return the address of the trace explorer with a search, of the time that is shown."""
    return f"{host(system)}/apm/traces?query={_in_address(text)}&start={FROM}&end={TO}"


def system_tag(system: System) -> str:
    """Return the tag of all that is made for a system, so that two of them stay apart: `system:claims`."""
    return f"system:{slug(system.title)[:180]}"


def board_title(system: System, page: Page) -> str:
    """Return the title of a page's dashboard: no two systems have one of the same."""
    return page.title if page.title == system.title else f"{system.title} - {page.title}"


def page_address(system: System, page: Page) -> str:
    """Return a search by title: a dashboard's address holds an ID that it has once it is created."""
    return f"{host(system)}/dashboard/lists?q={quote(board_title(system, page))}"


def custom_link(template: str) -> str | None:
    """Return a link of observe.yaml as one of a widget; None where it needs an ID that no graph has."""
    filled = template.replace("{from}", FROM).replace("{to}", TO).replace("{correlation_id}", CORRELATION_ID)
    return None if re.search(r"(?<!\{)\{[a-z_]+\}", filled) else filled


def markdown(text: str, system: System, pages: Sequence[Page], queries: Sequence[LogQuery]) -> str:
    """Return markdown whose links to pages and queries are addresses."""
    by_page = {page.name: page for page in pages}
    by_query = {query.name: query for query in queries}

    def link(match: re.Match[str]) -> str:
        label, kind, name = match.groups()
        if kind == "page" and name in by_page:
            return f"[{label}]({page_address(system, by_page[name])})"
        if kind == "query" and name in by_query:
            return f"[{label}]({logs_address(system, search(by_query[name]), has_time=False)})"
        return label

    return re.sub(r"\[([^\]]+)\]\((page|query):([^)]+)\)", link, text)


def _in_address(text: str) -> str:
    return quote(text, safe="@:*(){}$")
