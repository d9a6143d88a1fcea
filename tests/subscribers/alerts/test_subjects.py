"""What a finding is about, from all that can tell."""

from __future__ import annotations

import pytest

from subscribers.alerts.measures import measure_of
from subscribers.alerts.model import Sample, Selector
from subscribers.alerts.subjects import Subject, subject_of
from subscribers.config import loads

CONFIG = loads(
    """
version: 1
services:
  submit: {side: serverless, functions: [submit-claim-v2]}
  claims-legacy: {side: legacy, log_groups: [/legacy/claims]}
endpoints:
  submit: {route: POST /claims, legacy: {service: claims-legacy}, serverless: {service: submit}}
"""
)


def sample(service: str, side: str) -> Sample:
    return Sample(0, service, side)


@pytest.mark.parametrize(
    ("selector", "by", "group", "samples", "expected"),
    [
        ({}, (), (), (), ("", "", "", "")),
        ({}, ("service",), ("submit",), (), ("submit", "serverless", "", "submit (serverless)")),
        ({}, ("service",), ("stranger",), (), ("stranger", "", "", "stranger")),
        (
            {},
            ("service",),
            ("stranger",),
            (sample("stranger", "legacy"),),
            ("stranger", "legacy", "", "stranger (legacy)"),
        ),
        ({}, ("faas.name",), ("submit-claim-v2",), (), ("submit", "serverless", "", "submit (serverless)")),
        ({}, ("faas.name",), ("other",), (), ("other", "", "", "other")),
        ({"side": "legacy"}, (), (), (), ("", "legacy", "", "legacy side")),
        ({"services": ("submit",)}, (), (), (), ("submit", "serverless", "", "submit (serverless)")),
        ({"services": ("submit", "claims-legacy")}, (), (), (), ("", "", "", "")),
        (
            {},
            (),
            (),
            (sample("submit", "serverless"), sample("submit", "serverless")),
            ("submit", "serverless", "", "submit (serverless)"),
        ),
        ({}, (), (), (sample("submit", "serverless"), sample("claims-legacy", "legacy")), ("", "", "", "")),
        ({"endpoint": "submit"}, (), (), (), ("", "", "submit", "POST /claims")),
        ({}, ("endpoint", "tenant"), ("submit", "acme"), (), ("", "", "submit", "POST /claims, tenant acme")),
        ({}, ("endpoint",), ("GET /x",), (), ("", "", "GET /x", "GET /x")),
        (
            {},
            ("service", "error.fingerprint"),
            ("submit", "aa"),
            (),
            ("submit", "serverless", "", "submit (serverless)"),
        ),
    ],
)
def test_it_is_found_where_it_is_told(
    selector: dict[str, object],
    by: tuple[str, ...],
    group: tuple[str, ...],
    samples: tuple[Sample, ...],
    expected: tuple[str, ...],
) -> None:
    """The group first, then the selector, then samples that agree; sides by the configuration."""
    measure = measure_of(Selector(signal="span", **selector), by=by)  # type: ignore[arg-type]
    found = subject_of(measure, group, samples, CONFIG)
    service, side, endpoint, where = expected
    group_told = dict(zip(by, group, strict=True))
    assert found == Subject(group=group_told, service=service, side=side, endpoint=endpoint, where=where)  # type: ignore[arg-type]
