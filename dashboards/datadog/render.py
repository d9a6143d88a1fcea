"""The renderer of Datadog: dashboards/*.json, monitors/*.json, slos/*.json, all of them as template.yaml,
events/*.json of cutovers, and install.md.

https://docs.datadoghq.com/api/latest/
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from dashboards.alarms.values import Alarms
from dashboards.datadog.boards import board
from dashboards.datadog.cutovers import events
from dashboards.datadog.install import in_order, install_text
from dashboards.datadog.monitors import Monitors
from dashboards.datadog.readings import is_named, variable
from dashboards.datadog.slos import objectives
from dashboards.datadog.template import templates
from dashboards.expressions import metrics_of
from dashboards.panels import Page
from dashboards.rendered import Options, Rendered, pretty
from dashboards.resources import Note, Resource, System


def render(system: System, pages: Sequence[Page], alarms: Alarms, options: Options) -> Rendered:
    """Return the files of Datadog; options has nothing for it."""
    del options
    boards: dict[str, dict[str, Any]] = {}
    notes: list[Note] = []
    doubts: set[tuple[str, str]] = set()
    for page in pages:
        boards[page.name], found, unsure = board(system, page, pages)
        notes += found
        doubts |= unsure
    slos, of_slos = objectives(alarms.slos, system)
    told = msgspec.structs.replace(alarms, slos=tuple(slo for slo in alarms.slos if slo.name in slos))
    monitors = Monitors(system, told, {page.name: page for page in pages})
    notes += [*of_slos, *monitors.notes]
    notes += _uncertain(doubts | monitors.doubts)
    notes += list(_general(system, pages, bool(monitors.made), bool(slos)))
    files = {f"dashboards/{name}.json": pretty(body) for name, body in boards.items()}
    files.update({f"monitors/{name}.json": pretty(body) for name, body in monitors.made.items()})
    files.update({f"slos/{name}.json": pretty(body) for name, body in slos.items()})
    posted = events(system)
    files.update({f"events/{name}.json": pretty(body) for name, body in posted.items()})
    stacks = templates(boards, monitors.made, slos)
    files.update(stacks)
    if files:
        ordered = in_order(monitors.made)
        files["install.md"] = install_text(
            system, list(stacks), list(boards), ordered, list(slos), list(posted)
        )
    return Rendered(files=files, notes=tuple(dict.fromkeys(notes)))


def _uncertain(doubts: set[tuple[str, str]]) -> Iterator[Note]:
    """Yield what Datadog's documents do not say, once for all metrics of which it holds."""
    for doubt in sorted({doubt for doubt, _ in doubts}):
        names = ", ".join(sorted(name for other, name in doubts if other == doubt))
        yield Note(level="info", text=f"Not certain: {names}. {doubt}")


def _general(system: System, pages: Sequence[Page], has_monitors: bool, has_slos: bool) -> Iterator[Note]:
    """Yield what holds for everything that was made."""
    if has_monitors or has_slos:
        yield Note(
            level="info",
            text="IDs of monitors and SLOs are known once they exist: template.yaml fills them in by Ref; in "
            "the JSON files ${monitor:NAME} and ${slo:NAME} stand for them.",
        )
    for name in _unnamed(system, pages):
        yield Note(
            level="info",
            text=f"The name of {name} is only known once it is deployed: {_found_by(system.resources[name])}",
            subject=name,
            place=system.resources[name].place,
        )
    if any(panel.marks for page in pages for section in page.sections for panel in section.panels):
        yield Note(
            level="info",
            text="Graphs of Datadog have no vertical lines of their own: events with the tags cutover and "
            "deployment are laid over them (install.md says how events/*.json are posted), and the help of a "
            "graph tells its cutovers.",
        )
    if system.config.endpoints and not system.config.endpoint_metrics:
        yield Note(
            level="warning",
            text="Requests of endpoints are read from observe.request.duration, which is only sent with "
            "endpoint_metrics: true in observe.yaml.",
        )
    yield Note(
        level="info",
        text="Percentiles of the distributions observe.* are there once enabled in Metrics Summary.",
    )


def _found_by(resource: Resource) -> str:
    if is_named(resource):
        return "Datadog finds it by a tag with wildcards, which may also fit other resources of this shape."
    chosen = f"choose it in the dashboards' variable ${variable(resource)}"
    return f"{chosen}, or tell it with --names, without which no monitor can judge it."


def _unnamed(system: System, pages: Sequence[Page]) -> list[str]:
    subjects = [
        metric.subject
        for page in pages
        for section in page.sections
        for panel in section.panels
        for series in panel.series
        for metric in metrics_of(series.of)
    ]
    found = (system.resources.get(subject) for subject in dict.fromkeys(subjects))
    return [one.id for one in found if one is not None and not one.name.known]
