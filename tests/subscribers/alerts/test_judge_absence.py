"""Silence, minute by minute: the report that does not come, comes late, or comes as it should."""

from __future__ import annotations

from datetime import UTC, datetime

from subscribers.alerts.calendars import calendar_of, reach_s
from subscribers.alerts.judge import judge
from subscribers.alerts.model import Absence, Calendar, Finding, Selector
from tests.subscribers.alerts.worlds import DAY, HOUR, MINUTE, START, World, measured, minutes_of, timeline

REPORT = Selector(signal="log", services=("claims-legacy",), contains="RECON complete")
WEEKDAYS = calendar_of({"by": "03:30", "timezone": "Europe/Paris", "days": "weekdays"})
DAILY = calendar_of({"by": "03:30", "timezone": "Europe/Paris"})


def at(text: str) -> int:
    """A UTC time; Paris is an hour ahead in November."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def report(calendar: Calendar | None = DAILY, **more: object) -> Absence:
    measure = measured(REPORT, keep_s=8 * DAY, late_s=more.pop("late_s", 0))  # type: ignore[arg-type]
    return Absence(**{"name": "report", "measure": measure, "calendar": calendar, **more})  # type: ignore[arg-type]


def judged(rule: Absence, world: World, now: str) -> Finding:
    world.now_s = at(now)
    (found,) = judge(rule, world, at(now))
    return found


def heartbeat(**more: object) -> Absence:
    return report(None, every_s=1800, **more)


def test_a_report_that_does_not_come_is_missed_at_its_deadline_until_it_comes() -> None:
    """By 03:30 in Paris is 02:30 UTC: breach from that minute on, ok from the minute it is there."""
    rule, world = report(), World()
    world.add(rule.measure, at("2026-11-20T01:50"))
    world.add(rule.measure, at("2026-11-21T03:12"))
    told = timeline(rule, world, range(300))
    assert minutes_of(told, "ok") == [*range(150), *range(193, 300)]
    assert minutes_of(told, "breach") == [*range(150, 193)]
    missing = told[150][0]
    assert missing.said == (
        'claims-legacy: the log line with "RECON complete" expected by 03:30 Europe/Paris did not come;'
        " the last one came at Fri 2026-11-20 02:50 Europe/Paris, 1 d ago"
    )
    assert missing.since_s == at("2026-11-21T02:30")
    assert missing.details["last_s"] == at("2026-11-20T01:50")
    assert told[193][0].said == (
        'claims-legacy: the log line with "RECON complete" expected by 03:30 Europe/Paris'
        " came at 04:12 Europe/Paris, 42 min late"
    )
    assert told[193][0].details["late_s"] == 42 * MINUTE


def test_what_is_expected_may_have_a_name() -> None:
    """A condition such as fixed_width.record D tells nobody anything at half past three."""
    rule, world = report(called="the nightly report"), World()
    world.add(rule.measure, at("2026-11-20T01:50"))
    said = judged(rule, world, "2026-11-21T02:30").said
    assert said.startswith("claims-legacy: the nightly report expected by 03:30 Europe/Paris did not come;")


def test_lateness_of_events_is_waited_for() -> None:
    """What happened at 03:29 may be told two minutes later: nothing is missed at 03:30."""
    rule, world = report(late_s=120), World()
    world.add(rule.measure, at("2026-11-20T01:50"))
    world.add(rule.measure, at("2026-11-21T02:29"), after_s=119)
    assert minutes_of(timeline(rule, world, range(300)), "breach") == []
    silent = World()
    assert minutes_of(timeline(rule, silent, range(145, 160)), "breach")[-8:] == [*range(152, 160)]


def test_a_report_of_the_evening_is_the_next_morning_s() -> None:
    """What comes at 23:50 is there by 03:30."""
    rule, world = report(), World()
    world.add(rule.measure, at("2026-11-20T22:50"))
    found = judged(rule, world, "2026-11-21T02:30")
    assert found.verdict == "ok"
    assert found.said.endswith("came by 03:30 Europe/Paris, as expected")


def test_a_late_report_does_not_hide_that_the_next_is_missing() -> None:
    """Saturday's came at 04:12, and so did a second copy: on Sunday there is none."""
    rule, world = report(), World()
    world.add(rule.measure, at("2026-11-21T03:12"), times=2)
    assert judged(rule, world, "2026-11-22T02:29").verdict == "ok"
    assert judged(rule, world, "2026-11-22T02:30").verdict == "breach"


