"""Thresholds of alarms on graphs: only where the number means the same."""

from __future__ import annotations

from msgspec.structs import replace

from dashboards.alarms.values import Alarm, Alarms, Condition
from dashboards.expressions import Expression, Metric, Percent
from tests.dashboards.pages.shown import lines, page, panel
from tests.dashboards.sample import SUBMIT, SYSTEM

_ERRORS = Metric("function.errors", SUBMIT.id, "sum")
_INVOKED = Metric("function.invocations", SUBMIT.id, "sum")


def _lines(of: Expression, panel_id: str, **changes: object) -> dict[str, float]:
    condition = replace(Condition(of=of, op=">", threshold=7), **changes)
    alarm = Alarm(name="a", rule="r", subject=SUBMIT.id, title="Too many", condition=condition)
    shown = page("service-submit-claim", SYSTEM, Alarms(alarms=(alarm,)))
    found = panel(shown, f"function-submitclaim-{panel_id}")
    return {label: value for label, value in lines(found).items() if label.startswith("Alarm")}


def test_a_threshold_is_drawn_on_the_graph_of_its_metric() -> None:
    """With the alarm's title."""
    assert _lines(_INVOKED, "invocations") == {"Alarm: Too many": 7}


def test_a_gate_does_not_hide_the_threshold() -> None:
    """The alarm asks for traffic, the graph does not; the percentage is the same."""
    gated = Percent(_ERRORS, _INVOKED, gate=20)
    assert _lines(gated, "errors", unit="%", period_s=60) == {"Alarm: Too many": 7}


def test_a_threshold_of_a_count_is_not_drawn_where_the_period_differs() -> None:
    """Seven in a minute are not seven in five minutes."""
    assert _lines(_INVOKED, "invocations", period_s=60) == {}


def test_a_threshold_of_another_unit_is_not_drawn() -> None:
    """Seconds do not stand on an axis of milliseconds."""
    slow = Metric("function.duration", SUBMIT.id, "p99")
    assert _lines(slow, "duration", unit="s") == {}
    assert _lines(slow, "duration", unit="ms", period_s=60) == {"Alarm: Too many": 7}


def test_alarms_with_the_same_threshold_share_a_line() -> None:
    """Two labels on one another could not be read."""
    condition = Condition(of=_INVOKED, op=">", threshold=7)
    alarms = tuple(
        Alarm(name=title, rule="r", subject=SUBMIT.id, title=title, condition=condition)
        for title in ("Too many", "Far too many")
    )
    shown = page("service-submit-claim", SYSTEM, Alarms(alarms=alarms))
    assert lines(panel(shown, "function-submitclaim-invocations")) == {"Alarm: Too many (and 1 more)": 7}
