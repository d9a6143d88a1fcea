"""What the tests of incidents and destinations share: findings by the minute, and what is told of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from subscribers.alerts.incidents import Advanced, Incident, Policy, advance
from subscribers.alerts.model import Finding, Measure, NewError, Rule, Sample, Selector, Threshold
from subscribers.alerts.notice import Notice

#: 2026-11-21 03:30:00 UTC, a Saturday.
START_S = 1_795_231_800
MINUTE_S = 60
MEASURE = Measure(id="0" * 16, selector=Selector(signal="span"))


def threshold(name: str = "errors", **settings: Any) -> Threshold:
    return Threshold(name=name, **{"measure": MEASURE, "value": 1.0, **settings})


def policy(*rules: Rule, **settings: Any) -> Policy:
    """A policy of some rules, or of one called `errors`."""
    return Policy(rules={rule.name: rule for rule in rules or (threshold(),)}, **settings)


def finding(verdict: str = "breach", rule: str = "errors", **settings: Any) -> Finding:
    told: dict[str, Any] = {"at_s": START_S, "since_s": START_S - 300, "said": "5 requests failed; limit 1"}
    return Finding(rule=rule, verdict=verdict, **{**told, **settings})  # type: ignore[arg-type]


def of(service: str, verdict: str = "breach", **settings: Any) -> Finding:
    """A finding about one service."""
    return finding(verdict, group={"service": service}, service=service, **settings)


def sample(n: int = 0, **settings: Any) -> Sample:
    told: dict[str, Any] = {"correlation_id": f"corr-{n}", "trace_id": f"{n + 1:032x}", "text": "it broke"}
    place: dict[str, Any] = {"service": "claims", "side": "serverless", "log_group": "/aws/lambda/claims"}
    return Sample(time_unix_nano=(START_S - 100) * 10**9, **{**place, **told, **settings})


def new_error(name: str = "new") -> NewError:
    return NewError(name=name, measure=MEASURE)


class Timeline:
    """Evaluations one after the other, a minute apart."""

    def __init__(self, policy: Policy, start_s: int = START_S) -> None:
        self.policy, self.now_s = policy, start_s
        self.incidents: tuple[Incident, ...] = ()
        self.notices: list[Notice] = []

    def step(self, *findings: Finding, minutes: int = 1) -> list[str]:
        """Evaluate once, some minutes after the time before; return what is told, as `action rule`."""
        told = self.at(self.now_s, findings)
        self.now_s += minutes * MINUTE_S
        return [f"{notice.action} {notice.rule}" for notice in told.notices]

    def at(self, now_s: int, findings: Iterable[Finding]) -> Advanced:
        told = advance(self.incidents, list(findings), now_s, self.policy)
        self.incidents = told.incidents
        self.notices += told.notices
        return told

    def states(self) -> dict[str, str]:
        """State of the incidents, by their service or rule."""
        return {i.finding.service or i.rule: i.state for i in self.incidents}
