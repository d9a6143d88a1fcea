"""What a data source of Grafana is asked: targets of panels and queries of alert rules.

A target is one query of a panel; a node is one entry of an alert rule's `data`. Both are named by a refId.
https://grafana.com/docs/grafana/latest/panels-visualizations/query-transform-data/
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, Protocol

import msgspec

from dashboards.cloudwatch.metrics import Absent
from dashboards.expressions import Expression
from dashboards.panels import LogQuery, Panel

Target = dict[str, Any]
SourceName = Literal["cloudwatch", "prometheus", "elasticsearch"]
EXPRESSIONS = {"type": "__expr__", "uid": "__expr__"}
MIXED = {"type": "datasource", "uid": "-- Mixed --"}


class Drawn(msgspec.Struct, frozen=True, kw_only=True):
    """The targets of a panel. refs: refId of what is seen -> index of its series; absent: what is not."""

    targets: tuple[Target, ...] = ()
    refs: dict[str, int] = {}
    absent: tuple[tuple[str, str], ...] = ()
    #: What is shown instead of what was asked for, as sentences.
    said: tuple[str, ...] = ()


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Nodes of an alert rule that give one series of points, and the refId of that series."""

    nodes: tuple[Target, ...]
    ref: str


class Refs:
    """Gives refIds: A to Z, then AA, AB and so on."""

    def __init__(self) -> None:
        self._count = 0

    def take(self) -> str:
        """Return the next refId."""
        self._count += 1
        number, text = self._count, ""
        while number:
            number, rest = divmod(number - 1, 26)
            text = chr(65 + rest) + text
        return text


class Source(Protocol):
    """A data source that Grafana asks: how panels, logs and alert rules are put to it."""

    @property
    def name(self) -> SourceName:
        """Its name, which is the name of its folder, too."""

    @property
    def uids(self) -> dict[str, str]:
        """Variable of a dashboard -> UID of the data source that it chooses where nobody else does."""

    def draw(self, panel: Panel) -> Drawn:
        """Return the targets of a panel's series."""

    def logs(self, query: LogQuery) -> Target | Absent:
        """Return the target of a search in logs, on a dashboard."""

    def logs_anywhere(self, query: LogQuery) -> Target | Absent:
        """Return the target of a search in logs that needs no variable of a dashboard."""

    def ranged(
        self, expression: Expression, period_s: int, window: tuple[int, int], refs: Refs
    ) -> Asked | Absent:
        """Return an expression by periods, over a window of seconds before now: from, to."""

    def variables(self) -> list[dict[str, Any]]:
        """Return the variables that the targets made so far need; forgets them."""


def node(ref: str, uid: str, model: Target, window: tuple[int, int]) -> Target:
    """Return a query of an alert rule."""
    return {
        "refId": ref,
        "relativeTimeRange": {"from": window[0], "to": window[1]},
        "datasourceUid": uid,
        "model": {**model, "refId": ref},
    }


def mathematics(ref: str, expression: str) -> Target:
    """Return an expression over others as a target."""
    return {"refId": ref, "datasource": EXPRESSIONS, "type": "math", "expression": expression}


def reduced(ref: str, of: str, reducer: str, missing: float | None = None) -> Target:
    """Return one number of a series as a target; missing: what no number in it counts, None: left out."""
    settings: dict[str, Any] = {"mode": "dropNN"}
    if missing is not None:
        settings = {"mode": "replaceNN", "replaceWithValue": missing}
    return {
        "refId": ref,
        "datasource": EXPRESSIONS,
        "type": "reduce",
        "expression": of,
        "reducer": reducer,
        "settings": settings,
    }


def threshold(ref: str, of: str, above: float) -> Target:
    """Return a condition as a target: it is open where a number is above a limit."""
    return {
        "refId": ref,
        "datasource": EXPRESSIONS,
        "type": "threshold",
        "expression": of,
        "conditions": [{"evaluator": {"type": "gt", "params": [above]}}],
    }


def expression_node(model: Target) -> Target:
    """Return a node of an alert rule for a target that is an expression."""
    return node(model["refId"], "__expr__", model, (0, 0))


def grouped(absent: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    """Return reason -> what is absent for it, in order, each once."""
    found: dict[str, dict[str, None]] = {}
    for what, reason in absent:
        found.setdefault(reason, {})[what] = None
    return {reason: list(names) for reason, names in found.items()}
