"""What an engineer reads: what is so, since when, on which side, what changed, whom it hit and where to look.

A Message is made of clean, short texts; each destination lays them out, and `plain` does so for e-mail, SNS
and the terminal. What is measured is said as it is; what is only near in time is called that.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import msgspec

from subscribers.alerts import links
from subscribers.alerts.incidents_values import Incident
from subscribers.alerts.links import Link
from subscribers.alerts.message_title import about, said_of, split, title_of
from subscribers.alerts.model import Finding, Rule, Sample, Severity
from subscribers.alerts.notice import Action, Notice
from subscribers.alerts.saying import duration
from subscribers.alerts.texts import clock, cut_bytes, line, moment
from subscribers.config import Config, Endpoint, Service

VALUE_MAX, MEMBER_MAX = 500, 300
MEMBERS_MAX, SAMPLES_MAX, CHANGES_MAX, LINKS_MAX, DETAILS_MAX = 50, 5, 3, 12, 20
SAMPLE_LINKS_MAX, LABELS_MAX = 6, 20
#: A change before an alert by more than this is not shown.
CHANGE_AGE_MAX_S = 86_400
#: An alert began somewhere in its first window: what changed a little behind its begin is shown, too.
CHANGE_BEHIND_MAX_S = 300
_ID_MAX = 200
#: Details that are lists of a flow's keys (flows_said).
_LISTED = ("overdue", "recovered")
EVIDENCE = (
    "measured from the signals that arrived; a change is shown because it is near in time, not as a cause"
)


class Changed(msgspec.Struct, frozen=True, kw_only=True):
    """Something that was changed: `submit-claim version 42 first seen`. service: "" where it is about all."""

    kind: Literal["deployment", "cutover", "configuration"]
    at_s: int
    said: str
    service: str = ""


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """What messages need besides their notices."""

    rules: Mapping[str, Rule] = {}
    links: Mapping[str, str] = {}
    services: Mapping[str, Service] = {}
    endpoints: Mapping[str, Endpoint] = {}
    #: Latest of each thing; those behind the alert's begin are not shown.
    changes: tuple[Changed, ...] = ()


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """One request that was hit. id: its correlation ID, or what it has instead; command: shows its story."""

    id: str
    at: str
    service: str
    text: str
    command: str
    links: tuple[Link, ...] = ()


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One notice in words. Every text is clean and bounded; facts and details are (name, text)."""

    id: str
    key: str
    action: Action
    severity: Severity
    peak: Severity
    peak_before: Severity | Literal[""] = ""
    rule: str
    title: str
    said: str
    #: Epoch seconds.
    at_s: int
    since_s: int
    triggered_s: int
    revision: int
    service: str = ""
    side: str = ""
    endpoint: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    #: A line each, and how many more there are.
    members: tuple[str, ...] = ()
    members_left_out: int = 0
    recovered: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()
    samples: tuple[Shown, ...] = ()
    links: tuple[Link, ...] = ()
    #: Keys of a flow that are overdue, or came late, a line each. In short they are in the details, too.
    listed: tuple[tuple[str, tuple[str, ...]], ...] = ()
    details: tuple[tuple[str, str], ...] = ()
    labels: tuple[tuple[str, str], ...] = ()
    evidence: str = EVIDENCE


def surroundings_of(config: Config, rules: Iterable[Rule], changes: Iterable[Changed] = ()) -> Surroundings:
    """Return what messages need of a configuration. rules: all that are judged."""
    return Surroundings(
        rules={rule.name: rule for rule in rules},
        links=config.links,
        services=config.services,
        endpoints=config.endpoints,
        changes=tuple(changes),
    )


def message_of(notice: Notice, around: Surroundings, action: Action | None = None) -> Message:
    """Return what people read of a notice. action: another one than the notice's, for somebody who was not
    told of the alert before."""
    worst = notice.incidents[0]
    finding = worst.finding
    rule = around.rules.get(notice.rule) or Rule(name=notice.rule)
    templates = _templates(finding, around)
    shown = notice.incidents[:MEMBERS_MAX] if len(notice.incidents) > 1 else ()
    done = action or notice.action
    return Message(
        id=notice.id,
        key=notice.key,
        action=done,
        severity=notice.severity,
        peak=notice.peak,
        peak_before=notice.peak_before,
        rule=line(notice.rule, MEMBER_MAX),
        title=title_of(notice, done, around.endpoints),
        said=said_of(notice, done),
        at_s=notice.at_s,
        since_s=notice.since_s,
        triggered_s=notice.triggered_s,
        revision=notice.revision,
        service=_common(notice, "service"),
        side=_common(notice, "side"),
        endpoint=_common(notice, "endpoint"),
        facts=tuple(_facts(notice, rule, around)),
        members=tuple(_member(i, around) for i in shown),
        members_left_out=max(0, len(notice.incidents) - len(shown)) if shown else 0,
        recovered=tuple(_member(i, around) for i in notice.recovered[:MEMBERS_MAX]),
        changes=tuple(_changes(notice, around)),
        samples=tuple(_samples(notice.incidents, around)),
        links=links.of_event(templates, finding, notice.since_s)[:LINKS_MAX],
        listed=tuple(_listed_keys(finding)),
        details=tuple(_details(finding)),
        labels=tuple((line(k, 64), line(v, 200)) for k, v in list(rule.labels.items())[:LABELS_MAX]),
    )


