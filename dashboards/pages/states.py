"""Panels of the states of alarms."""

from __future__ import annotations

from dashboards.pages.layout import chunks, numbered, row, text
from dashboards.panels import Panel

#: Alarms that one panel shows, at most; a widget of CloudWatch takes 100.
MOST = 100
_A_ROW = 6


def panels_of(alarms: tuple[str, ...], of: str, key: str = "alarms") -> tuple[Panel, ...]:
    """Return the states of alarms, or a text that says that there are none. of: whose they are.

    key: ID of the first panel.
    """
    if not alarms:
        return row(text(key, "Alarms", f"There is no alarm of {of}."))
    groups = list(chunks(alarms, MOST))
    return tuple(
        Panel(
            id=key if index == 0 else f"{key}-{index + 1}",
            title=numbered("Alarms", index, len(groups)),
            kind="alarms",
            width=24,
            height=min(12, 2 + -(-len(some) // _A_ROW)),
            alarms=some,
            help=f"States of the alarms of {of}, the most urgent first.",
            empty="An alarm that is not deployed has no state.",
        )
        for index, some in enumerate(groups)
    )
