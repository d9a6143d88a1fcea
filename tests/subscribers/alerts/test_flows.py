"""Flows over time: who is overdue, since when, until when, and that telling it twice changes nothing."""

from msgspec.structs import replace

from subscribers.alerts.flows import KEEP_S, forget_flow
from subscribers.alerts.flows_audit import unmatched_ends
from subscribers.alerts.model import Calendar, Flow
from tests.subscribers.alerts.flow_lines import (
    BY_NIGHT,
    LEDGER,
    PARIS,
    REPORT,
    START,
    WITHIN,
    Night,
    line,
    paris,
)

T0 = paris("2026-03-25 00:00")  # a Wednesday


def test_a_start_is_overdue_from_its_deadline_and_lateness_until_it_arrives() -> None:
    """Every minute of an hour: quiet, then a breach, then quiet."""
    night = Night(WITHIN)
    night.starts(line("CLM-1", T0))
    seen = night.verdicts(T0, T0 + 1800)
    assert min(at for at, verdict in seen.items() if verdict == "breach") == T0 + 900 + 120
    night.ends(line("CLM-1", T0 + 1810, "listed"))
    finding, report = night.judged(T0 + 1860)
    assert finding.verdict == "ok"
    assert finding.said == "1 of 1 claims of submit-claim appeared in nightly report, 1 of them late"
    assert report.recovered[0].key == "CLM-1"
    assert finding.details["recovered"] == [
        {
            "key": "CLM-1",
            "since": "2026-03-24T23:00:00Z",
            "arrived": "2026-03-24T23:30:10Z",
            "late_s": 910.0,
            "correlation_id": "desk-CLM-1",
        }
    ]


def test_what_arrives_in_time_is_never_a_breach() -> None:
    """Told before the start, with it, at the deadline."""
    night = Night(WITHIN)
    night.ends(line("CLM-1", T0 - 100, "listed"))
    night.starts(*(line(f"CLM-{n}", T0) for n in (1, 2, 3)))
    night.ends(line("CLM-2", T0, "listed"), line("CLM-3", T0 + 900, "listed"))
    assert set(night.verdicts(T0, T0 + 3600).values()) == {"ok"}
    _, report = night.judged(T0 + 3660)
    assert (report.total.in_time, report.total.late, report.pending) == (3, 0, 0)
    assert night.left("so") == 0


def test_an_end_of_long_before_is_not_that_of_a_start() -> None:
    """The same claim may have been in a report last week."""
    night = Night(WITHIN)
    night.ends(line("CLM-1", T0 - 121, "listed"))
    night.starts(line("CLM-1", T0))
    assert night.judged(T0 + 1020)[0].verdict == "breach"


def test_the_alert_names_how_many_where_and_since_when() -> None:
    """A person who reads the sentence alone knows what is missing."""
    night = Night(BY_NIGHT)
    night.starts(*(line(f"CLM-{n}", T0 + 120 + n) for n in range(5_020)))
    night.ends(*(line(f"CLM-{n}", T0 + 9000, "listed") for n in range(412, 5_020)))
    deadline = paris("2026-03-25 03:30")
    assert set(night.verdicts(deadline - 120, deadline + 60).values()) == {"ok"}
    finding, _ = night.judged(deadline + 120)
    assert finding.said == (
        "412 of 5,020 claims of submit-claim since 00:02 never appeared in nightly report "
        "(by 03:30 Europe/Paris), the oldest since 00:02"
    )
    assert (finding.verdict, finding.value, finding.since_s) == ("breach", 412.0, deadline)
    assert len(finding.details["overdue"]) == 50
    assert finding.details["overdue_more"] == 362
    assert finding.details["overdue"][0]["correlation_id"].startswith("desk-CLM-")
    assert len(finding.samples) == 3


def test_one_that_is_overdue_is_called_by_its_name() -> None:
    """And the zone of its time is told where the deadline does not tell it."""
    night = Night(WITHIN)
    night.starts(line("CLM-1", T0))
    assert night.judged(T0 + 1020)[0].said == (
        "claim CLM-1 of submit-claim since 23:00 UTC never appeared in nightly report (within 15 min)"
    )


