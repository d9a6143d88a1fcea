"""Timelines of incidents: who is told what, at which minute."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from subscribers.alerts.incidents import Inhibition, advance, policy_of
from subscribers.alerts.incidents_values import KEY_MAX, id_of, key_of
from subscribers.alerts.model import Rate, Rule
from tests.subscribers.alerts.timelines import (
    MEASURE,
    START_S,
    Timeline,
    finding,
    new_error,
    of,
    policy,
    threshold,
)


def test_once_told_and_once_resolved() -> None:
    """A page at the first breach, silence while it goes on, the end when the hold is over."""
    line = Timeline(policy())
    assert line.step(finding()) == ["trigger errors"]
    assert [line.step(finding()) for _ in range(30)] == [[]] * 30
    assert [line.step(finding("ok")) for _ in range(4)] == [[]] * 4
    assert line.states() == {"errors": "held"}
    assert line.step(finding("ok")) == ["resolve errors"]
    assert [line.step(finding("ok")) for _ in range(100)] == [[]] * 100
    assert line.incidents == ()
    trigger, resolve = line.notices
    assert (trigger.key, resolve.key) == ("observe/errors", "observe/errors")
    assert (trigger.revision, resolve.revision) == (1, 2)
    assert trigger.id != resolve.id
    assert trigger.since_s == START_S - 300
    assert resolve.reason == "not so for 5 min"


def test_flapping_is_one_page() -> None:
    """What fires again within the hold was never over."""
    line = Timeline(policy())
    line.step(finding())
    for _ in range(20):
        assert line.step(finding("ok")) == line.step(finding("ok")) == []
        assert line.states() == {"errors": "held"}
        assert line.step(finding()) == []
        assert line.states() == {"errors": "open"}
    assert [line.step(finding("ok")) for _ in range(5)][-1] == ["resolve errors"]


def test_what_comes_back_after_its_end_is_a_new_page() -> None:
    """With another ID of the notice, though the key is the same."""
    line = Timeline(policy(flapping_hold_s=0))
    for _ in range(2):
        assert line.step(finding()) == ["trigger errors"]
        assert line.step(finding("ok")) == ["resolve errors"]
    assert len({notice.id for notice in line.notices}) == 4


def test_an_end_and_a_beginning_in_one_second() -> None:
    """Their notices are different ones all the same."""
    line = Timeline(policy(flapping_hold_s=0))
    for _ in range(3):
        line.at(START_S, [finding()])
        line.at(START_S, [finding("ok")])
    assert len({notice.id for notice in line.notices}) == len(line.notices) == 6


def test_the_first_is_waited_for() -> None:
    """group_wait gathers; what is over before it is over is never told."""
    line = Timeline(policy(group_wait_s=120))
    assert line.step(of("a")) == []
    assert line.step(of("a"), of("b")) == []
    assert line.step(of("a"), of("b"), of("c")) == ["trigger errors"]
    assert len(line.notices[0].incidents) == 3
    short = Timeline(policy(group_wait_s=120))
    assert [short.step(finding()), short.step(finding("ok")), short.step(finding("ok"), minutes=9)] == [
        []
    ] * 3
    assert short.notices == []


def test_forty_functions_are_one_page() -> None:
    """One key with a list; those that come later are told together; the end is that of the last one."""
    line = Timeline(policy())
    names = [f"f{n:02}" for n in range(40)]
    assert line.step(*map(of, names[:3])) == ["trigger errors"]
    told = [line.step(*map(of, names[: 3 + 10 * n])) for n in range(1, 5)]
    told += [line.step(*map(of, names))]
    assert [one for some in told for one in some] == ["update errors"]
    assert len(line.notices[-1].incidents) == 40
    assert line.notices[-1].reason == "further groups"
    for left in range(39, 0, -1):
        assert line.step(*map(of, names[:left]), *(of(n, "ok") for n in names[left:])) == []
    done = [line.step(*(of(name, "ok") for name in names)) for _ in range(6)]
    assert [one for some in done for one in some] == ["resolve errors"]
    assert {notice.key for notice in line.notices} == {"observe/errors"}


def test_an_alert_goes_on_with_others() -> None:
    """The last that was told recovers while another one breaches: that is no end."""
    line = Timeline(policy(flapping_hold_s=0, update_wait_s=600))
    assert line.step(of("a")) == ["trigger errors"]
    assert line.step(of("a"), of("b")) == []
    assert line.step(of("a", "ok"), of("b")) == ["update errors"]
    (update,) = line.notices[1:]
    assert [i.finding.service for i in update.incidents] == ["b"]
    assert [i.finding.service for i in update.recovered] == ["a"]
    assert line.step(of("b", "ok")) == ["resolve errors"]


def test_what_becomes_more_urgent_is_told_at_once() -> None:
    """Also by another group; once told it is not told again."""
    line = Timeline(policy())
    assert line.step(of("a", severity="warning")) == ["trigger errors"]
    assert line.step(of("a", severity="critical")) == ["update errors"]
    assert line.step(of("a", severity="warning")) == []
    assert line.step(of("a", severity="critical")) == []
    assert line.notices[-1].reason == "more urgent than before"
    assert (line.notices[-1].peak_before, line.notices[-1].peak) == ("warning", "critical")
    other = Timeline(policy())
    other.step(of("a", severity="warning"))
    assert other.step(of("a", severity="warning"), of("b", severity="error")) == ["update errors"]


def test_several_findings_of_one_group_are_the_worst() -> None:
    """An objective has a finding for each pair of windows."""
    line = Timeline(policy())
    line.step(of("a", "ok"), of("a", severity="warning"), of("a", severity="critical"), of("a", "unknown"))
    assert line.notices[0].severity == "critical"


def test_an_open_alert_is_repeated_where_that_is_asked_for() -> None:
    """Every hour, but not while it is only held."""
    line = Timeline(policy(repeat_s=3600, flapping_hold_s=7200))
    told = [line.step(finding()) for _ in range(121)]
    assert [n for n, some in enumerate(told) if some] == [0, 60, 120]
    assert [line.step(finding("ok")) for _ in range(110)] == [[]] * 110


def test_unknown_keeps_an_alert_for_an_hour() -> None:
    """Then it is over, because nobody can say anything of it; an `ok` counts from the last breach."""
    line = Timeline(policy())
    line.step(finding())
    told = [line.step(finding("unknown")) for _ in range(60)]
    assert [n for n, some in enumerate(told) if some] == [59]
    assert line.notices[-1].reason == "no traffic to judge it by for 1 h"
    held = Timeline(policy())
    held.step(finding())
    held.step(finding("ok"))
    assert [bool(held.step(finding("unknown"))) for _ in range(4)] == [False, False, False, True]


def test_a_group_that_nothing_is_said_of() -> None:
    """Nothing happened: over where the rule counts what must not happen, unknown where it is a share."""
    share = Rate(name="errors", bad=MEASURE, total=MEASURE, above=1.0, minimum=10)
    for rule, minutes in ((threshold(), 5), (replace(new_error(), name="errors"), 5), (share, 60)):
        line = Timeline(policy(rule))
        line.step(of("a"), of("b"))
        told = [line.step(of("b", "ok")) for _ in range(70)]
        assert [n for n, some in enumerate(told, 1) if some] == [minutes]
    broken = Timeline(policy(unjudged=frozenset({"errors"})))
    broken.step(finding())
    assert [broken.step() for _ in range(59)] == [[]] * 59


def test_a_rule_that_is_gone() -> None:
    """Its alert is over at once; what nobody was told of is just gone."""
    line = Timeline(policy(threshold(), threshold("slow", mute=({"start": "00:00", "end": "00:00"},))))
    line.step(finding(), finding(rule="slow"))
    assert line.states() == {"errors": "open", "slow": "muted"}
    line.policy = policy(threshold("other"))
    assert line.step() == ["resolve errors"]
    assert line.notices[-1].reason == "its rule is not configured any more"
    assert set(line.states().values()) == {"resolved"}


MUTED = {"from": "2026-11-21T03:35:00Z", "to": "2026-11-21T04:00:00Z", "reason": "release"}


def test_a_mute_window_is_kept() -> None:
    """What begins in it is told behind it, if it still breaches; what was over meanwhile is not."""
    line = Timeline(policy(mute=(MUTED,)))
    line.step(minutes=5)
    assert line.step(of("a"), of("b")) == []
    assert line.states() == {"a": "muted", "b": "muted"}
    assert line.incidents[0].why == "release"
    told = [line.step(of("a"), of("b", "ok")) for _ in range(30)]
    assert [n for n, some in enumerate(told, 1) if some] == [25]
    assert [i.finding.service for i in line.notices[0].incidents] == ["a"]


def test_the_end_is_told_in_a_mute_window_too() -> None:
    """Nobody works on what is over; a longer list, a repetition, a higher severity wait."""
    line = Timeline(policy(mute=(MUTED,), repeat_s=900))
    assert line.step(of("a"), minutes=6) == ["trigger errors"]
    assert line.step(of("a", severity="critical"), of("b")) == []
    told = [line.step(of("a", "ok"), of("b")) for _ in range(5)]
    assert [one for some in told for one in some] == ["resolve errors"]
    behind = [line.step(of("b")) for _ in range(25)]
    assert [one for some in behind for one in some] == ["trigger errors"]


def test_a_rule_has_mute_windows_of_its_own() -> None:
    """Others are told."""
    line = Timeline(policy(threshold(mute=(MUTED,)), threshold("slow")))
    line.now_s += 600
    assert line.step(finding(), finding(rule="slow")) == ["trigger slow"]


def two(*inhibit: Inhibition, **settings: object) -> Timeline:
    return Timeline(policy(threshold("cause"), threshold("effect"), inhibit=inhibit, **settings))


CAUSE = Inhibition("cause", ("effect",))


@pytest.mark.parametrize(
    ("cause", "effect", "is_quiet"),
    [
        ({"service": "a"}, {"service": "a"}, True),
        ({"service": "a"}, {"service": "b"}, False),
        ({"service": "a", "endpoint": "e"}, {"service": "b", "endpoint": "e"}, False),
        ({"endpoint": "e"}, {"service": "b", "endpoint": "e"}, True),
        ({"endpoint": "e"}, {"service": "b", "endpoint": "f"}, False),
        ({}, {"service": "b"}, True),
        ({"group": {"queue": "q"}}, {"service": "b"}, False),
    ],
)
def test_one_cause_one_page(cause: dict[str, str], effect: dict[str, str], is_quiet: bool) -> None:
    """Of the same service; else of the same endpoint; a cause about nothing in particular silences all."""
    line = two(CAUSE)
    told = line.step(finding(rule="effect", **effect), finding(rule="cause", **cause))
    assert ("trigger effect" in told) != is_quiet
    assert "trigger cause" in told


def test_an_effect_that_outlives_its_cause_is_told_then() -> None:
    """And one that was told before stays told, quietly."""
    line = two(CAUSE)
    assert line.step(finding(rule="cause"), finding(rule="effect")) == ["trigger cause"]
    assert line.incidents[1].why == "cause is open"
    told = [line.step(finding("ok", rule="cause"), finding(rule="effect")) for _ in range(5)]
    assert [sorted(some) for some in told if some] == [["resolve cause", "trigger effect"]]
    late = two(CAUSE, repeat_s=60)
    assert late.step(finding(rule="effect")) == ["trigger effect"]
    assert late.step(finding(rule="effect"), finding(rule="cause")) == ["trigger cause"]
    assert late.step(finding("ok", rule="effect"), finding(rule="cause"), minutes=5) == ["update cause"]
    assert "resolve effect" in late.step(finding("ok", rule="effect"), finding(rule="cause"))


def test_rules_that_silence_each_other() -> None:
    """Somebody is told: of the first that was seen, else of either."""
    line = two(CAUSE, Inhibition("effect", ("cause",)))
    assert line.step(finding(rule="effect")) == ["trigger effect"]
    assert line.step(finding(rule="effect"), finding(rule="cause")) == []
    ring = ("a", "b", "c")
    around = Timeline(
        policy(
            *map(threshold, ring),
            inhibit=tuple(Inhibition(a, (b,)) for a, b in zip(ring, "bca", strict=True)),
        )
    )
    assert around.step(*(finding(rule=name) for name in ring)) == ["trigger a"]
    itself = Timeline(policy(inhibit=(Inhibition("errors", ("errors",)),)))
    assert itself.step(of("a"), finding()) == ["trigger errors"]


def test_a_chain_of_causes() -> None:
    """The effect of an effect is quiet, too."""
    chain = (Inhibition("a", ("b",)), Inhibition("b", ("c",)))
    line = Timeline(policy(*map(threshold, "abc"), inhibit=chain))
    assert line.step(*(finding(rule=name) for name in "cba")) == ["trigger a"]


def test_destinations_are_those_of_the_rule_or_the_default() -> None:
    """And those of the trigger until the end, whatever is configured meanwhile."""
    line = Timeline(policy(threshold(notify=("night",)), threshold("b"), notify=("day",), flapping_hold_s=0))
    line.step(finding(), finding(rule="b"))
    assert [notice.notify for notice in line.notices] == [("night",), ("day",)]
    line.policy = policy(threshold(), flapping_hold_s=0)
    line.step(finding("ok"))
    assert {(n.rule, n.notify) for n in line.notices[2:]} == {("errors", ("night",)), ("b", ("day",))}


def test_a_policy_of_observe_yaml() -> None:
    """Durations, windows, causes; what is not said has its default."""
    made = policy_of(
        {
            "defaults": {"group_wait": "1m30s", "repeat": "4h", "flapping_hold": "10m", "notify": ["a"]},
            "mute": [MUTED],
            "inhibit": [{"source": "cause", "targets": ["effect"]}],
        },
        [Rule(name="cause")],
        scope="prod",
    )
    assert (made.group_wait_s, made.repeat_s, made.flapping_hold_s) == (90, 14_400, 600)
    assert (made.notify, made.mute, made.inhibit) == (("a",), (MUTED,), (CAUSE,))
    assert (made.scope, list(made.rules)) == ("prod", ["cause"])
    empty = policy_of({}, [])
    assert (empty.group_wait_s, empty.repeat_s, empty.flapping_hold_s, empty.notify) == (0, 0, 300, ())


def test_keys() -> None:
    """Stable, of ASCII, bounded; a group has one ID in whatever order it is told."""
    assert key_of("errors", "prod") == "observe/prod/errors"
    assert (
        id_of("k", {"a": "1", "b": "2"})
        == id_of("k", {"b": "2", "a": "1"})
        != id_of("k", {"a": "2", "b": "1"})
    )
    assert key_of("é b") != key_of("ü b")
    long = key_of("x" * 300)
    assert len(long) <= KEY_MAX
    assert long.isascii()
    assert len({long, key_of("x" * 301)}) == 2
    assert id_of("k", {"a": "\ud800"})


def test_state_can_be_kept_and_read() -> None:
    """Incidents survive JSON, as the state has them."""
    import msgspec

    from subscribers.alerts.incidents import Incident

    told = advance((), [of("a")], START_S, policy())
    read = msgspec.json.decode(msgspec.json.encode(told.incidents), type=tuple[Incident, ...])
    assert read == told.incidents