def test_a_missing_report_does_not_make_the_next_one_late() -> None:
    """Saturday's never came; Sunday's is in time, and resolves."""
    rule, world = report(), World()
    world.add(rule.measure, at("2026-11-22T01:00"))
    assert judged(rule, world, "2026-11-22T00:59").verdict == "breach"
    resolved = judged(rule, world, "2026-11-22T01:01")
    assert (resolved.verdict, resolved.said.rpartition(", ")[2]) == ("ok", "22 h 30 min late")
    assert judged(rule, world, "2026-11-22T02:30").verdict == "ok"


def test_a_weekend_without_reports_is_quiet() -> None:
    """Friday's came; nothing is expected before Monday, and Monday's has the whole weekend to come."""
    rule, world = report(WEEKDAYS), World()
    world.add(rule.measure, at("2026-11-20T02:00"))
    for now in ("2026-11-21T02:30", "2026-11-22T12:00", "2026-11-23T02:29"):
        assert judged(rule, world, now).verdict == "ok"
    assert judged(rule, world, "2026-11-23T02:30").verdict == "breach"
    world.add(rule.measure, at("2026-11-21T18:00"))
    assert judged(rule, world, "2026-11-23T02:30").verdict == "ok"


def test_friday_s_missing_report_stays_missing_over_the_weekend() -> None:
    """Until it comes: on Sunday it is two days late."""
    rule, world = report(WEEKDAYS), World()
    world.add(rule.measure, at("2026-11-22T02:30"))
    assert judged(rule, world, "2026-11-22T02:00").verdict == "breach"
    assert judged(rule, world, "2026-11-22T02:31").said.endswith("2 d late")


def test_a_holiday_expects_nothing() -> None:
    """On an excepted day the deadline is the day's before."""
    calendar = calendar_of({"by": "03:30", "timezone": "Europe/Paris", "except": ["2026-11-21"]})
    rule, world = report(calendar), World()
    world.add(rule.measure, at("2026-11-20T01:00"))
    assert minutes_of(timeline(rule, world, range(0, 1440, 10)), "breach") == []


def test_the_deadline_follows_the_clocks() -> None:
    """02:30 on the day it is skipped is 03:30 of summer time; on the day it is there twice, the second."""
    by = calendar_of({"by": "02:30", "timezone": "Europe/Paris"})
    for before, deadline in (
        ("2026-03-29T01:29", "2026-03-29T01:30"),
        ("2026-10-25T01:29", "2026-10-25T01:30"),
    ):
        rule, world = report(by), World()
        world.add(rule.measure, at(deadline) - DAY - HOUR)
        assert judged(rule, world, before).verdict == "ok"
        assert judged(rule, world, deadline).verdict == "breach"


def test_counting_that_began_too_late_knows_nothing() -> None:
    """Deployed at midnight, the report of 23:50 may have come; the next night is known."""
    rule, world = report(), World(began_s=START)
    told = timeline(rule, world, range(0, 1440, 10))
    assert minutes_of(told, "unknown") == [*range(0, 1440, 10)]
    assert told[150][0].said.endswith("too little is known yet: counting began at 00:00 UTC")
    assert judged(rule, world, "2026-11-22T02:30").verdict == "breach"
    world.add(rule.measure, at("2026-11-21T02:00"))
    assert judged(rule, world, "2026-11-21T02:30").verdict == "ok"


def test_what_is_no_longer_kept_is_unknown_not_missing() -> None:
    """A weekly report that came days before its deadline is forgotten sooner than the next is due."""
    weekly = calendar_of({"by": "03:30", "timezone": "Europe/Paris", "days": ["sat"]})
    rule, world = report(weekly), World(kept_s=8 * DAY)
    world.add(rule.measure, at("2026-11-17T12:00"))
    assert judged(rule, world, "2026-11-25T11:00").verdict == "ok"
    forgotten = judged(rule, world, "2026-11-25T13:00")
    assert (forgotten.verdict, forgotten.said.rpartition(": ")[2]) == (
        "unknown",
        "only the last 8 d are kept",
    )
    kept = report(weekly, measure=measured(REPORT, keep_s=reach_s(weekly)))
    world.kept_s = kept.measure.keep_s
    assert judged(kept, world, "2026-11-28T02:29").verdict == "ok"


