"""Addresses that an engineer can follow from a notification: templates of observe.yaml, filled in.

Nobody opens a loopback address on a phone, so only what is configured is linked. Every value is URL-encoded:
what a log says can change no address. A template that asks for what is not known makes no link.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote

import msgspec

from subscribers.alerts.model import Finding, Sample

#: Longer ones are refused by somebody on the way: browsers, mail programs, Slack (3,000 with the text).
URL_MAX = 1_500
_FIELD = re.compile(r"\{([a-z_]+)\}")
#: Fields that name one request: a template with one of them is about a sample.
OF_SAMPLE = frozenset(("correlation_id", "trace_id", "span_id", "request_id"))
#: Shown around the event, in seconds: before its first window, behind its last; around a sample.
BEFORE_S, BEHIND_S, AROUND_S = 900, 300, 300


class Link(msgspec.Struct, frozen=True):
    """An address and what it is called in observe.yaml."""

    name: str
    url: str


def of_event(templates: Mapping[str, str], finding: Finding, since_s: int) -> tuple[Link, ...]:
    """Return the links of an event: of the templates that do not ask for a request's IDs."""
    values = _of_finding(finding, since_s)
    return _links({name: t for name, t in templates.items() if not _asks_for_sample(t)}, values)


def of_sample(templates: Mapping[str, str], finding: Finding, sample: Sample) -> tuple[Link, ...]:
    """Return the links of one request: of the templates that ask for one of its IDs."""
    at_ms = sample.time_unix_nano // 1_000_000
    values = {
        **_of_finding(finding, finding.at_s),
        "service": sample.service or finding.service,
        "side": sample.side or finding.side,
        "correlation_id": sample.correlation_id,
        "trace_id": sample.trace_id,
        "span_id": sample.span_id,
        "request_id": sample.request_id,
        "log_group": sample.log_group,
        "from": str(at_ms - AROUND_S * 1000),
        "to": str(at_ms + AROUND_S * 1000),
    }
    return _links({name: t for name, t in templates.items() if _asks_for_sample(t)}, values)


def address(template: str, finding: Finding, since_s: int) -> str:
    """Return one address of an event, such as a runbook's; "" where something that it asks for is unknown."""
    return _filled(template, _of_finding(finding, since_s))


def _of_finding(finding: Finding, since_s: int) -> dict[str, str]:
    return {
        "service": finding.service,
        "side": finding.side,
        "endpoint": finding.endpoint,
        "rule": finding.rule,
        "log_group": next((s.log_group for s in finding.samples if s.log_group), ""),
        "from": str((since_s - BEFORE_S) * 1000),
        "to": str((finding.at_s + BEHIND_S) * 1000),
    }


def _links(templates: Mapping[str, str], values: Mapping[str, str]) -> tuple[Link, ...]:
    made = ((name, _filled(template, values)) for name, template in templates.items())
    return tuple(Link(name, url) for name, url in made if url)


def _filled(template: str, values: Mapping[str, str]) -> str:
    """An address, "" where a value is missing or it is too long."""
    if any(not values.get(field) for field in _FIELD.findall(template)):
        return ""
    url = _FIELD.sub(lambda found: quote(values[found[1]], safe="", errors="replace"), template)
    return url if len(url) <= URL_MAX else ""


def _asks_for_sample(template: str) -> bool:
    return not OF_SAMPLE.isdisjoint(_FIELD.findall(template))
