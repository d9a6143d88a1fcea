"""One evaluation: everything the plan asks, judged at one minute. Only the state is read and written."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from subscribers.alerts.flows import judge_flow
from subscribers.alerts.judge import judge
from subscribers.alerts.judge_new_error import MARKS, judge_new_error
from subscribers.alerts.model import AnyRule, Finding, Flow, NewError
from subscribers.alerts.plan import Plan
from subscribers.alerts.state import Entry, State, StateError
from subscribers.alerts.windows import Ledgered

#: Fingerprints of one rule that are remembered, 270 KB; the longest unseen are forgotten first.
KNOWN_MAX = 10_000
_MEMORY = "known errors"


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """What an evaluation found. failed: rules that could not be judged, and why; late: how many events came
    too late to be in a window; unreadable: parts that were damaged and are removed."""

    at_s: int
    findings: tuple[Finding, ...]
    failed: dict[str, str] = {}
    late: int = 0
    unreadable: int = 0


class Evaluation:
    """A plan and a state, ready to be asked every minute."""

    def __init__(self, plan: Plan, state: State) -> None:
        self._plan, self._state = plan, state
        self._windows = Ledgered(state)

    def restart(self, now_s: int) -> None:
        """Begin to count anew: the clock was ahead. Raises StateError."""
        self._windows.restart(self._plan.measures.values(), now_s)

    def judge(self, now_s: int, last_s: int = 0) -> Judged:
        """Judge every rule at a time, epoch seconds. Raises StateError where nothing can be read.

        last_s: when it was judged before, 0 where nobody knows.
        """
        self._windows.advance(self._plan.measures.values(), now_s, last_s)
        found: list[Finding] = []
        failed: dict[str, str] = {}
        for rule in self._plan.rules.values():
            try:
                found += self._of(rule, now_s)
            except StateError as error:
                # An entry that cannot be read must not silence the other rules.
                if error.reason != "corrupt":
                    raise
                failed[rule.name] = str(error)
            except Exception as fault:  # noqa: BLE001 - a fault of one rule must not silence the others
                failed[rule.name] = f"{type(fault).__name__}: {fault}"
        return Judged(
            at_s=now_s,
            findings=tuple(found),
            failed=failed,
            late=sum(self._windows.take_late().values()),
            unreadable=self._windows.take_unreadable(),
        )

    def _of(self, rule: AnyRule, now_s: int) -> Iterator[Finding]:
        if isinstance(rule, Flow):
            findings, _ = judge_flow(rule, self._state, now_s)
            yield from (self._placed(rule, finding) for finding in findings)
        elif isinstance(rule, NewError):
            yield from self._new_errors(rule, now_s)
        else:
            yield from judge(rule, self._windows, now_s, self._plan.config)

    def _placed(self, flow: Flow, finding: Finding) -> Finding:
        """Return a flow's finding with the place where it should have arrived, where that is one service."""
        services = {service for end in flow.ends for service in end.selector.services}
        place = self._plan.config.services.get(next(iter(services))) if len(services) == 1 else None
        return msgspec.structs.replace(finding, service=place.name, side=place.side) if place else finding

    def _new_errors(self, rule: NewError, now_s: int) -> list[Finding]:
        entry = self._state.get(_MEMORY, rule.name)
        known = _known(entry)
        findings, after = judge_new_error(rule, self._windows, known, now_s, self._plan.config)
        if after != known:
            newest = sorted(after, key=lambda name: (name in MARKS, after[name]), reverse=True)
            body = msgspec.msgpack.encode({name: after[name] for name in newest[:KNOWN_MAX]})
            self._state.put([Entry(_MEMORY, rule.name, body)])
        return findings


def _known(entry: Entry | None) -> dict[str, int]:
    if entry is None:
        return {}
    try:
        return msgspec.msgpack.decode(entry.body, type=dict[str, int])
    except msgspec.DecodeError as error:
        raise StateError(f"the entry {entry.partition} {entry.sort} cannot be read", "corrupt") from error