def test_several_are_expected_and_counted() -> None:
    """Three files: two in time and the third late."""
    rule, world = report(count=3), World()
    world.add(rule.measure, at("2026-11-21T01:00"), times=2)
    missing = judged(rule, world, "2026-11-21T02:31")
    assert (missing.verdict, missing.value) == ("breach", 2)
    assert "the 3 log lines" in missing.said
    assert "did not come, 2 of 3 came" in missing.said
    world.add(rule.measure, at("2026-11-21T02:40"))
    assert judged(rule, world, "2026-11-21T02:41").said.endswith("came at 03:40 Europe/Paris, 10 min late")


def test_the_minute_is_found_where_samples_are_few() -> None:
    """Of a hundred late files the hundredth makes it whole; its minute is told."""
    rule, world = report(count=100), World()
    for n in range(100):
        world.add(rule.measure, at("2026-11-21T02:40") + n * MINUTE + 7)
    found = judged(rule, world, "2026-11-21T06:00")
    assert found.details["late_s"] == 109 * MINUTE
    assert judged(rule, world, "2026-11-21T04:19").verdict == "breach"
    assert judged(rule, world, "2026-11-21T04:20").verdict == "ok"


def test_a_zone_that_is_not_there_is_said() -> None:
    """Without the zone's data the deadline cannot be told, and that is what is told."""
    found = judged(report(Calendar(0, "Mars/Base")), World(), "2026-11-21T02:31")
    assert found.verdict == "unknown"
    assert "the time zone Mars/Base is not known here" in found.said


def test_a_calendar_without_days_expects_nothing() -> None:
    """Every day excepted is no deadline at all."""
    assert judged(report(Calendar(0, "UTC", ())), World(), "2026-11-21T02:31").verdict == "unknown"


def test_silence_is_noticed_at_the_minute_it_is_too_long() -> None:
    """A sign of life each ten minutes until minute 60, then none until 120; 30 minutes are allowed."""
    rule, world = heartbeat(), World()
    for minute in (*range(0, 61, 10), *range(120, 180, 10)):
        world.add(rule.measure, START + minute * MINUTE)
    told = timeline(rule, world, range(30, 180))
    assert minutes_of(told, "breach") == [*range(91, 121)]
    assert minutes_of(told, "ok") == [*range(30, 91), *range(121, 180)]
    assert told[91][0].said == (
        'claims-legacy: no log line with "RECON complete" came in 30 min (at least 1 expected);'
        " the last one came at 01:00 UTC, 31 min ago"
    )
    assert told[91][0].since_s == told[120][0].since_s == START + 90 * MINUTE


def test_silence_after_a_deployment_is_no_silence_yet() -> None:
    """Half an hour must be known before it can have been silent; what came sooner is fine at once."""
    rule, world = heartbeat(), World(began_s=START)
    told = timeline(rule, world, range(60))
    assert minutes_of(told, "unknown") == [*range(30)]
    assert minutes_of(told, "breach") == [*range(30, 60)]
    assert told[30][0].said.endswith("none is known of the 8 d before")
    world.add(rule.measure, START + 5 * MINUTE)
    assert minutes_of(timeline(rule, world, range(60)), "ok") == [*range(6, 36)]


def test_a_rhythm_of_several_is_counted() -> None:
    """Three in half an hour: two are too few."""
    rule, world = heartbeat(count=3), World()
    for minute in (5, 15, 25, 40):
        world.add(rule.measure, START + minute * MINUTE)
    told = timeline(rule, world, range(30, 60))
    assert minutes_of(told, "ok") == [*range(30, 36), *range(41, 46)]
    assert '2 log lines with "RECON complete" came in 30 min (at least 3 expected)' in told[36][0].said
