"""An error appears that was not seen before, by its fingerprint.

    in the first hour of judging or counting    learned; nobody is told: the tool is new, not the error
    new, `minimum` times                        breach, as long as it was seen in the last hour
    not seen for an hour                        ok; from now on it is known
    known, not seen for `lookback_s`            new again
    fewer than `minimum`                        nothing, and it does not become known either

`minimum` times are those as far back as windows reach. What is known of a fingerprint is when it was seen
last; it is written anew after each 24th of the lookback only, so it may be that much too early. The same
error in two services is two findings of one fingerprint.
"""

from __future__ import annotations

from collections.abc import Mapping

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
#: Before a fingerprint that is new: when it was seen first, which may be longer ago than windows reach.
FIRST = "first:"
_RENEWED = 24
_SAID_MAX = 200


def judge_new_error(
    rule: NewError,
    windows: Windows,
    known: Mapping[str, int],
    now_s: int,
    config: Config = EMPTY,
    learn_s: int = LEARN_S,
) -> tuple[list[Finding], dict[str, int]]:
    """Return findings, and all that is known now: fingerprint -> when it was seen last, epoch seconds.

    known: what the call before returned, {} at first; beside fingerprints it has the marks LEARNING,
    LEARNED and FIRST. Judging the same minute again gives the same.
    """
    at_s = end_s(now_s, rule.measure)
    recent = windows.over(rule.measure, at_s - OPEN_S, at_s)
    earlier = windows.over(rule.measure, at_s - max(_reach_s(rule), OPEN_S), at_s - OPEN_S)
    learned, is_learning = _learning(rule, windows, known, at_s, learn_s)
    found = []
    for group, one in sorted(recent.items()):
        fingerprint = _fingerprint(group)
        times = events_of(rule.measure, one) + events_of(rule.measure, earlier.get(group))
        if fingerprint in learned or is_learning:
            _see(rule, learned, fingerprint, one, at_s)
        elif times >= rule.minimum:
            since_s = _since_s(rule, windows, learned, group, at_s)
            known_s = since_s - windows.began_s(rule.measure)
            found.append(_new(rule, group, one, since_s, min(known_s, rule.lookback_s), at_s, config))
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


def _see(rule: NewError, learned: dict[str, int], fingerprint: str, one: Sum, at_s: int) -> None:
    seen = last_arrived_s(one) or at_s
    if seen - learned.get(fingerprint, 0) >= rule.lookback_s // _RENEWED:
        learned[fingerprint] = seen


def _close(rule: NewError, learned: dict[str, int], group: Group, one: Sum, at_s: int) -> None:
    """What was often enough to be told is known once it is over."""
    if _fingerprint(group) in learned or events_of(rule.measure, one) >= rule.minimum:
        _see(rule, learned, _fingerprint(group), one, at_s - OPEN_S)


def _since_s(rule: NewError, windows: Windows, learned: dict[str, int], group: Group, at_s: int) -> int:
    """When a new error was seen first; it is remembered until it is known."""
    first_s = max(at_s - _reach_s(rule), windows.began_s(rule.measure)) // SLOT_S * SLOT_S
    mark = f"{FIRST}{_fingerprint(group)}"
    if mark not in learned:
        learned[mark] = arrived_s(windows, rule.measure, group, first_s, at_s) or at_s
    return learned[mark]


def _new(
    rule: NewError, group: Group, one: Sum, since_s: int, before_s: int, at_s: int, config: Config
) -> Finding:
    template = _template(one.samples)
    times = events_of(rule.measure, one)
    told = f"{number(times)} time{'' if times == 1 else 's'} in the last {duration(OPEN_S)}"
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


def _reach_s(rule: NewError) -> int:
    return max(rule.measure.keep_s, rule.measure.keep_hours_s)
