"""What of a page can be shown from the documents of a store, and what is said about the rest.

Panels that have no series left are merged into one text at the end of their section, with the reason, so that
no graph is empty for good.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from dashboards.kibana.arithmetic import Absent, Calculation, calculation
from dashboards.kibana.fields import BILLED
from dashboards.kibana.store import Store
from dashboards.kibana.texts import plain
from dashboards.measures import MEASURES
from dashboards.panels import COLUMNS, Page, Panel, Section, Series
from dashboards.resources import Note, System

#: Kinds whose name is no word.
_KINDS = {"api": "API", "graphql": "GraphQL API", "rule": "rule of EventBridge"}
CHARTS = ("lines", "area", "bars", "number", "table")
Drawn = tuple[tuple[Series, Calculation], ...]


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A page of panels that can be shown. drawn: ID of a chart -> its series; absent: page and what."""

    page: Page
    drawn: dict[str, Drawn]
    absent: tuple[tuple[str, Absent], ...]


def shown(page: Page, system: System, store: Store) -> Shown:
    """Return what of a page can be shown there."""
    drawn: dict[str, Drawn] = {}
    absent: list[tuple[str, Absent]] = []
    sections = []
    for number, section in enumerate(page.sections):
        kept, lost = [], []
        for panel in section.panels:
            if panel.kind not in CHARTS:
                kept.append(panel)
                continue
            found = [(series, calculation(series.of, system, store)) for series in panel.series]
            usable = tuple((one, how) for one, how in found if not isinstance(how, Absent))
            missing = [how for _, how in found if isinstance(how, Absent)]
            absent.extend((page.name, how) for how in missing)
            if usable:
                drawn[panel.id] = usable
                kept.append(_told(panel, missing))
            else:
                lost.append((panel.title, missing[0].reason if missing else "it has no series"))
        if lost:
            kept.append(_explained(f"absent-{number}", lost))
        sections.append(Section(title=section.title, panels=tuple(kept), note=section.note))
    return Shown(
        page=msgspec.structs.replace(page, sections=tuple(sections)), drawn=drawn, absent=tuple(absent)
    )


def notes_of(tool: str, pages: Iterable[Shown]) -> tuple[Note, ...]:
    """Return what is absent as notes, one a reason."""
    found: dict[str, tuple[dict[str, None], dict[str, None]]] = {}
    for page in pages:
        for name, absent in page.absent:
            measures, names = found.setdefault(absent.reason, ({}, {}))
            measures[_of_what(absent.measure)] = names[name] = None
    return tuple(
        Note(level="info", text=f"{tool} cannot show {_listed(measures)} (pages {_listed(names)}): {reason}.")
        for reason, (measures, names) in found.items()
    )


def _listed(names: Iterable[str]) -> str:
    several = list(names)
    more = f" and {len(several) - 12} more" if len(several) > 12 else ""
    return ", ".join(several[:12]) + more


def _title(measure: str) -> str:
    """What a measure is called on pages; billed milliseconds are what a cost is made of."""
    return MEASURES["function.cost" if measure == BILLED else measure].title


def _of_what(measure: str) -> str:
    """A title, and of what: several have requests."""
    kind = measure.partition(".")[0]
    return f"{_title(measure)} ({_KINDS.get(kind, kind.replace('_', ' '))})"


def _told(panel: Panel, missing: Sequence[Absent]) -> Panel:
    if not missing:
        return panel
    titles = dict.fromkeys(_title(one.measure) for one in missing)
    lacking = f"Not shown: {_listed(titles)}; {missing[0].reason}."
    return msgspec.structs.replace(panel, help=f"{panel.help} {lacking}".strip())


def _explained(name: str, lost: Sequence[tuple[str, str]]) -> Panel:
    by_reason: dict[str, dict[str, None]] = {}
    for title, reason in lost:
        by_reason.setdefault(reason, {})[title] = None
    lines = [f"- **{', '.join(titles)}**: {reason}." for reason, titles in by_reason.items()]
    height = 1 + sum(1 + len(line) // 180 for line in lines)
    text = "Not shown here:\n\n" + "\n".join(lines)
    return Panel(id=name, title="Not shown here", kind="text", width=COLUMNS, height=height + 1, text=text)


def help_of(panel: Panel) -> str:
    """Return what is said about a panel, as plain text: its help, and why it may be empty."""
    return plain(" ".join(part for part in (panel.help, panel.empty) if part))
