"""The shape of a kind's graphs: what stands in the tables of passing.py, hosting.py and storing.py."""

from __future__ import annotations

import msgspec

from dashboards.expressions import Statistic
from dashboards.panels import PanelKind, Role


class Drawn(msgspec.Struct, frozen=True):
    """A line of a graph: label, measure, and where they differ statistic, colour and factor.

    over: a measure of which it is the share in percent; of a distribution, of the number of its values.
    """

    label: str
    measure: str
    statistic: Statistic | None = None
    role: Role = "neutral"
    by: float = 1.0
    over: str = ""
    is_right: bool = False


class Shown(msgspec.Struct, frozen=True):
    """A graph. what: its title after the resource's name; limits: (label, name of the limit, factor)."""

    what: str
    unit: str
    help: str
    drawn: tuple[Drawn, ...]
    kind: PanelKind = "lines"
    limits: tuple[tuple[str, str, float], ...] = ()
    right_unit: str = ""
    maximum: float | None = None
