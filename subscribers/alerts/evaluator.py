"""The edge, once a minute: judge, remember, tell.

    OBSERVE_CONFIG         path of observe.yaml
    OBSERVE_STATE          where rules remember (counting); it must be set
    OBSERVE_DEAD_LETTERS   where notices are kept that cannot be sent (configured)

What is owed to a destination is saved before it is sent, and what is still owed behind it; incidents are
saved with it. An evaluation that dies in between is done again by the next, and destinations recognise its
notices.

    StateError      the state cannot be used; the next minute tries again
    BusyError       another evaluation is at work on the same state
    SettingsError   a setting that cannot be used
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import msgspec

from subscribers.alerts.changes import changes_of, remember_plan
from subscribers.alerts.evaluation import Evaluation, Judged
from subscribers.alerts.incidents import Incident, advance, policy_of
from subscribers.alerts.message import Surroundings, surroundings_of
from subscribers.alerts.model import SLOT_S, Finding, Rule
from subscribers.alerts.notice import Notice
from subscribers.alerts.notify import Notifier, Owed, Told
from subscribers.alerts.plan import Plan
from subscribers.alerts.remembered import Memory
from subscribers.alerts.state import State
from subscribers.settings_error import SettingsError
from subscribers.summary import emf

#: Of a minute's run; what is still owed then is sent by the next one.
DEADLINE_S = 40.0
#: Of that, for what is saved behind the last notice.
SAVING_S = 8.0
#: Minutes that are judged after a pause. What broke and was over before them is not told.
CATCH_UP = 15
#: Open alerts that the summary line names.
_NAMED = 50
#: Rules about ourselves: what nobody would notice else.
OWN_RULES = (
    Rule(
        name="notification-failed",
        severity="error",
        description="A destination could not be told of an alert.",
        reason="built in: an alert that nobody hears is none",
    ),
    Rule(
        name="rule-not-judged",
        severity="error",
        description="A rule could not be judged: what it looks for would not be seen.",
        reason="built in: a rule that is not judged is silent for the wrong reason",
    ),
)


class Evaluated(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one evaluation."""

    judged: Judged
    incidents: tuple[Incident, ...]
    notices: tuple[Notice, ...]
    told: Told
    #: Notices that no destination is configured for.
    untold: int = 0
    #: Entries of the memory that could not be read, and were removed.
    damaged: int = 0

    @property
    def open(self) -> tuple[Incident, ...]:
        """Return the incidents that people were told of and that are not over."""
        return tuple(one for one in self.incidents if one.is_live and one.told)


class Evaluator:
    """A plan, a state and destinations, ready to be run every minute."""

    def __init__(self, plan: Plan, state: State, notifier: Notifier, scope: str = "") -> None:
        """scope: which deployment this is, where several tell the same destinations."""
        self._plan, self._state, self._notifier, self._scope = plan, state, notifier, scope
        self._evaluation = Evaluation(plan, state)
        self._memory = Memory(state)
        self._rules = [*OWN_RULES, *plan.rules.values()]

    def evaluate(self, now_s: float, left_s: float | None = None) -> Evaluated:
        """Judge at the last whole minute, and tell what is to be told. Raises StateError and BusyError.

        Minutes that were not judged are made up for, the latest CATCH_UP of them.
        now_s: epoch seconds. The same minute may be evaluated again; an earlier one is refused by BusyError,
        unless the one before was told by a clock that was ahead by an hour or more. left_s: seconds that it
        may take, None where nobody knows.
        """
        at_s = int(now_s) // SLOT_S * SLOT_S
        until_s = time.monotonic() + (DEADLINE_S if left_s is None else min(DEADLINE_S, left_s - SAVING_S))
        with self._memory.turn(at_s) as turn:
            if turn.went_back:
                self._evaluation.restart(at_s)
            done_s = 0 if turn.went_back else self._memory.done_s()
            before, owed = self._memory.incidents(at_s if turn.went_back else None), self._memory.owed()
            deaf = {**self._memory.failed(), **_waiting(owed)}
            # Who cannot be told of anything cannot be told of that either.
            hearing = tuple(name for name in self._plan.config.destinations if name not in deaf)
            scope = self._memory.scope(self._scope)
            remember_plan(self._plan, self._state, at_s)
            incidents, outbox = before, owed
            notices: list[Notice] = []
            for minute_s in _minutes(done_s, at_s):
                judged = self._evaluation.judge(minute_s, done_s)
                ourselves = _about_ourselves(judged, deaf if hearing else {}, incidents, minute_s)
                policy = policy_of(self._plan.config.alerts, self._told_to(hearing), scope, judged.failed)
                advanced = advance(incidents, [*judged.findings, *ourselves], minute_s, policy)
                outbox = self._notifier.outbox(advanced.notices, self._around(advanced.notices, at_s), outbox)
                incidents, done_s = advanced.incidents, minute_s
                notices += advanced.notices
            self._memory.save(before, incidents, owed, outbox, at_s)
            told = self._notifier.deliver(outbox, at_s, max(0.0, until_s - time.monotonic()))
            # Else who has our turn tells it again, which is harmless; what it owes is not ours to remove.
            if self._memory.is_ours(turn):
                self._memory.save_told(outbox, told.owed, dict(told.failed))
        return Evaluated(
            judged=judged,
            incidents=incidents,
            notices=tuple(notices),
            told=told,
            untold=self._notifier.untold(notices),
            damaged=self._memory.damaged,
        )

    def _around(self, notices: Sequence[Notice], at_s: int) -> Surroundings:
        """Return what messages need besides their notices. What changed is read only where there are some."""
        services = {one.finding.service for notice in notices for one in notice.incidents}
        changes = changes_of(self._plan, self._state, at_s, services) if services else ()
        return surroundings_of(self._plan.config, self._rules, changes)

    def _told_to(self, hearing: tuple[str, ...]) -> list[Rule]:
        """Return the rules; of destinations that cannot be told the others hear."""
        return [
            msgspec.structs.replace(rule, notify=hearing) if rule.name == OWN_RULES[0].name else rule
            for rule in self._rules
        ]


