"""Open alerts, findings and flows on a terminal."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from rich.console import Console
from rich.text import Text

from console.terminal import line
from subscribers.alerts.flows import FlowReport
from subscribers.alerts.flows_audit import Unmatched
from subscribers.alerts.flows_said import details_of
from subscribers.alerts.incidents import Incident
from subscribers.alerts.incidents_values import rank, worst
from subscribers.alerts.message import Surroundings, command_of, message_of, plain
from subscribers.alerts.model import Finding
from subscribers.alerts.notice import Notice
from subscribers.config_problems import printable

#: Of one message on a terminal.
_MESSAGE_MAX_BYTES = 20_000
_ORDER = {"breach": 0, "unknown": 1, "ok": 2}
_STYLES = {"breach": "bold red", "unknown": "dim", "ok": "green"}


def render_findings(findings: Iterable[Finding], console: Console) -> None:
    """Print what judging said, what breaches first; of what could not be judged only the rules."""
    every = sorted(findings, key=lambda one: (_ORDER[one.verdict], one.rule))
    for finding in every:
        if finding.verdict == "unknown":
            continue
        head = Text(f"{finding.verdict:<8}", _STYLES[finding.verdict]).append(
            printable(finding.rule), "not dim bold"
        )
        console.print(head, highlight=False, soft_wrap=True)
        line(console, finding.said, " " * 8)
    if unknown := sorted({finding.rule for finding in every if finding.verdict == "unknown"}):
        line(console, f"not judged, for too little is known: {', '.join(unknown)}", style="dim")


def messages(incidents: Iterable[Incident], around: Surroundings, at_s: int) -> list[str]:
    """Return what people would read now of each alert that is open, as text."""
    by_key: dict[str, list[Incident]] = {}
    for incident in incidents:
        if incident.is_live:
            by_key.setdefault(incident.key, []).append(incident)
    notices = (_notice(key, some, at_s) for key, some in by_key.items())
    return [plain(message_of(notice, around), _MESSAGE_MAX_BYTES) for notice in notices]


def _notice(key: str, incidents: list[Incident], at_s: int) -> Notice:
    """What would be told of an alert if it were told now."""
    told = next((one.told for one in incidents if one.told), None)
    severity = worst(one.severity for one in incidents)
    return Notice(
        key=key,
        action="trigger",
        rule=incidents[0].rule,
        revision=told.revision if told else 0,
        at_s=at_s,
        triggered_s=told.triggered_s if told else at_s,
        since_s=min(one.since_s for one in incidents),
        severity=severity,
        peak=told.peak if told else severity,
        incidents=tuple(
            sorted(incidents, key=lambda one: (not one.is_breaching, -rank(one.severity), one.since_s))
        ),
        reason="" if told else f"nobody was told: it is {incidents[0].state}",
    )


def incidents_json(incidents: Iterable[Incident]) -> list[dict[str, Any]]:
    """Return incidents for programs."""
    return [msgspec.to_builtins(one) for one in incidents]


def flow_json(report: FlowReport, unmatched: Unmatched) -> dict[str, Any]:
    """Return a flow for programs."""
    ends = [{"key": mark.key, "text": mark.sample.text} for mark in unmatched.listed]
    return {"flow": report.flow, **details_of(report), "unmatched": unmatched.keys, "unmatched_ends": ends}


def render_flow(report: FlowReport, unmatched: Unmatched, console: Console) -> None:
    """Print what is overdue, with a command that tells its story, what came late, and without a start."""
    told = flow_json(report, unmatched)
    line(console, report.flow, style="bold")
    numbers = f"{told['starts']:,} due, {told['in_time']:,} in time, {told['late']:,} late"
    more = f"{len(report.overdue):,} overdue, {told['given_up']:,} given up, {told['pending']:,} pending"
    line(console, f"{numbers}, {more}, {told['duplicates']:,} ends twice", "  ")
    for item in told["overdue"]:
        missing = ", ".join(item["missing"])
        line(console, f"{item['key']} since {item['since']}: not in {missing}", "  overdue    ", "red")
        if item["correlation_id"]:
            line(console, command_of(item["correlation_id"]), "             ")
    if told["overdue_more"]:
        line(console, f"and {told['overdue_more']:,} more", "  overdue    ", "red")
    for item in told["recovered"]:
        line(console, f"{item['key']} since {item['since']}: {item['late_s']:,.0f} s late", "  recovered  ")
    if unmatched.keys:
        keys = ", ".join(end["key"] for end in told["unmatched_ends"][:5])
        line(console, f"{unmatched.keys:,} ends that no start led to: {keys}", "  unmatched  ")
