"""A page as bodies of dashboards: heads, widgets, what explains them; more than one where a limit is reached.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_limits.html
"""

from __future__ import annotations

import re
from typing import Any

from dashboards.cloudwatch.context import Context
from dashboards.cloudwatch.descriptions import address_text
from dashboards.cloudwatch.links import is_template
from dashboards.cloudwatch.references import Reference, references_of
from dashboards.cloudwatch.widgets import widget
from dashboards.panels import COLUMNS, Page, Panel, Placed, Section, placed, section_rows, title_rows

WIDGETS_MAX = 500
METRICS_MAX = 2500
#: Each may be a parameter of the template, which has 200 at most.
REFERENCES_MAX = 150
#: Characters of a line of small markdown over the whole width, about.
_LINE = 170

#: Where a link of markdown leads: nobody sees it.
_ADDRESS = re.compile(r"\]\([^)]*\)")

Widget = dict[str, Any]


def bodies(page: Page, context: Context) -> list[dict[str, Any]]:
    """Return the bodies of a page's dashboards, at least one."""
    blocks = [[_text(context.markdown(_head(page)), 0, title_rows(page))]]
    top = title_rows(page)
    for section, here in placed(page):
        rows = section_rows(section)
        block = [_text(context.markdown(_title(section)), top, rows)]
        shift = top + rows - (here[0].y if here else top + rows)
        block += [widget(Placed(one.panel, one.x, one.y + shift), context) for one in here]
        bottom = max((one.bottom + shift for one in here), default=top + rows)
        if words := _explained(section, context):
            height = _height(words)
            block.append(_text(words, bottom, height))
            bottom += height
        blocks.append(block)
        top = bottom
    return [_body(part) for part in _parts(blocks)]


def _head(page: Page) -> str:
    return f"# {page.title}" + (f"\n{page.about}" if page.about else "")


def _title(section: Section) -> str:
    return f"## {section.title}" + (f"\n{section.note}" if section.note else "")


def _text(markdown: str, y: int, height: int) -> Widget:
    properties = {"markdown": markdown, "background": "transparent"}
    return {"type": "text", "x": 0, "y": y, "width": COLUMNS, "height": height, "properties": properties}


def _explained(section: Section, context: Context) -> str:
    """What panels mean, why they may be empty, where one click leads: widgets have no such fields."""
    empty: dict[str, list[Panel]] = {}
    for panel in section.panels:
        empty.setdefault(panel.empty, []).append(panel)
    shared = {why: some for why, some in empty.items() if why and len(some) > 1}
    lines = []
    for panel in section.panels:
        own = "" if panel.empty in shared else panel.empty
        if told := " ".join(one for one in (panel.help, own, _links(panel, context)) if one):
            lines.append(f"**{panel.title}**: {told}")
    lines += [f"**{', '.join(one.title for one in some)}**: {why}" for why, some in shared.items()]
    is_told = any(is_template(link.url) for panel in section.panels for link in panel.links)
    if any(panel.kind == "logs" for panel in section.panels) and not is_told:
        lines.append(_traces(context))
    return "\n\n".join(lines)


def _links(panel: Panel, context: Context) -> str:
    """Where one click leads, as links; then addresses that need an ID, which a widget cannot fill in."""
    links = [one for one in panel.links if not is_template(one.url)]
    to_fill_in = [one for one in panel.links if is_template(one.url)]
    parts = []
    if links:
        parts.append(", ".join(f"[{link.label}]({context.address(link)})" for link in links) + ".")
    if to_fill_in:
        told = ", ".join(f"{link.label}: {address_text(link.url)}" for link in to_fill_in)
        parts.append(f"With the values of a line put in: {told}.")
    return " ".join(parts)


def _traces(context: Context) -> str:
    """From a line of the logs to its trace, where observe.yaml has no address for that."""
    return f"From a line to its trace: search for its trace_id in [X-Ray]({context.traces_link()})."


def _height(markdown: str) -> int:
    visible = [_ADDRESS.sub("]", line) for line in markdown.split("\n\n")]
    return min(1 + sum(1 + len(line) // _LINE for line in visible), 12)


def _parts(blocks: list[list[Widget]]) -> list[list[Widget]]:
    """Distribute widgets over dashboards, in order."""
    parts: list[list[Widget]] = [[]]
    metrics, names = 0, set[Reference]()
    for one in (one for block in blocks for one in block):
        count = len(one["properties"].get("metrics", ()))
        here = set(references_of(one))
        is_full = (
            len(parts[-1]) >= WIDGETS_MAX
            or metrics + count > METRICS_MAX
            or len(names | here) > REFERENCES_MAX
        )
        if parts[-1] and is_full:
            parts.append([])
            metrics, names = 0, set()
        parts[-1].append(one)
        metrics, names = metrics + count, names | here
    return parts


def _body(widgets: list[Widget]) -> dict[str, Any]:
    first = min(one["y"] for one in widgets)
    moved = [{**one, "y": one["y"] - first} for one in widgets]
    return {"start": "-PT3H", "periodOverride": "inherit", "widgets": moved}
