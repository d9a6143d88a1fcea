"""Laws of incidents: whatever is found in whatever order, people are told in an order they can follow."""

from __future__ import annotations

from collections import defaultdict

from hypothesis import given, settings
from hypothesis import strategies as st

from subscribers.alerts.incidents import Inhibition, Policy
from subscribers.alerts.mutes import muting
from tests.subscribers.alerts.timelines import MINUTE_S, START_S, Timeline, of, policy, threshold

RULES = ("cause", "effect", "other")
SERVICES = ("a", "b")
Step = dict[tuple[str, str], tuple[str, str]]

groups = st.tuples(st.sampled_from(RULES), st.sampled_from(SERVICES))
verdicts = st.tuples(
    st.sampled_from(("breach", "breach", "ok", "unknown")), st.sampled_from(("warning", "critical"))
)
steps = st.lists(st.dictionaries(groups, verdicts, max_size=6), min_size=1, max_size=40)


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    """Any holds and waits, a mute window of some minutes, rules that may silence each other."""
    first, last = sorted(draw(st.tuples(st.integers(0, 40), st.integers(0, 40))))
    mute = {"from": _instant(first), "to": _instant(last)}
    pairs = draw(st.lists(st.tuples(st.sampled_from(RULES), st.sampled_from(RULES)), max_size=3))
    minutes = st.sampled_from((0, 60, 180, 600))
    return policy(
        *map(threshold, RULES),
        mute=(mute,) if draw(st.booleans()) else (),
        inhibit=tuple(Inhibition(source, (target,)) for source, target in pairs),
        group_wait_s=draw(minutes),
        update_wait_s=draw(minutes),
        repeat_s=draw(minutes),
        flapping_hold_s=draw(minutes),
        unknown_hold_s=draw(st.sampled_from((0, 120, 3600))),
        keep_resolved_s=draw(minutes),
    )


def _instant(minute: int) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(START_S + minute * MINUTE_S, UTC).isoformat()


def played(policy: Policy, steps: list[Step]) -> Timeline:
    line = Timeline(policy)
    for step in steps:
        line.step(*(of(s, v, rule=r, severity=urgency) for (r, s), (v, urgency) in step.items()))
    return line


@given(policies(), steps)
@settings(max_examples=300, deadline=None)
def test_each_page_has_its_end_before_the_next(policy: Policy, steps: list[Step]) -> None:
    """trigger, updates, one resolve; IDs are never used twice, revisions go up, times do not go back."""
    line = played(policy, steps)
    by_key = defaultdict(list)
    for notice in line.notices:
        by_key[notice.key].append(notice)
    for notices in by_key.values():
        is_open = False
        for before, notice in zip([None, *notices], notices, strict=False):
            assert (notice.action == "trigger") == (not is_open)
            is_open = notice.action != "resolve"
            assert notice.incidents
            assert notice.since_s <= notice.at_s
            if before is not None and notice.action != "trigger":
                assert notice.revision == before.revision + 1
                assert notice.triggered_s == before.triggered_s
                assert notice.peak_before == before.peak
    assert len({notice.id for notice in line.notices}) == len(line.notices)
    told = {i.key for i in line.incidents if i.is_live and i.told}
    assert told == {key for key, notices in by_key.items() if notices[-1].action != "resolve"}


@given(policies(), steps)
@settings(max_examples=200, deadline=None)
def test_nobody_is_woken_in_a_mute_window(policy: Policy, steps: list[Step]) -> None:
    """Only ends are told in one."""
    for notice in played(policy, steps).notices:
        if muting(policy.mute, notice.at_s):
            assert notice.action == "resolve"


@given(policies(), steps)
@settings(max_examples=200, deadline=None)
def test_everything_ends(policy: Policy, steps: list[Step]) -> None:
    """When all is well for long enough nothing is open, and nothing is remembered."""
    line = played(policy, steps)
    for _ in range(90):
        line.step(*(of(s, "ok", rule=r) for r in RULES for s in SERVICES))
    assert line.incidents == ()


@given(policies(), steps)
@settings(max_examples=200, deadline=None)
def test_whatever_breaches_for_long_is_told(policy: Policy, steps: list[Step]) -> None:
    """No wait, no mute window and no ring of causes keeps all of it back for ever."""
    line = played(policy, steps)
    for _ in range(60):
        line.step(*(of(s, rule=r) for r in RULES for s in SERVICES))
    for service in SERVICES:
        assert any(i.state == "open" for i in line.incidents if i.finding.service == service)


@given(policies(), steps)
@settings(max_examples=100, deadline=None)
def test_the_same_findings_again_tell_nothing_new(policy: Policy, steps: list[Step]) -> None:
    """An evaluation that is repeated at its time wakes nobody a second time."""
    line = played(policy, steps)
    step = [of(s, v, rule=r, severity=urgency) for (r, s), (v, urgency) in steps[-1].items()]
    line.at(line.now_s, step)
    again = line.at(line.now_s, step)
    assert [notice for notice in again.notices if notice.action == "trigger"] == []