def test_a_weekend_has_no_deadline() -> None:
    """What starts on Friday after the deadline has until Monday morning, of whatever offset that is."""
    night = Night(BY_NIGHT)
    night.starts(line("CLM-1", paris("2026-03-27 03:30")))  # Friday; summer time begins on Sunday
    monday = paris("2026-03-30 03:30")
    assert monday - paris("2026-03-27 03:30") == 71 * 3600
    assert night.judged(monday + 119)[0].verdict == "ok"
    assert night.judged(monday + 120)[0].verdict == "breach"


def test_a_deadline_in_the_hour_that_clocks_repeat_is_the_later_one() -> None:
    """02:30 comes twice when summer time ends."""
    flow = replace(BY_NIGHT, calendar=Calendar(150, PARIS))
    night = Night(flow)
    first = paris("2026-10-25 02:30")
    night.starts(line("CLM-1", paris("2026-10-25 00:10")))
    assert night.judged(first + 3599 + 120)[0].verdict == "ok"
    assert night.judged(first + 3600 + 120)[0].verdict == "breach"


def test_the_earlier_of_two_deadlines_counts() -> None:
    """Within six hours and by 03:30."""
    night = Night(replace(BY_NIGHT, within_s=6 * 3600))
    night.starts(line("CLM-early", paris("2026-03-24 12:00")), line("CLM-late", paris("2026-03-25 02:00")))
    assert night.judged(paris("2026-03-24 18:02"))[0].value == 1
    finding, report = night.judged(paris("2026-03-25 03:32"))
    assert [item.mark.key for item in report.overdue] == ["CLM-early", "CLM-late"]
    assert "(within 6 h and by 03:30 Europe/Paris)" in finding.said


def test_every_end_must_come() -> None:
    """What is missing is told for each end."""
    flow = replace(WITHIN, ends=(REPORT, LEDGER))
    night = Night(flow)
    night.starts(*(line(f"CLM-{n}", T0) for n in range(4)))
    night.ends(*(line(f"CLM-{n}", T0 + 60, "listed") for n in range(3)))
    night.ends(*(line(f"CLM-{n}", T0 + 60, "booked") for n in range(1)), end=1)
    finding, report = night.judged(T0 + 1020)
    assert {item.mark.key: item.missing for item in report.overdue} == {
        "CLM-1": ("ledger",),
        "CLM-2": ("ledger",),
        "CLM-3": ("nightly report", "ledger"),
    }
    assert finding.said.startswith("3 of 4 claims of submit-claim since 23:00 UTC never appeared in ")
    assert "ledger (3)" in finding.said
    assert "nightly report (1)" in finding.said


def test_ends_with_the_same_name_are_two() -> None:
    """Both may be lines of the same service."""
    night = Night(replace(WITHIN, ends=(REPORT, REPORT)))
    night.starts(line("CLM-1", T0))
    night.ends(line("CLM-1", T0 + 60, "listed"))
    assert night.judged(T0 + 1020)[0].verdict == "breach"


def test_ends_that_come_too_often_are_counted_and_are_no_breach() -> None:
    """A claim that was started twice may end twice."""
    night = Night(WITHIN)
    night.starts(line("CLM-1", T0), line("CLM-2", T0), line("CLM-2", T0 + 200))
    for claim in ("CLM-1", "CLM-2"):
        night.ends(*(line(claim, T0 + n, "listed") for n in (260, 261)))
    finding, report = night.judged(T0 + 1240)
    assert (finding.verdict, report.total.duplicates) == ("ok", 1)


def test_starts_that_two_services_tell_are_one() -> None:
    """Whether the second is due with the first, waits, or was told when the first was overdue already."""
    night = Night(WITHIN)
    night.starts(line("CLM-1", T0), line("CLM-1", T0 + 1, "registered"), line("CLM-1", T0 + 100, "sent"))
    night.starts(line("CLM-2", T0), line("CLM-2", T0 + 121))
    finding, report = night.judged(T0 + 1020)
    assert sorted(item.mark.key for item in report.overdue) == ["CLM-1", "CLM-2"]
    night.starts(line("CLM-1", T0 + 2, "told late"))
    finding, report = night.judged(T0 + 1200)
    assert finding.said.startswith("3 of 3 claims ")  # the second of CLM-2 is another
    assert report.pending == 0


