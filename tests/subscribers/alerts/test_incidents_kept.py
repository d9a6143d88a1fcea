"""What is remembered of alerts that go on: little changes, and no rule has more of them than people read."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from subscribers.alerts.incidents import Incident, Policy
from subscribers.alerts.incidents_bounds import MORE, OPEN_MAX
from subscribers.alerts.model import Finding, Rate
from tests.subscribers.alerts.timelines import MEASURE, MINUTE_S, Timeline, finding, of, policy

GROUPS = 200


def found(minute: int, **settings: Any) -> list[Finding]:
    """What many groups say at a minute: numbers, words and samples are never the same."""
    told: dict[str, Any] = {
        "at_s": minute * MINUTE_S,
        "said": f"{50 + minute} failed",
        "value": 50.0 + minute,
        **settings,
    }
    return [of(f"s{n}", **told) for n in range(GROUPS)]


def changes(line: Timeline, *some: Finding) -> int:
    """How many entries of the state one evaluation changes."""
    before = {one.id: one for one in line.incidents}
    line.step(*some)
    return sum(before.get(one.id) != one for one in line.incidents)


def test_what_goes_on_is_written_every_five_minutes() -> None:
    """In between an incident is what it was, though each minute says something else."""
    line = Timeline(policy())
    assert [changes(line, *found(n)) for n in range(12)] == [GROUPS, 0, 0, 0, 0] * 2 + [GROUPS, 0]
    assert {one.finding.value for one in line.incidents} == {60.0}


@pytest.mark.parametrize(
    "settings", [{"severity": "critical"}, {"value": 500.0}, {"value": 3.0}, {"value": None}, {"limit": 9.0}]
)
def test_what_matters_is_written_at_once(settings: dict[str, object]) -> None:
    """A number that doubles or halves, another severity or limit."""
    line = Timeline(policy())
    line.step(*found(0))
    assert changes(line, *found(1, **settings)) == GROUPS


def test_a_notice_has_the_words_of_its_minute() -> None:
    """However old what is remembered is."""
    line = Timeline(policy(repeat_s=180))
    for n in range(4):
        line.step(*found(n))
    assert [n.incidents[0].finding.said for n in line.notices] == ["50 failed", "53 failed"]


@pytest.mark.parametrize("minutes", range(1, 12))
def test_the_hold_begins_with_the_last_breach(minutes: int) -> None:
    """Whichever minute it was: what is remembered of it may be older."""
    line = Timeline(policy())
    for _ in range(minutes):
        line.step(finding())
    told = [line.step(finding("ok")) for _ in range(10)]
    assert [n for n, some in enumerate(told, 1) if some] == [5]


def test_the_hold_begins_with_the_last_breach_before_it_was_unknown() -> None:
    """What nothing was known of for six minutes, and is well then, is over at once."""
    line = Timeline(policy())
    for _ in range(4):
        line.step(finding())
    assert [line.step(finding("unknown")) for _ in range(6)] == [[]] * 6
    assert line.step(finding("ok")) == ["resolve errors"]
    assert line.notices[-1].reason == "not so for 7 min"


def rate() -> Policy:
    return policy(Rate(name="errors", bad=MEASURE, total=MEASURE, above=1.0, minimum=1), group_wait_s=600)


def test_what_is_no_breach_any_more_is_not_told() -> None:
    """One bad minute and silence: nobody is told, neither behind group_wait nor behind a mute window."""
    mute = {"from": "2026-11-21T03:30:00Z", "to": "2026-11-21T04:00:00Z"}
    for some in (rate(), policy(*rate().rules.values(), mute=(mute,))):
        line = Timeline(some)
        assert line.step(finding()) == []
        assert [line.step() for _ in range(90)] == [[]] * 90
        assert set(line.states().values()) <= {"resolved"}


def test_what_breaches_again_is_told_then() -> None:
    """It waits while nothing is known of it, and nobody waits twice."""
    line = Timeline(rate())
    line.step(finding())
    told = [line.step() for _ in range(20)] + [line.step(finding())]
    assert [n for n, some in enumerate(told, 1) if some] == [21]


def test_what_is_not_known_is_not_told_beside_another() -> None:
    """A further group that breached once is in no notice of an alert that is told again."""
    line = Timeline(policy(*rate().rules.values(), update_wait_s=120))
    assert line.step(of("a")) == ["trigger errors"]
    line.step(of("a"), of("b"))
    assert [line.step(of("a"), of("b", "unknown")) for _ in range(9)] == [[]] * 9
    assert line.step(of("a", severity="critical"), of("b", "unknown")) == ["update errors"]
    assert [one.finding.service for one in line.notices[-1].incidents] == ["a"]


def test_what_is_not_known_is_not_said_to_go_on() -> None:
    """An alert that is repeated every five minutes is not while nothing is known of it."""
    line = Timeline(policy(*rate().rules.values(), group_wait_s=0, repeat_s=300))
    told = [line.step(finding("breach" if n < 7 or n > 20 else "unknown")) for n in range(23)]
    assert [n for n, some in enumerate(told) if some] == [0, 5, 21]


def more(line: Timeline) -> Incident | None:
    return next((one for one in line.incidents if one.group == MORE), None)


def test_a_rule_has_a_thousand_incidents_at_most() -> None:
    """The rest is one with a count; whoever has one keeps it, and what is over makes room."""
    line = Timeline(policy(flapping_hold_s=0, keep_resolved_s=0))
    every = [of(f"s{n:04}") for n in range(2 * OPEN_MAX)]
    for _ in range(3):
        line.step(*every)
        assert len(line.incidents) == OPEN_MAX + 1
    rest = more(line)
    assert rest is not None
    assert rest.finding.said.startswith("1,000 further groups breach, one of them: ")
    own = {one.finding.service for one in line.incidents} - {""}
    left = [one for one in every if one.service not in own]
    line.step(*left, *(of(name, "ok") for name in own))
    assert len([one for one in line.incidents if one.is_live]) <= OPEN_MAX + 1
    line.step(*left, *(of(name, "ok") for name in own))
    live = [one for one in line.incidents if one.is_live]
    assert {one.finding.service for one in live} == {one.service for one in left}
    done = [line.step(*(of(one.service, "ok") for one in every)) for _ in range(2)]
    assert [one for some in done for one in some][-1] == "resolve errors"
    assert line.incidents == ()


def test_the_rest_is_over_when_all_have_their_own() -> None:
    """Also of a rule whose silence is no good news."""
    line = Timeline(replace(rate(), group_wait_s=0))
    line.step(*(of(f"s{n:04}") for n in range(OPEN_MAX + 1)))
    named = [one.finding.service for one in line.incidents if one.group != MORE]
    for _ in range(6):
        line.step(*map(of, named))
    rest = more(line)
    assert rest is not None
    assert rest.state == "resolved"
    assert rest.why == "not so for 5 min"


def test_the_worst_have_their_own() -> None:
    """Of those that come at one time."""
    line = Timeline(policy())
    urgent = [of(f"z{n}", severity="critical") for n in range(5)]
    line.step(*(of(f"s{n}") for n in range(OPEN_MAX)), *urgent)
    assert {one.service for one in urgent} <= {one.finding.service for one in line.incidents}
    assert more(line) is not None
