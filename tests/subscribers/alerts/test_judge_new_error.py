"""New errors, minute by minute: told once, open while they last, known afterwards."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from subscribers.alerts.judge_new_error import JUDGED, LEARNED, LEARNING, MARKS, judge_new_error
from subscribers.alerts.model import Finding, NewError, Selector
from tests.subscribers.alerts.test_judge_threshold import CONFIG
from tests.subscribers.alerts.worlds import DAY, HOUR, MINUTE, START, World, measured, minutes_of

ERRORS = Selector(signal="log", levels=("ERROR", "FATAL"))
OLD, NEW = "aaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbb"
TEXT = "claim CLM-889123 not found"
#: What is known where learning is over.
NOTHING = {LEARNED: START}


def rule_of(**more: object) -> NewError:
    measure = measured(ERRORS, "service", "error.fingerprint", keep_s=2 * HOUR)
    return NewError(**{"name": "new-error", "measure": measure, **more})  # type: ignore[arg-type]


def judged(
    rule: NewError, world: World, minutes: Iterable[int], known: Mapping[str, int] = NOTHING
) -> tuple[dict[int, list[Finding]], dict[str, int]]:
    """Judge minute by minute, as the evaluator does: with what the minute before knew."""
    told, kept = {}, dict(known)
    for minute in minutes:
        world.now_s = START + minute * MINUTE
        told[minute], kept = judge_new_error(rule, world, kept, world.now_s, CONFIG)
    return told, kept


def test_it_is_told_at_its_minute_stays_open_for_an_hour_and_is_known_then() -> None:
    """Seen at minutes 30 and 50: open from 31 to 110, then ok; at minute 200 it is nothing new."""
    rule, world = rule_of(), World()
    for minute in (30, 50, 200):
        world.add(rule.measure, START + minute * MINUTE, "submit-claim", NEW, text=TEXT)
    told, known = judged(rule, world, range(300))
    assert minutes_of(told, "breach") == [*range(31, 111)]
    assert minutes_of(told, "ok") == [*range(111, 171), *range(261, 300)]
    first = told[60][0]
    assert first.said == (
        "submit-claim (serverless): a new error, 2 times in the last 1 h, first at 00:30 UTC,"
        ' not seen in the 14 d before: "claim CLM-<*> not found"'
    )
    assert first.details == {"fingerprint": NEW, "template": "claim CLM-<*> not found"}
    assert first.since_s == START + 30 * MINUTE
    assert first.group == {"service": "submit-claim", "error.fingerprint": NEW}
    assert known[NEW] == START + 50 * MINUTE


def test_it_is_told_since_when_however_long_it_lasts() -> None:
    """Five hours later it is still since the first time, though windows reach back two."""
    rule, world = rule_of(), World()
    world.each_minute(rule.measure, START + 30 * MINUTE, 300, 1, "submit-claim", NEW)
    told, _ = judged(rule, world, range(30, 330))
    assert minutes_of(told, "breach") == [*range(31, 330)]
    assert {found.since_s for some in told.values() for found in some} == {START + 30 * MINUTE + 1}
    assert "60 times in the last 1 h, first at 00:30 UTC" in told[329][0].said


def test_a_known_error_is_quiet_and_stays_known() -> None:
    """One that comes every five minutes for days is never told, however the lookback."""
    rule, world = rule_of(lookback_s=HOUR * 6), World()
    for minute in range(0, 2 * 1440, 5):
        world.add(rule.measure, START + minute * MINUTE, "submit-claim", OLD)
    known = {LEARNED: START, OLD: START}
    told, kept = judged(rule, world, range(1, 2 * 1440, 7), known)
    assert minutes_of(told, "breach") == []
    assert kept[OLD] > START + DAY + 23 * HOUR


def test_a_new_deployment_learns_first() -> None:
    """Errors that come regularly are learned in the first hour; what appears after it is told."""
    rule, world = rule_of(), World(began_s=START)
    for minute in range(0, 300, 20):
        world.add(rule.measure, START + minute * MINUTE, "submit-claim", OLD)
    world.add(rule.measure, START + 90 * MINUTE, "submit-claim", NEW, text=TEXT)
    told, known = judged(rule, world, range(300), {})
    assert minutes_of(told, "breach") == [*range(91, 151)]
    assert "not seen in the 1 h 30 min before" in told[91][0].said
    assert known.keys() == {OLD, NEW, LEARNED, JUDGED}


def test_an_evaluator_that_starts_late_learns_too() -> None:
    """Counting began days before the first evaluation: its first hour is for learning."""
    rule, world = rule_of(), World(began_s=START - 5 * DAY)
    for minute in range(0, 200, 10):
        world.add(rule.measure, START + minute * MINUTE, "submit-claim", OLD)
    told, known = judged(rule, world, range(30, 200), {})
    assert minutes_of(told, "breach") == []
    assert LEARNING not in known
    early, learning = judged(rule, world, range(30, 60), {})
    assert minutes_of(early, "breach") == []
    assert learning[LEARNING] == START + 30 * MINUTE


def test_a_counting_that_begins_anew_is_learned_anew() -> None:
    """A rule that looks elsewhere now knows nothing of what is there."""
    rule, world = rule_of(), World(began_s=START)
    world.add(rule.measure, START + 10 * MINUTE, "submit-claim", NEW)
    told, known = judged(rule, world, range(120))
    assert minutes_of(told, "breach") == []
    assert NEW in known


def test_the_first_error_of_a_clean_system_is_told() -> None:
    """Nothing was known because there was nothing."""
    rule, world = rule_of(), World(began_s=START)
    world.add(rule.measure, START + 600 * MINUTE, "submit-claim", NEW)
    told, _ = judged(rule, world, range(610), {})
    assert minutes_of(told, "breach") == [*range(601, 610)]


def test_sparse_ones_below_the_minimum_are_quiet() -> None:
    """One every 70 minutes is never three within two hours; three are told until an hour is quiet."""
    rule, world = rule_of(minimum=3), World()
    for minute in range(0, 420, 70):
        world.add(rule.measure, START + minute * MINUTE, "submit-claim", NEW)
    told, known = judged(rule, world, range(420))
    assert minutes_of(told, "breach") == []
    assert NEW not in known
    for minute in (500, 510, 520):
        world.add(rule.measure, START + minute * MINUTE, "submit-claim", NEW)
    told, known = judged(rule, world, range(420, 620))
    assert minutes_of(told, "breach") == [*range(521, 581)]
    assert NEW in known


def test_no_errors_at_all_say_nothing() -> None:
    """There is no finding, and nothing to know."""
    told, known = judged(rule_of(), World(), range(120))
    assert all(found == [] for found in told.values())
    assert known.keys() == {LEARNED, JUDGED}


def test_what_was_not_seen_for_the_lookback_is_new_again() -> None:
    """Two weeks later nobody remembers it."""
    rule, world = rule_of(), World()
    world.add(rule.measure, START, "submit-claim", OLD, text=TEXT)
    known = {LEARNED: START, OLD: START - 14 * DAY - HOUR}
    told, _ = judged(rule, world, [1], known)
    assert minutes_of(told, "breach") == [1]
    told, _ = judged(rule, world, [1], {LEARNED: START, OLD: START - 13 * DAY})
    assert told[1] == []


def test_one_error_of_two_services_is_two_findings_until_both_are_quiet() -> None:
    """Each service's alert ends by itself; the fingerprint is known when the last one has ended."""
    rule, world = rule_of(), World()
    world.add(rule.measure, START + 10 * MINUTE, "submit-claim", NEW)
    for minute in range(10, 60, 10):
        world.add(rule.measure, START + minute * MINUTE, "claims-legacy", NEW)
    told, _ = judged(rule, world, range(130))
    assert minutes_of(told, "breach", lambda f: f.service == "submit-claim") == [*range(11, 71)]
    assert minutes_of(told, "breach", lambda f: f.side == "legacy") == [*range(11, 111)]