def plain(message: Message, most_bytes: int) -> str:
    """Return a message as text of at most so many bytes, what matters most first."""
    return cut_bytes("\n".join(_lines(message)), most_bytes)


def _lines(message: Message) -> Iterable[str]:
    yield message.title
    yield ""
    yield message.said
    yield ""
    yield from (f"{name}: {text}" for name, text in message.facts)
    yield from _listed("What changed before (near in time, not shown to be the cause)", message.changes)
    if message.samples:
        yield from ("", "Requests that it hit:")
        for shown in message.samples:
            yield f"  {shown.at} {shown.service} {shown.id}{f': {shown.text}' if shown.text else ''}"
            yield from (f"    {link.name}: {link.url}" for link in shown.links)
            yield f"    {shown.command}"
    for name, lines in message.listed:
        yield from _listed(name.capitalize(), lines)
    yield from _listed("Links", [f"{link.name}: {link.url}" for link in message.links])
    yield from _listed("All of them", message.members)
    if message.members_left_out:
        yield f"  and {message.members_left_out} more"
    yield from _listed("Recovered meanwhile", message.recovered)
    told = {shown for name, _ in message.listed for shown in (name, f"{name}_more")}
    yield from _listed("Details", [f"{name}: {text}" for name, text in message.details if name not in told])
    yield from ("", f"Evidence: {message.evidence}.", f"Alert: {message.key}, notice {message.revision}")


def _listed(name: str, lines: Sequence[str]) -> Iterable[str]:
    if lines:
        yield from ("", f"{name}:", *(f"  {one}" for one in lines))


def _common(notice: Notice, name: str) -> str:
    """What all incidents of a notice have in common, else ""."""
    found = {getattr(incident.finding, name) for incident in notice.incidents}
    return line(str(found.pop()), MEMBER_MAX) if len(found) == 1 else ""


def _facts(notice: Notice, rule: Rule, around: Surroundings) -> Iterable[tuple[str, str]]:
    finding = notice.incidents[0].finding
    lasted = duration(max(0, notice.at_s - notice.since_s))
    is_over = notice.action == "resolve"
    told = [
        ("Severity", notice.peak if is_over else notice.severity),
        ("Since", f"{moment(notice.since_s)}, {'lasted' if is_over else 'for'} {lasted}"),
        ("Over since" if is_over else "Told now because", notice.reason),
        ("Side", _common(notice, "side")),
        ("Service", _common(notice, "service")),
        ("Endpoint", _common(notice, "endpoint")),
        (
            "About",
            ", ".join(f"{k} {v}" for k, v in finding.group.items()) if len(notice.incidents) == 1 else "",
        ),
        ("Runbook", _runbook(notice, rule, around)),
        ("Owner", rule.owner or _of_place(finding, around, "owner")),
        ("Rule", f"{rule.name}{f': {rule.description}' if rule.description else ''}"),
        ("Why there is this rule", rule.reason),
    ]
    return (
        (name, line(text, VALUE_MAX if name != "Runbook" else links.URL_MAX)) for name, text in told if text
    )


def _runbook(notice: Notice, rule: Rule, around: Surroundings) -> str:
    finding = notice.incidents[0].finding
    template = rule.runbook or _of_place(finding, around, "runbook")
    return links.address(template, finding, notice.since_s) if template else ""


def _of_place(finding: Finding, around: Surroundings, name: str) -> str:
    """What the finding's endpoint, or else its service, says of itself."""
    places = (around.endpoints.get(finding.endpoint), around.services.get(finding.service))
    return next((str(getattr(place, name)) for place in places if place and getattr(place, name)), "")


def _templates(finding: Finding, around: Surroundings) -> dict[str, str]:
    service = around.services.get(finding.service)
    return {**around.links, **(service.links if service else {})}


def _member(incident: Incident, around: Surroundings) -> str:
    finding = incident.finding
    place, said = split(finding, around.endpoints)
    # A place may leave out what the group tells: the function of a service.
    if not all(value in place for value in finding.group.values()):
        place, said = "", finding.said
    where = place or ", ".join(f"{k} {v}" for k, v in finding.group.items()) or about(finding) or finding.rule
    held = " (not breaching at the moment)" if incident.state == "held" else ""
    return line(f"{incident.severity} since {clock(incident.since_s)}, {where}{held}: {said}", MEMBER_MAX)


