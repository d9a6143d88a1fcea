"""One page as an HTML document that opens from a file: nothing of it comes from anywhere else."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256

from dashboards.panels import Page, PageKind, Section
from dashboards.preview.axes import moment
from dashboards.preview.escape import text
from dashboards.preview.folding import folded_html, parted
from dashboards.preview.lines_html import query_html
from dashboards.preview.markdown import html_of
from dashboards.preview.panels_html import panel_html
from dashboards.preview.scene import Scene
from dashboards.preview.script import SCRIPT
from dashboards.preview.style import STYLE
from dashboards.preview.summary import summary_html
from dashboards.preview.units import length

_KINDS: dict[PageKind, str] = {
    "system": "System",
    "endpoint": "Endpoints",
    "service": "Services",
    "pipeline": "Pipeline",
}
#: More pages than this can be filtered by name.
_MANY = 12
_PART = re.compile(r"(\(\d+ of \d+\))$")
_DIGEST = b64encode(sha256(SCRIPT.encode()).digest()).decode()
#: Nothing is loaded and nothing is sent; the one script is the one that was generated.
_POLICY = (
    f"default-src 'none'; script-src 'sha256-{_DIGEST}'; style-src 'unsafe-inline'; "
    "base-uri 'none'; form-action 'none'"
)


def page_html(page: Page, scene: Scene) -> str:
    """Return a page as a document."""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{text(_POLICY)}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>{text(_title(page, scene))}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        f'<div class="page">\n{_navigation(page, scene)}\n<main>\n{_header(page, scene)}\n'
        f"{''.join(_sections(page, scene))}{_queries(page, scene)}{_footer()}</main>\n</div>\n"
        f"<script>{SCRIPT}</script>\n</body>\n</html>\n"
    )


def _title(page: Page, scene: Scene) -> str:
    return page.title if page.kind == "system" else f"{page.title} - {scene.system.title}"


def _navigation(page: Page, scene: Scene) -> str:
    parts = [f'<nav aria-label="Pages"><strong>{text(scene.system.title)}</strong>']
    if len(scene.pages) > _MANY:
        # Only a script can filter: without one there is no field.
        parts.append('<input type="search" aria-label="Filter pages" placeholder="Filter pages" hidden>')
    for kind, title in _KINDS.items():
        items = "".join(_item(one, page, scene) for one in scene.pages if one.kind == kind)
        if items:
            parts.append(f"<h2>{title}</h2><ul>{items}</ul>")
    return "".join((*parts, "</nav>"))


def _item(one: Page, current: Page, scene: Scene) -> str:
    is_here = ' aria-current="page"' if one.name == current.name else ""
    # A page that goes on on others has the same subject as they have.
    part = _PART.search(one.title)
    label = f"{one.subject} {part[1]}" if one.subject and part else one.subject or one.title
    return f'<li><a href="{scene.href_of_page(one.name)}"{is_here}><bdi>{text(label)}</bdi></a></li>'


def _header(page: Page, scene: Scene) -> str:
    about = html_of(page.about, lambda target: scene.resolve(target, page)) if page.about else ""
    return (
        f'<header><h1>{text(page.title)}</h1><p class="time">{text(_time(scene))}</p>'
        f'<div class="about">{about}</div>{summary_html(page, scene)}</header>\n'
    )


def _time(scene: Scene) -> str:
    window = scene.window
    first, last = moment(window.first_unix_nano), moment(window.last_unix_nano)
    if not window.has_data:
        return "The store has nothing in the time that was asked for."
    seconds = length(max(1, round(window.seconds)))
    return (
        f"{seconds} of data, {first} to {last} UTC. Numbers are those over {seconds}; a point of a graph is "
        f"{length(window.step_s)}."
    )


def _sections(page: Page, scene: Scene) -> Iterator[str]:
    for section in page.sections:
        yield _section(section, page, scene)


def _section(section: Section, page: Page, scene: Scene) -> str:
    note = html_of(section.note, lambda target: scene.resolve(target, page)) if section.note else ""
    shown, folded = parted(section.panels, scene)
    is_alone = len(section.panels) == 1
    panels = "\n".join(
        panel_html(panel, page, scene, is_first, is_titled=not (is_alone and panel.title == section.title))
        for panel, is_first in shown
    )
    told = f'<div class="note">{note}</div>' if note else ""
    grid = f'<div class="grid">{panels}</div>' if panels else ""
    rest = "".join(map(folded_html, folded))
    return f"<section><h2>{text(section.title)}</h2>{told}{grid}{rest}</section>\n"


def _queries(page: Page, scene: Scene) -> str:
    shown = {panel.query.name for section in page.sections for panel in section.panels if panel.query}
    queries = [query for query in page.queries if query.name not in shown]
    if not queries:
        return ""
    links = scene.system.config.links
    boxes = "\n".join(query_html(query, scene.lines.of(query), links) for query in queries)
    return f'<section><h2>Log queries</h2><div class="grid">{boxes}</div></section>\n'


def _footer() -> str:
    return (
        "<footer>A preview made of log lines in the embedded store. Durations of requests are those of the "
        "handling, without the wait for a function's start. All times are UTC.</footer>\n"
    )
