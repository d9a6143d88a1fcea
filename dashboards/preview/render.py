"""Every page with data of the embedded store, as HTML files that open without a server or a network."""

from __future__ import annotations

from collections.abc import Sequence

from dashboards.alarms.values import Alarms
from dashboards.panels import LogQuery, Page
from dashboards.preview.data import facts_of
from dashboards.preview.judge import periods_of, verdicts
from dashboards.preview.lines import lines_of
from dashboards.preview.page import page_html
from dashboards.preview.scene import Scene, files_of
from dashboards.preview.window import window_of
from dashboards.resources import System
from subscribers.insight.answer import Source


def preview(
    system: System,
    pages: Sequence[Page],
    alarms: Alarms,
    source: Source,
    first_unix_nano: int,
    last_unix_nano: int,
) -> dict[str, str]:
    """Return the pages as documents: file name -> text. `index.html` is the system's, `NAME.html` the others.

    source: `Store.query`. first, last: nanoseconds since the epoch, both included; what is shown is the part
    of that time that has data. Raises what the source raises (QueryError and the errors of read_manifest).
    """
    window = window_of(source, first_unix_nano, last_unix_nano, periods_of(alarms))
    facts = facts_of(source, system, window)
    scene = Scene(
        system=system,
        pages=tuple(pages),
        window=window,
        facts=facts,
        lines=lines_of(source, system, window, _queries(pages)),
        verdicts=verdicts(alarms, facts, window),
        files=files_of(tuple(pages)),
    )
    return {scene.files[page.name]: page_html(page, scene) for page in pages}


def _queries(pages: Sequence[Page]) -> list[LogQuery]:
    panels = (panel for page in pages for section in page.sections for panel in section.panels)
    return [
        *(panel.query for panel in panels if panel.query),
        *(query for page in pages for query in page.queries),
    ]