def _minutes(done_s: int, at_s: int) -> range:
    """Return the minutes that are to be judged: those since the last one, but not too many."""
    first = max(done_s + SLOT_S, at_s - CATCH_UP * SLOT_S) if done_s else at_s
    return range(min(first, at_s), at_s + SLOT_S, SLOT_S)


def _waiting(owed: Sequence[Owed]) -> dict[str, str]:
    """Return the destinations that are to be told something still, and why they were not."""
    return {one.destination: one.refusal.reason if one.refusal else "out_of_time" for one in owed}


def _about_ourselves(
    judged: Judged, deaf: Mapping[str, str], before: Sequence[Incident], at_s: int
) -> list[Finding]:
    """Return findings for what we cannot do: rules that are not judged, destinations that are not told.

    deaf: destination -> reason; before: what was so the last time.
    """
    found = {
        ("rule-not-judged", "rule", name): f"{name} is not judged: {said}"
        for name, said in judged.failed.items()
    }
    for name, why in deaf.items():
        said = f"{name} could not be told of an alert ({why}); what it refused for good is a dead letter"
        found["notification-failed", "destination", name] = said
    findings = [
        Finding(rule=rule, verdict="breach", at_s=at_s, since_s=at_s, group={kind: name}, said=said)
        for (rule, kind, name), said in found.items()
    ]
    own = {rule.name for rule in OWN_RULES}
    over = [one for one in before if one.rule in own and (one.rule, *_only(one.group)) not in found]
    return findings + [Finding(rule=one.rule, verdict="ok", at_s=at_s, group=one.group) for one in over]


def _only(group: Mapping[str, str]) -> tuple[str, ...]:
    """The one name and value of a group of ours."""
    return next(iter(group.items()), ())


def metric_lines(made: Evaluated, now_ms: int) -> list[str]:
    """Return what an evaluation did as metrics of CloudWatch's embedded format."""
    judged, told = made.judged, made.told
    values = {
        "Findings": sum(finding.verdict == "breach" for finding in judged.findings),
        "IncidentsOpen": len(made.open),
        "NotificationsSent": told.sent,
        "NotificationsFailed": len(told.failed),
        "NotificationsOwed": len(told.owed),
        "RulesFailed": len(judged.failed),
        "LateEvents": judged.late,
    }
    return [emf(now_ms, {}, values)]


def summary_line(made: Evaluated, plan: Plan) -> str:
    """Return what an evaluation did as one line of JSON."""
    judged, told = made.judged, made.told
    is_bad = bool(judged.failed or told.failed or judged.unreadable or made.damaged)
    line = {
        "level": "WARN" if is_bad else "INFO",
        "message": "rules judged",
        "time_unix_nano": judged.at_s * 1_000_000_000,
        "rules": len(plan.rules),
        "open": [
            {"rule": one.rule, "group": one.group, "since_s": one.since_s, "said": one.finding.said}
            for one in made.open[:_NAMED]
        ],
        "incidents_open": len(made.open),
        "notices": [{"key": one.key, "action": one.action} for one in made.notices],
        "sent": told.sent,
        "late_events": judged.late,
        **({"failed_rules": judged.failed} if judged.failed else {}),
        **({"failed_notifications": told.failed} if told.failed else {}),
        **({"untold": made.untold} if made.untold else {}),
        **({"unreadable_parts": judged.unreadable} if judged.unreadable else {}),
        **({"damaged_entries": made.damaged} if made.damaged else {}),
        **({"notes": plan.notes} if plan.notes else {}),
    }
    return msgspec.json.encode(line).decode()


def evaluator_of(environ: Mapping[str, str]) -> tuple[Plan, Evaluator]:
    """Return the plan and the evaluator of an environment. Raises SettingsError and ConfigError."""
    from subscribers.alerts.counting import planned
    from subscribers.alerts.state_of import state_of
    from subscribers.config import EMPTY, load
    from subscribers.configured import keeper_of
    from subscribers.secrets import Secrets

    path, address = environ.get("OBSERVE_CONFIG", ""), environ.get("OBSERVE_STATE", "")
    if not address:
        raise SettingsError("OBSERVE_STATE is not set: it names where rules remember, such as dynamodb:TABLE")
    config = load(path) if path else EMPTY
    plan = planned(config)
    try:
        state = state_of(address)
    except ValueError as error:
        raise SettingsError(f"OBSERVE_STATE: {error}") from error
    keeper = keeper_of(environ, ())
    notifier = Notifier(config.destinations, keeper, Secrets())
    return plan, Evaluator(plan, state, notifier, environ.get("AWS_LAMBDA_FUNCTION_NAME", ""))


@cache
def _from_environment() -> tuple[Plan, Evaluator]:
    return evaluator_of(os.environ)


def handler(event: Any, context: Any, clock: Callable[[], float] = time.time) -> dict[str, Any]:
    """Handle one tick of the schedule: what the event says does not matter. Raises what evaluate raises."""
    del event
    plan, evaluator = _from_environment()
    now_s = clock()
    left_ms = getattr(context, "get_remaining_time_in_millis", None)
    made = evaluator.evaluate(now_s, left_ms() / 1000 if left_ms else None)
    lines = [*metric_lines(made, int(now_s * 1000)), summary_line(made, plan)]
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()
    return {"at_s": made.judged.at_s, "open": len(made.open), "notices": len(made.notices)}