def test_what_is_known_is_written_seldom() -> None:
    """A fingerprint seen each minute changes what is known once in a 24th of the lookback: 14 hours."""
    rule, world = rule_of(), World()
    world.each_minute(rule.measure, START, 600, 1, "submit-claim", OLD)
    _, known = judged(rule, world, range(1, 600, 10), {LEARNED: START, OLD: START - 60})
    assert known[OLD] == START - 60


DAY_KEPT = measured(ERRORS, "service", "error.fingerprint", keep_s=26 * HOUR)


def test_what_came_while_nobody_judged_is_told() -> None:
    """Judging stops at minute 290 for 130 minutes; an error of minute 300 is told for an hour, then known."""
    rule, world = rule_of(measure=DAY_KEPT), World()
    world.add(DAY_KEPT, START + 300 * MINUTE, "submit-claim", NEW, times=500, text=TEXT)
    world.add(DAY_KEPT, START + 560 * MINUTE, "submit-claim", NEW, times=50, text=TEXT)
    minutes = [*range(290), *range(420, 700)]
    told, known = judged(rule, world, minutes)
    assert minutes_of(told, "breach") == [*range(420, 480)]
    assert minutes_of(told, "ok") == [*range(480, 540), *range(621, 681)]
    assert "500 times in the last 2 h 30 min, first at 05:00 UTC" in told[420][0].said
    assert told[420][0].since_s == START + 300 * MINUTE
    assert known.keys() & {*MARKS, NEW} == {LEARNED, JUDGED, NEW}


