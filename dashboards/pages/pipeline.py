"""The page of Hybrid Observe itself: whether logs arrive, nothing is lost, and alerts are told."""

from __future__ import annotations

from dashboards.expressions import Scaled, Total
from dashboards.pages import functions, kinds, queues, states
from dashboards.pages.drawn import count, peak
from dashboards.pages.layout import level, row
from dashboards.pages.names import PIPELINE
from dashboards.pages.scene import Scene
from dashboards.pages.titles import page_link
from dashboards.panels import Page, Panel, Role, Section, Series
from dashboards.resources import slug

_ABOUT = (
    "What carries logs, traces and metrics of both sides to the sinks. Whatever is received is delivered, "
    "stored for a later attempt, or dropped on purpose; anything else is a loss."
)


def is_shown(scene: Scene) -> bool:
    """Return whether there is a pipeline: a template has it, or observe.yaml has sinks."""
    return bool(scene.system.pipeline or scene.system.config.sinks)


def page_of(scene: Scene) -> Page:
    """Return the page of the pipeline."""
    sinks = tuple(scene.system.config.sinks)
    alarms = scene.alarms_of(PIPELINE, [*scene.system.pipeline, *sinks])
    sections = (
        Section(title="Alarms", panels=states.panels_of(alarms, "the pipeline")),
        Section(title="Input", panels=_input()),
        *(Section(title=f"Sink {sink}", panels=_sink(sink)) for sink in sinks),
        Section(title="Retries and dead letters", panels=_settling()),
        Section(title="Alerts", panels=_alerts()),
        Section(title="Its functions", panels=_functions(scene)),
        Section(title="Its queues and tables", panels=_resources(scene)),
        Section(title="Dead letters", panels=queues.dead_letters(scene, _dead_letters(scene))),
    )
    return Page(
        name=PIPELINE,
        title="Pipeline",
        kind="pipeline",
        about=f"{_ABOUT}\n\n{page_link('System', 'system')}",
        sections=tuple(section for section in sections if section.panels),
    )


def _lines(id: str, title: str, help: str, *measures: tuple[str, str, Role], subject: str = "") -> Panel:
    """Return a graph of counts of the pipeline. measures: (label, measure, colour)."""
    return Panel(
        id=id,
        title=title,
        kind="lines",
        help=help,
        series=tuple(
            Series(label=label, of=count(measure, subject), role=role) for label, measure, role in measures
        ),
    )


def _input() -> tuple[Panel, ...]:
    return row(
        _lines(
            "input",
            "Events received",
            "Events that were read from log groups and buckets.",
            ("received", "sink.received", "neutral"),
        ),
        _lines(
            "input-kept",
            "Input stored or dropped",
            "Input that could not be read and was stored, and what controls left out.",
            ("stored", "sink.stored", "bad"),
            ("dropped on purpose", "sink.dropped", "neutral"),
        ),
    )


def _sink(sink: str) -> tuple[Panel, ...]:
    parts = tuple(count(f"sink.{part}", sink) for part in ("delivered", "stored", "dropped"))
    received = count("sink.received", sink)
    key = slug(f"sink {sink}")
    labels: tuple[tuple[str, Role], ...] = (
        ("delivered", "good"),
        ("stored", "bad"),
        ("dropped on purpose", "neutral"),
    )
    return row(
        Panel(
            id=f"{key}-parts",
            title=f"{sink}: what became of its events",
            kind="area",
            help="Events delivered, stored for a later attempt or as dead letters, and dropped on purpose.",
            series=tuple(
                Series(label=label, of=of, role=role) for (label, role), of in zip(labels, parts, strict=True)
            ),
        ),
        Panel(
            id=f"{key}-ledger",
            title=f"{sink}: received and not accounted for",
            kind="lines",
            help="Received, and what is neither delivered, stored nor dropped: it returns to 0, else events "
            "are lost.",
            series=(
                Series(label="received", of=received),
                Series(label="not accounted for", of=Total((received, Scaled(Total(parts), -1))), role="bad"),
            ),
        ),
        _lines(
            f"{key}-requests",
            f"{sink}: requests and retries",
            "Requests to the sink, and those that had to be tried again.",
            ("requests", "sink.requests", "neutral"),
            ("tried again", "sink.retries", "bad"),
            subject=sink,
        ),
    )


def _settling() -> tuple[Panel, ...]:
    return row(
        _lines(
            "parts-failed",
            "Parts that could not be settled",
            "Parts of a batch that were neither delivered nor stored; Lambda tries them again.",
            ("failed", "pipeline.parts_failed", "bad"),
        ),
        _lines(
            "items",
            "Items of the retry queues",
            "Items that were tried again, and those that were given up after the last attempt.",
            ("tried again", "pipeline.items_retried", "neutral"),
            ("given up", "pipeline.items_buried", "bad"),
        ),
    )


def _alerts() -> tuple[Panel, ...]:
    states_of = Panel(
        id="incidents",
        title="Open alerts and owed notifications",
        kind="lines",
        help="Alerts that are open, and notifications that could not be sent yet.",
        series=(
            Series(label="open", of=peak("pipeline.incidents_open", "")),
            Series(label="owed", of=peak("pipeline.notifications_owed", ""), role="bad"),
        ),
    )
    notifications = _lines(
        "notifications",
        "Notifications",
        "Notifications sent to destinations, and those that failed.",
        ("sent", "pipeline.notifications_sent", "good"),
        ("failed", "pipeline.notifications_failed", "bad"),
    )
    judged = _lines(
        "judging",
        "Rules and findings",
        "Findings of rules, rules that could not be judged, and events that came too late to be judged.",
        ("findings", "pipeline.findings", "neutral"),
        ("rules failed", "pipeline.rules_failed", "bad"),
        ("late events", "pipeline.late_events", "neutral"),
    )
    return row(states_of, notifications, judged)


def _functions(scene: Scene) -> tuple[Panel, ...]:
    out: list[Panel] = []
    for function in scene.resources(scene.system.pipeline, "function"):
        out += level(
            *row(*functions.brief(scene, function), functions.asynchronous(function)),
        )
    return tuple(out)


def _resources(scene: Scene) -> tuple[Panel, ...]:
    rest = (one for one in scene.resources(scene.system.pipeline) if one.kind != "function")
    return tuple(panel for one in rest for panel in row(*kinds.panels_of(one)))


def _dead_letters(scene: Scene) -> tuple[str, ...]:
    return scene.targets(scene.system.pipeline, "dead_letters")