def test_a_start_that_waits_is_one_with_the_same_that_arrived() -> None:
    """It is not judged once more when its own deadline comes."""
    night = Night(WITHIN)
    night.starts(line("CLM-1", T0), line("CLM-1", T0 + 100, "sent"))
    night.ends(line("CLM-1", T0 + 60, "listed"))
    assert night.judged(T0 + 1020)[1].pending == 0
    assert night.judged(T0 + 1200)[1].total.starts == 1


def test_what_starts_at_a_deadline_has_until_the_next() -> None:
    """Strictly after: also where the deadline of the start before it is remembered."""
    night = Night(BY_NIGHT)
    first = paris("2026-03-25 03:30")
    night.starts(line("CLM-1", first - 1), line("CLM-2", first))
    assert [item.mark.key for item in night.judged(first + 120)[1].overdue] == ["CLM-1"]


def test_an_evaluator_that_is_killed_between_two_writes_loses_nothing() -> None:
    """The next one finds the same overdue."""
    night = Night(WITHIN)
    night.starts(line("CLM-1", T0), line("CLM-2", T0))
    before = list(night.state.query("flow#claims"))
    whole = night.judged(T0 + 1020)[0]
    night.state.put(before)  # as if nothing had been removed
    assert [night.judged(T0 + at)[0].details["overdue"] for at in (1020, 1080)] == [
        whole.details["overdue"]
    ] * 2
    night.state.delete([("flow#claims", "c")])
    night.state.delete(("flow#claims", e.sort) for e in list(night.state.query("flow#claims", "z#", "z#~")))
    night.state.put(before)  # as if what was judged had not been written either
    night.ends(line("CLM-1", T0 + 60, "listed"))
    assert [item["key"] for item in night.judged(T0 + 1080)[0].details["overdue"]] == ["CLM-2"]
    finding, report = night.judged(T0 + 1140)
    assert (finding.value, report.total.starts, report.total.in_time) == (1, 2, 1)
    assert night.left("so") == 1


def test_few_are_found_among_many_that_came() -> None:
    """Where most of what came is of others, each start is looked up alone."""
    night = Night(WITHIN)
    night.ends(*(line(f"CLM-{n}", T0 + 60, "listed") for n in range(5_000)))
    night.starts(*(line(f"CLM-{n}", T0) for n in range(4_990, 5_010)))
    night.state.reads = night.state.entries = 0
    assert night.judged(T0 + 1020)[0].value == 10
    assert night.state.reads <= 30
    assert night.state.entries < 2_000


def test_what_never_comes_is_given_up_after_a_week_and_counted() -> None:
    """An alert that nobody can close tells nobody anything."""
    night = Night(WITHIN)
    night.starts(line("CLM-1", T0))
    assert night.judged(T0 + 1020)[0].verdict == "breach"
    assert night.judged(T0 + 900 + KEEP_S - 1)[0].verdict == "breach"
    finding, _ = night.judged(T0 + 900 + KEEP_S)
    assert (finding.verdict, finding.details["given_up"]) == ("ok", 1)
    assert finding.said.endswith("1 never came and were given up")
    assert night.left("so") == 0


def test_an_end_that_is_told_late_but_happened_in_time_closes_the_alert() -> None:
    """A subscriber was behind: nothing was late but the news of it."""
    night = Night(WITHIN)
    night.starts(line("CLM-1", T0))
    assert night.judged(T0 + 1020)[0].verdict == "breach"
    night.ends(line("CLM-1", T0 + 60, "listed"))
    finding, report = night.judged(T0 + 1080)
    assert (finding.verdict, report.total.in_time, report.recovered) == ("ok", 1, ())