def test_what_was_told_before_a_pause_is_known_behind_it() -> None:
    """Two pauses, one soon after the other, forget nothing and tell nothing twice."""
    rule, world = rule_of(measure=DAY_KEPT), World()
    world.add(DAY_KEPT, START + 285 * MINUTE, "submit-claim", NEW, text=TEXT)
    world.add(DAY_KEPT, START + 300 * MINUTE, "claims-legacy", OLD, text=TEXT)
    for minute in (900, 960):
        world.add(DAY_KEPT, START + minute * MINUTE, "submit-claim", NEW, text=TEXT)
        world.add(DAY_KEPT, START + minute * MINUTE, "claims-legacy", OLD, text=TEXT)
    minutes = [*range(290), *range(420, 440), *range(560, 1000)]
    told, known = judged(rule, world, minutes)
    assert max(minutes_of(told, "breach")) < 620
    assert known[NEW]
    assert known[OLD]


def test_a_pause_is_made_up_for_a_day_at_most() -> None:
    """What is older than minutes are kept, or than a day, is not told."""
    for keep_s, told_after in ((26 * HOUR, [True, True, False]), (2 * HOUR, [True, False, False])):
        measure = measured(ERRORS, "service", "error.fingerprint", keep_s=keep_s)
        breaches = []
        for hours in (1.5, 23.5, 24.5):
            world, now = World(kept_s=26 * HOUR), 3_000
            world.add(measure, START + now * MINUTE - hours * HOUR, "submit-claim", NEW)
            told, _ = judged(rule_of(measure=measure), world, [0, 1, now])
            breaches.append(minutes_of(told, "breach") == [now])
        assert breaches == told_after


def test_judging_a_minute_again_gives_the_same() -> None:
    """An evaluation that is repeated neither learns nor forgets anything more."""
    rule, world = rule_of(), World()
    world.add(rule.measure, START + 30 * MINUTE, "submit-claim", NEW, text=TEXT)
    known: dict[str, int] = {}
    for minute in (*range(0, 200, 5), *range(400, 600, 10)):
        now_s = START + minute * MINUTE
        once, after = judge_new_error(rule, world, known, now_s)
        again, after_again = judge_new_error(rule, world, after, now_s)
        assert (once, after) == (again, after_again)
        known = after
