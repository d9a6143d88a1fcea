"""An error appears that was not seen before, by its fingerprint.

    in the first hour of judging or counting    learned; nobody is told: the tool is new, not the error
    new, `minimum` times                        breach, as long as it was seen in the last hour
    not seen for an hour                        ok; from now on it is known
    known, not seen for `lookback_s`            new again
    fewer than `minimum`                        nothing, and it does not become known either
    nobody judged for a time                    the last hour begins where judging stopped, for one hour more

`minimum` times are those of two hours. What is known of a fingerprint is when it was seen last; it is written
anew after each 24th of the lookback only, so it may be that much too early. The same error in two services is
two findings of one fingerprint. A pause is made up for as far back as minutes are kept, a day at most: what
came and went before that is not told.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from subscribers.alerts.looks import arrived_s, end_s, events_of, last_arrived_s
from subscribers.alerts.model import SLOT_S, Finding, Group, NewError, Sample, Sum, Windows
from subscribers.alerts.saying import clock, duration, number, shortened
from subscribers.alerts.subjects import finding, subject_of
from subscribers.config import EMPTY, Config

#: How long nothing is said after counting began.
LEARN_S = 3600
#: How long an alert stays after the error was seen last.
OPEN_S = 3600
#: Marks among what is known: when judging began, and that learning is over (when that was written last).
LEARNING, LEARNED = "learning", "learned"
#: Further marks: when it was judged last, written anew after JUDGED_RENEWED_S only; when a pause began, and
#: when it was over.
JUDGED, PAUSED, RESUMED = "judged", "paused", "resumed"
MARKS = (LEARNING, LEARNED, JUDGED, PAUSED, RESUMED)
#: Half of what is looked at anyway: a shorter pause needs no care, and what is known may be 270 KB.
JUDGED_RENEWED_S = OPEN_S // 2
#: No pause is made up for further back.
PAUSE_MAX_S = 86_400
#: Before a fingerprint that is new: when it was seen first, which may be longer ago than windows reach.
FIRST = "first:"
_RENEWED = 24
_SAID_MAX = 200


class _Look(msgspec.Struct, frozen=True):
    """What is recent begins at recent_s, what was before it at earlier_s."""

    recent_s: int
    earlier_s: int


def judge_new_error(
    rule: NewError,
    windows: Windows,
    known: Mapping[str, int],
    now_s: int,
    config: Config = EMPTY,
    learn_s: int = LEARN_S,
) -> tuple[list[Finding], dict[str, int]]:
    """Return findings, and all that is known now: fingerprint -> when it was seen last, epoch seconds.

    known: what the call before returned, {} at first; beside fingerprints it has MARKS and those that begin
    with FIRST. Judging the same minute again gives the same.
    """
    at_s = end_s(now_s, rule.measure)
    learned, is_learning = _learning(rule, windows, known, at_s, learn_s)
    learned = _judged(learned, known, at_s)
    look = _look(rule, learned, at_s)
    recent = windows.over(rule.measure, look.recent_s, at_s)
    earlier = windows.over(rule.measure, look.earlier_s, look.recent_s)
    found = []
    for group, one in sorted(recent.items()):
        fingerprint = _fingerprint(group)
        times = events_of(rule.measure, one) + events_of(rule.measure, earlier.get(group))
        if fingerprint in learned or is_learning:
            _see(rule, learned, fingerprint, one, at_s)
        elif times >= rule.minimum:
            since_s = _since_s(rule, windows, learned, group, look, at_s)
            known_s = since_s - windows.began_s(rule.measure)
            before_s = min(known_s, rule.lookback_s)
            found.append(_new(rule, group, one, since_s, before_s, at_s - look.recent_s, at_s, config))
    present = {_fingerprint(group) for group in recent}
    for group in sorted(earlier.keys() - recent.keys()):
        if _fingerprint(group) not in present:
            learned.pop(f"{FIRST}{_fingerprint(group)}", None)
            _close(rule, learned, group, earlier[group], at_s)
        found.append(_gone(rule, group, earlier[group], at_s, config))
    return found, learned


def _learning(
    rule: NewError, windows: Windows, known: Mapping[str, int], at_s: int, learn_s: int
) -> tuple[dict[str, int], bool]:
    """Return what is known still, and whether everything is to be learned."""
    learned = {name: seen for name, seen in known.items() if seen >= at_s - rule.lookback_s}
    first_s = known.get(LEARNING, at_s)
    if LEARNED not in learned and at_s - first_s < learn_s:
        return {**learned, LEARNING: first_s}, True
    learned.pop(LEARNING, None)
    if at_s - learned.get(LEARNED, 0) >= rule.lookback_s // _RENEWED:
        learned[LEARNED] = at_s
    return learned, at_s < windows.began_s(rule.measure) + learn_s


def _judged(learned: Mapping[str, int], known: Mapping[str, int], at_s: int) -> dict[str, int]:
    """What is known with the marks of this time; a pause is remembered as long as windows show it."""
    after = {name: seen for name, seen in learned.items() if name not in (JUDGED, PAUSED, RESUMED)}
    judged_s = known.get(JUDGED, at_s)
    paused_s, resumed_s = known.get(PAUSED, judged_s), known.get(RESUMED, 0)
    if at_s - judged_s > OPEN_S:
        resumed_s = at_s
    if at_s - resumed_s < 2 * OPEN_S:
        after |= {PAUSED: paused_s, RESUMED: resumed_s}
    is_new = JUDGED not in known or at_s - judged_s >= JUDGED_RENEWED_S
    return {**after, JUDGED: at_s if is_new else judged_s}


def _look(rule: NewError, learned: Mapping[str, int], at_s: int) -> _Look:
    """The last hour and the one before; after a pause since judging stopped, and the hour before that."""
    hour_s = at_s - OPEN_S
    if RESUMED not in learned:
        return _Look(hour_s, hour_s - OPEN_S)
    reach_s = max(rule.measure.keep_s, rule.measure.keep_hours_s) // SLOT_S * SLOT_S
    paused_s = min(hour_s, max(learned[PAUSED], at_s - min(reach_s, PAUSE_MAX_S)))
    is_recent = at_s - learned[RESUMED] < OPEN_S
    return _Look(paused_s if is_recent else hour_s, paused_s - OPEN_S)


def _see(rule: NewError, learned: dict[str, int], fingerprint: str, one: Sum, at_s: int) -> None:
    seen = last_arrived_s(one) or at_s
    if seen - learned.get(fingerprint, 0) >= rule.lookback_s // _RENEWED:
        learned[fingerprint] = seen


def _close(rule: NewError, learned: dict[str, int], group: Group, one: Sum, at_s: int) -> None:
    """What was often enough to be told is known once it is over."""
    if _fingerprint(group) in learned or events_of(rule.measure, one) >= rule.minimum:
        _see(rule, learned, _fingerprint(group), one, at_s - OPEN_S)


def _since_s(
    rule: NewError, windows: Windows, learned: dict[str, int], group: Group, look: _Look, at_s: int
) -> int:
    """When a new error was seen first; it is remembered until it is known."""
    first_s = max(look.earlier_s, windows.began_s(rule.measure)) // SLOT_S * SLOT_S
    mark = f"{FIRST}{_fingerprint(group)}"
    if mark not in learned:
        learned[mark] = arrived_s(windows, rule.measure, group, first_s, at_s) or at_s
    return learned[mark]


def _new(
    rule: NewError,
    group: Group,
    one: Sum,
    since_s: int,
    before_s: int,
    within_s: int,
    at_s: int,
    config: Config,
) -> Finding:
    template = _template(one.samples)
    times = events_of(rule.measure, one)
    told = f"{number(times)} time{'' if times == 1 else 's'} in the last {duration(within_s)}"
    before = f", not seen in the {duration(before_s)} before" if before_s > 0 else ""
    since = f"first at {clock(since_s, beside_s=at_s)}{before}"
    return finding(
        rule,
        subject_of(rule.measure, group, one.samples, config),
        "breach",
        at_s,
        f'a new error, {told}, {since}: "{shortened(template, _SAID_MAX)}"',
        since_s=since_s,
        value=times,
        limit=rule.minimum,
        unit="1",
        samples=one.samples,
        details={"fingerprint": _fingerprint(group), "template": template},
    )


def _gone(rule: NewError, group: Group, one: Sum, at_s: int, config: Config) -> Finding:
    template = _template(one.samples)
    return finding(
        rule,
        subject_of(rule.measure, group, one.samples, config),
        "ok",
        at_s,
        f'not seen for {duration(OPEN_S)}: "{shortened(template, _SAID_MAX)}"',
        value=0,
        limit=rule.minimum,
        unit="1",
        details={"fingerprint": _fingerprint(group), "template": template},
    )


def _fingerprint(group: Group) -> str:
    return group[-1]


def _template(samples: tuple[Sample, ...]) -> str:
    # Expressions that only what is new needs.
    from subscribers.alerts.fingerprint import template_of

    return template_of(samples[0].text) if samples else ""
