"""Panels of queues: dead letters with what to do about them, retry queues."""

from __future__ import annotations

from collections.abc import Iterable

from dashboards.pages.drawn import peak
from dashboards.pages.layout import chunks, level, row, text
from dashboards.pages.scene import Scene
from dashboards.pages.titles import called, code, labelled
from dashboards.panels import Line, Panel, Series
from dashboards.resources import Resource

_TOGETHER = 20


def dead_letters(scene: Scene, ids: Iterable[str]) -> tuple[Panel, ...]:
    """Return how many messages lie in dead-letter queues and how old they are, with how to redrive them."""
    queues = scene.resources(ids, "queue")
    if not queues:
        return ()
    advice = text("dead-letters-advice", "What to do", _advice(scene, queues), width=8)
    first, *more = (_graphs(some, index) for index, some in enumerate(chunks(queues, _TOGETHER)))
    return (*level(*first, advice), *(panel for graphs in more for panel in row(*graphs)))


def _graphs(queues: tuple[Resource, ...], index: int) -> tuple[Panel, ...]:
    end = "" if index == 0 else f"-{index + 1}"
    return (
        Panel(
            id=f"dead-letters-waiting{end}",
            title="Dead letters",
            kind="lines",
            width=8,
            help="Messages that were given up and wait for somebody.",
            series=tuple(
                Series(label=label, of=peak("queue.visible", one.id), role="bad")
                for label, one in labelled(queues)
            ),
        ),
        Panel(
            id=f"dead-letters-age{end}",
            title="Age of the oldest dead letter",
            kind="lines",
            width=8,
            unit="s",
            help="When a dead letter reaches the retention time of its queue it is lost.",
            series=tuple(
                Series(label=label, of=peak("queue.age", one.id)) for label, one in labelled(queues)
            ),
            lines=_retention(queues),
        ),
    )


def _retention(queues: tuple[Resource, ...]) -> tuple[Line, ...]:
    limits = sorted({queue.limits["retention_s"] for queue in queues if "retention_s" in queue.limits})
    return tuple(Line(label="Retention: then it is lost", value=limit, role="limit") for limit in limits[:3])


def _advice(scene: Scene, queues: tuple[Resource, ...]) -> str:
    """Say what each queue keeps, and how it goes back."""
    lines = [f"- {code(called(queue))}{_of(scene, queue)}" for queue in queues[:10]]
    if len(queues) > 10:
        lines.append(f"- and {len(queues) - 10} more")
    return "\n".join(
        [
            "Mend the cause first, then send the messages back: **Start DLQ redrive** on the queue's page of "
            "the SQS console, or `aws sqs start-message-move-task --source-arn ARN`.",
            "",
            *lines,
        ]
    )


def _of(scene: Scene, queue: Resource) -> str:
    sources = [called(one) for one in scene.resources(scene.sources([queue.id], "dead_letters"))]
    return f": what {', '.join(map(code, sources[:3]))} gave up" if sources else ""
