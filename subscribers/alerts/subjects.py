"""What a finding is about: service, side and endpoint, from the selector, the group, or the samples."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec

from subscribers.alerts.model import Finding, Group, Measure, Rule, Sample, Severity, SideName
from subscribers.config import Config

_SERVICE, _FUNCTION, _ENDPOINT = "service", "faas.name", "endpoint"
#: Attributes that are told another way, or say nothing to people.
_UNSAID = (_SERVICE, _FUNCTION, _ENDPOINT, "error.fingerprint")


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """What a finding is about. where: as people read it: `POST /claims, claims-legacy (legacy)`, or ""."""

    group: dict[str, str]
    service: str = ""
    side: SideName = ""
    endpoint: str = ""
    where: str = ""


def subject_of(
    measure: Measure, group: Group, samples: Iterable[Sample], config: Config, endpoint: str = ""
) -> Subject:
    """Return what a group of a measure is about. What the samples do not agree on stays empty.

    endpoint: where neither group nor selector names one.
    """
    labels = dict(zip(measure.by, group, strict=False))
    selector, shown = measure.selector, tuple(samples)
    named = labels.get(_SERVICE) or _service_of(labels.get(_FUNCTION, ""), config)
    service = named or _only(selector.services) or _only(sample.service for sample in shown)
    endpoint = labels.get(_ENDPOINT, "") or selector.endpoint or endpoint
    known = config.services.get(service)
    told = known.side if known else selector.side or _only(sample.side for sample in shown)
    side: SideName = told if told in ("legacy", "serverless") else ""  # type: ignore[assignment]
    rest = [f"{name} {value}" for name, value in labels.items() if name not in _UNSAID]
    where = ", ".join(filter(None, (route_of(endpoint, config), _sided(service, side), *rest)))
    return Subject(group=labels, service=service, side=side, endpoint=endpoint, where=where)


def finding(
    rule: Rule,
    subject: Subject,
    verdict: Literal["breach", "ok", "unknown"],
    at_s: int,
    said: str,
    *,
    severity: Severity | None = None,
    **more: object,
) -> Finding:
    """Return the finding of a rule on a subject. more: the rest of its fields."""
    return Finding(
        rule=rule.name,
        verdict=verdict,
        at_s=at_s,
        group=subject.group,
        severity=severity or rule.severity,
        said=f"{subject.where}: {said}" if subject.where else said,
        service=subject.service,
        side=subject.side,
        endpoint=subject.endpoint,
        **more,  # type: ignore[arg-type]
    )


def route_of(endpoint: str, config: Config) -> str:
    """Return an endpoint's route as people know it, or its name where the configuration has none."""
    known = config.endpoints.get(endpoint)
    return known.route if known else endpoint


def _service_of(function: str, config: Config) -> str:
    """The service of a function: its own name where the configuration does not tell."""
    owners = (service.name for service in config.services.values() if function in service.functions)
    return next(owners, function)


def _sided(service: str, side: str) -> str:
    if not service:
        return f"{side} side" if side else ""
    return f"{service} ({side})" if side else service


def _only(values: Iterable[str]) -> str:
    """The value that all agree on, or ""."""
    found = set(values)
    return found.pop() if len(found) == 1 else ""