def test_a_start_that_is_told_again_is_not_judged_again() -> None:
    """Neither when it arrived, nor when it is overdue, nor when it was given up."""
    lines = [line("CLM-1", T0), line("CLM-2", T0)]
    night = Night(WITHIN)
    night.starts(*lines)
    night.ends(line("CLM-1", T0 + 60, "listed"))
    before = night.judged(T0 + 1020)
    night.starts(*lines)
    assert night.judged(T0 + 1020) == before
    night.judged(T0 + 900 + KEEP_S)
    night.starts(*lines)
    finding, report = night.judged(T0 + 1000 + KEEP_S)
    assert finding.verdict == "ok"
    assert (report.total.starts, report.total.given_up) == (2, 1)


def test_ends_without_a_start_are_found_by_who_asks() -> None:
    """Judged, waiting and overdue starts are all known."""
    night = Night(WITHIN)
    night.starts(line("CLM-1", T0), line("CLM-2", T0), line("CLM-3", T0 + 3000))
    night.ends(*(line(f"CLM-{n}", T0 + 60, "listed") for n in (1, 3, 8, 9)), line("CLM-9", T0 + 61, "listed"))
    night.judged(T0 + 1020)
    found = unmatched_ends(WITHIN, night.state, T0 + 1020)
    assert found.keys == 2
    assert sorted(mark.key for mark in found.listed) == ["CLM-8", "CLM-9"]
    assert unmatched_ends(WITHIN, night.state, T0 + 120).keys == 0  # their starts may be on the way


def test_ten_thousand_starts_are_judged_with_few_reads() -> None:
    """One go over what is due and what came, and the next minute reads what is open only."""
    night = Night(BY_NIGHT)
    night.starts(*(line(f"CLM-{n}", T0 + n) for n in range(10_000)))
    night.ends(*(line(f"CLM-{n}", T0 + 12_000, "listed") for n in range(9_990)))
    night.state.reads = night.state.entries = 0
    assert night.judged(paris("2026-03-25 03:32"))[0].value == 10
    assert night.state.reads <= 8
    assert night.state.entries <= 20_010
    night.state.reads = night.state.entries = 0
    assert night.judged(paris("2026-03-25 03:33"))[0].value == 10
    assert night.state.reads <= 20
    assert night.state.entries <= 2_000


def test_more_than_one_call_judges_is_judged_by_the_next() -> None:
    """A minute has its limit, and what is left is said."""
    night = Night(WITHIN)
    night.starts(*(line(f"CLM-{n}", T0) for n in range(20_005)))
    first, report = night.judged(T0 + 1020)
    assert (first.value, report.unjudged) == (20_000, 5)
    second, report = night.judged(T0 + 1080)
    assert (second.value, report.unjudged) == (20_005, 0)
    assert second.said.startswith("at least 20,005 of 20,005 claims")


def test_a_flow_that_is_no_more_leaves_nothing() -> None:
    """Whether it is removed, or left to expire."""
    night = Night(WITHIN)
    night.starts(line("CLM-1", T0), line("CLM-2", T0))
    night.ends(line("CLM-1", T0 + 60, "listed"))
    night.judged(T0 + 1020)
    night.starts(line("CLM-3", T0 + 2000))
    night.state.clock = T0 + 2000 + 5 * KEEP_S
    assert night.left("secorz") == 0
    night.starts(line("CLM-4", night.state.clock))
    assert forget_flow("claims", night.state) == 1
    assert night.left("s") == 0


def test_a_flow_that_nothing_has_started_is_well() -> None:
    """There is nothing that could be late."""
    finding, _ = Night(WITHIN).judged(T0)
    assert (finding.verdict, finding.said) == (
        "ok",
        "no claims of submit-claim were due in nightly report yet",
    )


def test_a_calendar_without_days_has_no_deadline() -> None:
    """Every day that comes is an exception: nothing is ever due, and nothing fails."""
    never = Flow(name="n", start=START, ends=(REPORT,), calendar=Calendar(0, PARIS, ()))
    night = Night(never)
    night.starts(line("CLM-1", T0))
    assert night.judged(T0 + 86_400)[0].verdict == "ok"
