"""A page as bodies of dashboards: heads, widgets, what explains them; more than one where a limit is reached.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_limits.html
"""

from __future__ import annotations

import re
from typing import Any

from dashboards.cloudwatch.context import Context
from dashboards.cloudwatch.references import Reference, references_of
from dashboards.cloudwatch.widgets import widget
from dashboards.panels import COLUMNS, Page, Panel, Placed, Section, placed, section_rows, title_rows

WIDGETS_MAX = 500
METRICS_MAX = 2500
#: Each may be a parameter of the template, which has 200 at most.
REFERENCES_MAX = 150
#: Characters of a line of small markdown over the whole width, about.
_LINE = 170

#: Addresses that are of one request.
_NEEDS_ID = re.compile(r"\{(correlation_id|trace_id)\}")

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
    lines = [f"**{panel.title}**: {panel.help}" for panel in section.panels if panel.help]
    empty: dict[str, list[Panel]] = {}
    for panel in section.panels:
        if panel.empty:
            empty.setdefault(panel.empty, []).append(panel)
    lines += [f"**{', '.join(one.title for one in some)}**: {why}" for why, some in empty.items()]
    for panel in section.panels:
        told = [f"[{link.label}]({context.address(link)})" for link in panel.links]
        if told:
            lines.append(f"**{panel.title}**: {', '.join(told)}")
    if any(panel.kind == "logs" for panel in section.panels):
        lines.append(_traces(context))
    return "\n\n".join(lines)


def _traces(context: Context) -> str:
    """From a line of the logs to its trace: widgets cannot fill an ID into an address."""
    wanted = {name: url for name, url in context.system.config.links.items() if _NEEDS_ID.search(url)}
    if wanted:
        told = [f"{name}: `{url}`" for name, url in sorted(wanted.items())]
        return f"From a line to its trace, with the ID of the line put in: {', '.join(told)}"
    return f"From a line to its trace: search for its trace_id in [X-Ray]({context.traces_link()})."


def _height(markdown: str) -> int:
    visible = [line.split("](", 1)[0] for line in markdown.split("\n\n")]
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
