"""The flow of the claims example, from observe.yaml to the alert: over lines such as both sides write."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from observe.ids import key_mark
from subscribers.alerts.flows import judge_flow
from subscribers.alerts.model import Finding
from subscribers.alerts.plan import plan_of
from subscribers.alerts.state import State
from subscribers.alerts.state_memory import MemoryState
from subscribers.alerts.state_sqlite import SqliteState
from subscribers.alerts.tally import Tally
from subscribers.config import loads
from subscribers.signals import Log, Origin

SECRET = "a secret"
T0 = 1_795_308_818
CONFIG = loads(r"""
version: 1
services:
  submit-claim: {side: serverless, log_groups: [/aws/lambda/submit-claim]}
  claims-legacy: {side: legacy, log_groups: [/legacy/claims/application, /legacy/claims/report]}
keys:
  claim: "\\bCLM-[0-9]{6}\\b"
flows:
  claims-in-report:
    description: Every claim that is accepted or registered is a line of the nightly report.
    start:
      signal: log
      service: [submit-claim, claims-legacy]
      matches: "^accepted CLM-|^claim CLM-[0-9]+ registered"
    ends:
      - signal: log
        service: claims-legacy
        fields: {fixed_width.record: D}
    key: claim
    deadline: {within: 1m}
""")
PLAN = plan_of(CONFIG)
PAGE = (Path(__file__).parents[3] / "docs" / "flows.md").read_text(encoding="utf-8")
SIDES: dict[str, Any] = {
    "/aws/lambda/submit-claim": ("submit-claim", "serverless"),
    "/legacy/claims/application": ("claims-legacy", "legacy"),
    "/legacy/claims/report": ("claims-legacy", "legacy"),
}


def _line(group: str, message: str, claim: str, at_s: float, /, **attributes: Any) -> Log:
    return Log(
        event_id=f"{group} {message} {at_s}",
        origin=Origin("123456789012", "eu-west-1", group, "s", *SIDES[group]),
        time_unix_nano=round(at_s * 1_000_000_000),
        observed_time_unix_nano=0,
        message=message,
        correlation_id="" if attributes else f"desk-{claim}",
        keys=(key_mark("claim", claim, SECRET),),
        attributes={f"fixed_width.{name}": value for name, value in attributes.items()},
    )


def _claims(numbers: range, missing: int) -> list[Log]:
    found = []
    for n in numbers:
        claim, at_s = f"CLM-889{n:03d}", T0 + n / 10
        found.append(_line("/legacy/claims/application", f"claim {claim} on policy POL-1", claim, at_s))
        found.append(_line("/legacy/claims/application", f"claim {claim} registered", claim, at_s))
        if n % 4:  # the rest came over the old way
            found.append(_line("/aws/lambda/submit-claim", f"accepted {claim}", claim, at_s + 0.04))
        if n != missing:
            record = f"D {claim}  000196434 RG 20261122"
            found.append(_line("/legacy/claims/report", record, claim, T0 + 16, record="D", claim=claim))
    skipped = f"CLM-889{missing:03d}"
    found.append(
        _line("/legacy/claims/application", f"skipped {skipped}: amount too large", skipped, T0 + 11)
    )
    found.append(
        _line("/legacy/claims/report", "D CLM-000001", "CLM-000001", T0 + 16, record="D", claim="CLM-000001")
    )
    return found


def _judged(signals: list[Log], at_s: int, state: State | None = None) -> Finding:
    state = state or MemoryState(lambda: at_s)
    state.put(entry for entry, _ in Tally(PLAN, key_secret=SECRET, clock=lambda: T0 + 20).count(signals))
    (finding,), _ = judge_flow(PLAN.flows["claims-in-report"], state, at_s)
    return finding


def test_the_claim_that_is_not_in_the_report_is_found_and_no_other() -> None:
    """A mark in a text line of a function meets a field of a fixed-width record of the old side."""
    finding = _judged(_claims(range(100), missing=9), T0 + 300)
    assert finding.verdict == "breach"
    assert [item["key"] for item in finding.details["overdue"]] == ["CLM-889009"]
    assert finding.details["overdue"][0]["correlation_id"] == "desk-CLM-889009"
    assert (finding.details["starts"], finding.details["in_time"]) == (100, 99)
    assert finding.said == (
        "claim CLM-889009 of submit-claim, claims-legacy since 00:53 UTC "
        "never appeared in claims-legacy (within 1 min)"
    )


def test_a_complete_report_raises_nothing() -> None:
    """Nor does the claim of last month that is in it."""
    assert _judged(_claims(range(100), missing=100), T0 + 300).verdict == "ok"


def test_a_file_tells_what_memory_tells(tmp_path: Path) -> None:
    """The embedded run keeps its state in SQLite, and judges more than once."""
    claims, state = _claims(range(100), missing=9), SqliteState(tmp_path / "state", lambda: T0 + 300)
    first = _judged(claims, T0 + 300, state)
    assert first == _judged(claims, T0 + 300)
    assert _judged(claims, T0 + 300, state) == first


def test_the_flow_of_the_documentation_is_one() -> None:
    """What is copied from there must be taken."""
    example = PAGE.split("```yaml\n")[1].split("```")[0]
    services = "".join(
        f"  {name}: {{side: {side}, log_groups: [/{name}]}}\n" for name, side in set(SIDES.values())
    )
    flow = plan_of(loads(f"version: 1\nservices:\n{services}{example}")).flows["claims-in-report"]
    assert flow.calendar is not None
    assert flow.start.selector == PLAN.flows["claims-in-report"].start.selector
