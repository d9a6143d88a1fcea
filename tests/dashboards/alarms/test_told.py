"""What is told of an alarm, a burn rate, a composite: the same in every tool."""

from __future__ import annotations

from dashboards.alarms.told import BURNING, Told
from tests.dashboards.sample import ALARMS


def test_an_alarm_tells_what_it_is() -> None:
    """Every word of it, under its own name."""
    alarm = ALARMS.alarms[0]
    told = Told.of_alarm(alarm)
    assert (told.name, told.alarm, told.reason) == (alarm.name, alarm.name, alarm.reason)


def test_burn_rates_of_one_slo_have_names_of_their_own() -> None:
    """Pages find them by the SLO, people by the long window."""
    slo = ALARMS.slos[0]
    found = [Told.of_burn(slo, burn) for burn in slo.burns]
    assert [one.name for one in found] == [f"{slo.name}-burn-{span}" for span in ("1h", "6h", "1d", "3d")]
    assert {(one.alarm, one.rule) for one in found} == {(slo.name, BURNING)}
    assert found[0].title == f"{slo.title}: the budget burns 14.4 times too fast, over 1 h"


def test_a_part_tells_nobody() -> None:
    """It is found apart from what it is a part of."""
    told = Told.of_composite(ALARMS.composites[0])
    part = told.part("its condition")
    assert not part.is_told
    assert part.alarm == f"{told.alarm}-part"
    assert part.title == f"{told.title} (its condition)"