def _changes(notice: Notice, around: Surroundings) -> Iterable[str]:
    """The latest changes before it, those of its services or of all."""
    services = {incident.finding.service for incident in notice.incidents} - {""}
    seen_s = min(incident.opened_s for incident in notice.incidents)
    last_s = min(notice.since_s + CHANGE_BEHIND_MAX_S, seen_s)
    near = [
        change
        for change in around.changes
        if notice.since_s - CHANGE_AGE_MAX_S <= change.at_s <= last_s
        and (not change.service or not services or change.service in services)
    ]
    for change in sorted(near, key=lambda one: one.at_s, reverse=True)[:CHANGES_MAX]:
        before_s = notice.since_s - change.at_s
        when = f"{duration(before_s)} before" if before_s >= 0 else "in its first minutes"
        yield line(f"{change.kind}: {change.said}, {clock(change.at_s)}, {when}", VALUE_MAX)


def _samples(incidents: Sequence[Incident], around: Surroundings) -> Iterable[Shown]:
    """The first samples of the worst incidents, each request once."""
    seen: set[str] = set()
    for incident in incidents:
        for sample in incident.finding.samples:
            id = _id_of(sample)
            if id and id not in seen and len(seen) < SAMPLES_MAX:
                seen.add(id)
                yield _shown(id, sample, incident.finding, around)


def _shown(id: str, sample: Sample, finding: Finding, around: Surroundings) -> Shown:
    place = msgspec.structs.replace(finding, service=sample.service or finding.service)
    return Shown(
        id=id,
        at=moment(sample.time_unix_nano / 1e9),
        service=line(sample.service, MEMBER_MAX),
        text=line(sample.text, MEMBER_MAX),
        command=command_of(id),
        links=links.of_sample(_templates(place, around), place, sample)[:SAMPLE_LINKS_MAX],
    )


def _id_of(sample: Sample) -> str:
    return line(sample.correlation_id or sample.trace_id or sample.request_id, _ID_MAX)


def command_of(id: str) -> str:
    """Return what shows a request's story. Quoted: an ID is what somebody has sent, and is pasted into a
    shell."""
    return f"observe trace {'-- ' if id.startswith('-') else ''}{shlex.quote(id)}"


def _listed_keys(finding: Finding) -> Iterable[tuple[str, tuple[str, ...]]]:
    """The keys of a flow, each with what tells its story."""
    for name in _LISTED:
        lines = [_key_line(item, finding.at_s, with_command=True) for item in _keys(finding, name)]
        if more := finding.details.get(f"{name}_more"):
            lines.append(line(f"and {more} more", MEMBER_MAX))
        if lines:
            yield name, tuple(lines)


def _keys(finding: Finding, name: str) -> list[dict[str, Any]]:
    value = finding.details.get(name)
    some = value if isinstance(value, list) else []
    return [item for item in some if isinstance(item, dict) and "key" in item][:MEMBERS_MAX]


def _key_line(item: Mapping[str, Any], at_s: int, with_command: bool = False) -> str:
    """`CLM-1 since 02:45 UTC, not in the nightly report: observe trace web-1`."""
    said = f"{item['key']} since {_since(str(item.get('since', '')), at_s)}"
    if missing := item.get("missing"):
        said += f", not in {' and '.join(map(str, missing))}"
    if late_s := item.get("late_s"):
        said += f", {duration(late_s)} late"
    id = line(str(item.get("correlation_id") or item.get("trace_id") or ""), _ID_MAX)
    said = line(said, MEMBER_MAX)
    return f"{said}: {line(command_of(id), 5 * _ID_MAX)}" if id and with_command else said


def _since(text: str, at_s: int) -> str:
    """An RFC 3339 time of UTC as people read it, without the day where that is the one of at_s."""
    today, at, clock_ = moment(at_s)[:10], text[:10], text[11:16]
    return f"{clock_} UTC" if at == today else f"{at} {clock_} UTC"


def _details(finding: Finding) -> Iterable[tuple[str, str]]:
    """What a rule tells besides, without what is nothing: zero, false, empty."""
    told = [(name, value) for name, value in finding.details.items() if value]
    for name, value in told[:DETAILS_MAX]:
        keys = _keys(finding, name) if name in _LISTED else []
        text = "; ".join(_key_line(item, finding.at_s) for item in keys) or _as_text(value)
        yield line(str(name), 64), line(text, VALUE_MAX)


def _as_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    try:
        return msgspec.json.encode(value, enc_hook=str).decode()
    except (UnicodeEncodeError, RecursionError, TypeError, ValueError):
        return repr(value)
