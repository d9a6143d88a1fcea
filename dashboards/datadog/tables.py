"""Tables: a row a series where the series differ in one tag, else a column a series.

Rows of Datadog's tables are groups of one query: functions or services of one measure are asked for in one
query `by {functionname}`. https://docs.datadoghq.com/dashboards/widgets/table/
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from dashboards.datadog.formulas import formula, in_period
from dashboards.datadog.graphs import VARIABLES, Drawn, in_unit, scalar
from dashboards.datadog.readings import NotThereError, Reading
from dashboards.panels import Panel, Series
from dashboards.resources import System

_QUERY = re.compile(r"([^{]+)\{([^}]*)\}(.*)")


def table(panel: Panel, drawn: Drawn, system: System) -> dict[str, Any]:
    """Return a table of a panel's series; without a request where Datadog has none of them."""
    request = _rows(panel, drawn, system) or scalar(panel, drawn)
    # Metrics of CloudWatch come late: five minutes would show nothing.
    time = {"live_span": "1h"}
    return {
        "type": "query_table",
        "requests": [request] if request else [],
        "has_search_bar": "never",
        "time": time,
    }


def _rows(panel: Panel, drawn: Drawn, system: System) -> dict[str, Any] | None:
    shapes = [_shape(series, panel, system) for series in panel.series]
    found = [shape for shape in shapes if shape is not None]
    if len(found) < max(2, len(shapes)) or len({text for text, _ in found}) > 1:
        return None
    queries = []
    keys = set()
    for at, alike in enumerate(zip(*(readings for _, readings in found), strict=True)):
        grouped = _grouped(list(alike))
        if grouped is None:
            return None
        text, key = grouped
        keys.add(key)
        reading = msgspec.structs.replace(alike[0], text=text)
        queries.append({**drawn.query(reading), "name": f"q{at + 1}"})
    if len(keys) != 1:
        return None
    for _, readings in found:
        for reading in readings:
            drawn.saw(reading)
    limit = {"count": len(found), "order": "desc"}
    formulas = [{"formula": found[0][0], "alias": panel.title, "limit": limit, **in_unit(panel.unit)}]
    return {"response_format": "scalar", "queries": queries, "formulas": formulas}


def _shape(series: Series, panel: Panel, system: System) -> tuple[str, list[Reading]] | None:
    """Return the formula of a series over q1, q2 ... and what they read; None where Datadog has it not."""
    readings: list[Reading] = []

    def place(reading: Reading) -> str:
        if reading not in readings:
            readings.append(reading)
        return in_period(f"q{readings.index(reading) + 1}", reading, panel.period_s)

    try:
        return formula(series.of, system, place, VARIABLES), readings
    except NotThereError:
        return None


def _grouped(alike: list[Reading]) -> tuple[str, str] | None:
    """Return one query for several that differ in the value of one tag, and that tag's key."""
    parts = [_QUERY.fullmatch(reading.text) for reading in alike if not reading.is_lines]
    if len(parts) < len(alike) or any(part is None for part in parts):
        return None
    found = [part.groups() for part in parts if part is not None]
    if len({(head, tail) for head, _, tail in found}) > 1:
        return None
    scopes = [scope.split(",") for _, scope, _ in found]
    shared = [tag for tag in scopes[0] if all(tag in scope for scope in scopes)]
    own = [[tag for tag in scope if tag not in shared] for scope in scopes]
    if any(len(tags) != 1 or "$" in tags[0] for tags in own) or len({len(scope) for scope in scopes}) > 1:
        return None
    keys = {tags[0].partition(":")[0] for tags in own}
    if len(keys) > 1:
        return None
    head, _, tail = found[0]
    either = " OR ".join(dict.fromkeys(tags[0] for tags in own))
    return f"{head}{{{' AND '.join([f'({either})', *shared])}}} by {{{min(keys)}}}{tail}", min(keys)
