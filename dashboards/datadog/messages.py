"""What a monitor says and how it is tagged: what it means, why that limit, who answers, where to look.

https://docs.datadoghq.com/monitors/notify/variables/
"""

from __future__ import annotations

import re

from dashboards.alarms.told import Told
from dashboards.datadog.searches import logs_address, page_address, search, system_tag
from dashboards.panels import Link, Page
from dashboards.resources import System


def tags(told: Told, system: System) -> list[str]:
    """Return tags as Datadog stores them; by `system:` and `alarm:` dashboards find the monitor."""
    pairs = {
        "alarm": told.alarm,
        "managed_by": "hybrid_observe",
        "rule": told.rule,
        "severity": told.severity,
        "subject": told.subject,
        "team": told.owner,
    }
    named = [f"{key}:{plain(value)}" for key, value in pairs.items() if value]
    return sorted([*named, system_tag(system)])


def plain(text: str) -> str:
    """Return a value of a tag: lower case, other characters as `_`, at most 180."""
    return re.sub(r"[^a-z0-9_\-:./]+", "_", text.lower()).strip("_")[:180]


def message(told: Told, how: str, system: System, pages: dict[str, Page]) -> str:
    """Return the message: when it opens, when it closes, and whom it tells."""
    lines = [told.about, told.reason and f"Why this limit: {told.reason}", how]
    lines += [told.owner and f"Owner: {told.owner}", told.runbook and f"Runbook: {told.runbook}"]
    if told.page in pages:
        lines.append(f"Dashboard: {page_address(system, pages[told.page])}")
    lines += [_link(link, system, pages) for link in told.links]
    lines.append(f"Logs: {logs_address(system, _where(told, pages), has_time=False)}")
    if not told.is_told:
        return "\n".join(
            _literal(line) for line in [*lines, "Part of another monitor: it tells nobody."] if line
        )
    body = "\n".join(_literal(line) for line in lines if line)
    handles = " ".join(system.config.dashboards.get("datadog_notify", {}).get(told.severity, ()))
    return (
        f"{{{{#is_alert}}}}\n{_literal(told.title)}\n\n{body}\n{{{{/is_alert}}}}\n"
        f"{{{{#is_no_data}}}}\n{_literal(told.title)}: no data.\n\n{body}\n{{{{/is_no_data}}}}\n"
        f"{{{{#is_recovery}}}}\n{_literal(told.title)}: over.\n{{{{/is_recovery}}}}\n{handles}"
    ).strip()


def _link(link: Link, system: System, pages: dict[str, Page]) -> str:
    if link.page in pages:
        return f"{link.label}: {page_address(system, pages[link.page])}"
    for page in pages.values():
        for query in page.queries:
            if link.query and query.name == link.query:
                return f"{link.label}: {logs_address(system, search(query), has_time=False)}"
    # An ID or a time is not known before somebody looks: such a link is for log lines.
    return f"{link.label}: {link.url}" if link.url and "{" not in link.url else ""


def _where(told: Told, pages: dict[str, Page]) -> str:
    page = pages.get(told.page)
    names = [name for query in page.queries for name in query.services] if page else []
    return f"service:({' OR '.join(sorted(set(names)))}) @correlation_id:*" if names else "@correlation_id:*"


def _literal(text: str) -> str:
    """Return a text in which nothing is read as a variable or a handle of ours."""
    apart = text.replace("{{", "{ {").replace("}}", "} }")
    # A handle begins a word; inside of an address it is escaped.
    escaped = re.sub(r"https?://\S+", lambda address: address.group().replace("@", "%40"), apart)
    return re.sub(r"(^|[\s(,;:])@", r"\1(at)", escaped)
