"""Where links of Grafana lead: Explore with log groups, traces by the fields a line has, each once; marks."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote

import msgspec
import pytest

from dashboards.grafana.asked import Source
from dashboards.grafana.cloudwatch import CloudWatch
from dashboards.grafana.elasticsearch import Elasticsearch
from dashboards.grafana.install import install_text
from dashboards.grafana.links import FIELDS, Links, filled
from dashboards.grafana.marks import marks, queried, tags_of
from dashboards.grafana.panels import logs
from dashboards.grafana.prometheus import Prometheus
from dashboards.kibana.store import store_of
from dashboards.panels import Link, LogQuery, Page, Panel
from dashboards.resources import Name, System
from subscribers.config import loads
from subscribers.signals import Log, Origin
from subscribers.sinks import ecs
from tests.dashboards.sample import PAGES, SYSTEM

KNOWN = LogQuery(
    name="known", title="Known", log_groups=(Name(known="/aws/lambda/a", expression="/aws/lambda/a"),)
)
UNKNOWN = LogQuery(name="unknown", title="Unknown", log_groups=(Name(pattern="/aws/lambda/*-B-*"),))
PAGE = Page(name="system", title="All", kind="system", sections=(), queries=(KNOWN, UNKNOWN))
CONFIG = """
version: 1
services: {one: {side: legacy}, two: {side: legacy}}
endpoints:
  first: {route: GET /a, legacy: {service: one}, cutover: 2026-10-01T06:00:00Z}
  second: {route: GET /b, legacy: {service: two}, cutover: 2026-10-02T06:00:00Z}
dashboards:
  deployments:
    - {label: everywhere, at: 2026-10-03T06:00:00Z}
    - {label: of one, at: 2026-10-04T06:00:00Z, service: one}
    - {label: of two, at: 2026-10-05T06:00:00Z, service: two}
"""


def asked(address: str) -> Any:
    """Return the query that an address of Explore has."""
    panes = address.partition("panes=")[2].partition("&")[0]
    return json.loads(unquote(panes))["a"]["queries"][0]


def test_explore_names_the_log_groups_without_an_account() -> None:
    """Outside of a dashboard by name, on one by the variable that finds the ARN."""
    links = Links(System(), (PAGE,), CloudWatch(System()))
    assert asked(links.explore("known", is_on_board=False))["logGroupNames"] == ["/aws/lambda/a"]
    (group,) = asked(links.explore("known"))["logGroups"]
    assert group["arn"].startswith("${LogGroup")
    assert group["arn"].endswith(":percentencode}")


def test_a_name_that_nobody_knows_has_no_link_outside_of_a_dashboard() -> None:
    """A link that asks no log group would lead nowhere: there is a reason instead."""
    links = Links(System(), (PAGE,), CloudWatch(System()))
    assert links.explore("unknown", is_on_board=False) == ""
    assert "only where the stack is deployed" in links.why_not("unknown")
    assert asked(links.explore("unknown"))["logGroups"]


def test_a_trace_is_opened_by_the_field_that_documents_have() -> None:
    """Elasticsearch's documents have `trace.id`, CloudWatch's lines `trace_id`."""
    template = "https://traces.example/{trace_id}"
    assert filled(template, "elasticsearch") == 'https://traces.example/${__data.fields["trace.id"]}'
    assert filled(template, "cloudwatch") == "https://traces.example/${__data.fields.trace_id}"
    assert filled("https://a.example/{nobody}", "elasticsearch") == ""


def test_every_field_of_a_link_is_in_a_document_of_the_sink() -> None:
    """The table names fields as the sink writes them."""
    log = Log(
        event_id="e",
        origin=Origin("123456789012", "eu-west-1", "/legacy/a", "s", "a", "legacy"),
        time_unix_nano=1,
        observed_time_unix_nano=1,
        message="a",
        trace_id="1" * 32,
        span_id="1" * 16,
        request_id="r",
        correlation_id="c",
    )
    assert set(FIELDS["elasticsearch"].values()) <= set(ecs.document(log))


def test_a_link_of_a_panel_and_of_the_system_is_there_once() -> None:
    """observe.yaml's trace is on the panel under a longer name: lines have that one alone."""
    url = SYSTEM.config.links["trace"]
    source = CloudWatch(SYSTEM)
    panel = Panel(id="a", title="a", kind="logs", query=KNOWN, links=(Link(label="Open the trace", url=url),))
    made = logs(panel, source, Links(SYSTEM, PAGES, source))
    assert isinstance(made, dict)
    (override,) = made["fieldConfig"]["overrides"]
    titles = [one["title"] for one in override["properties"][0]["value"]]
    assert titles == ["Open the trace", "Everything of this correlation ID"]
    assert made["links"] == []


def _system() -> System:
    config = loads(CONFIG)
    side = SYSTEM.endpoints["submit"].legacy
    assert side is not None
    endpoints = {
        name: msgspec.structs.replace(
            SYSTEM.endpoints["submit"],
            name=name,
            legacy=msgspec.structs.replace(side, service=service),
            serverless=None,
            config=config.endpoints[name],
        )
        for name, service in (("first", "one"), ("second", "two"))
    }
    return System(title="Claims", config=config, endpoints=endpoints)


@pytest.mark.parametrize(
    ("page", "shown"),
    [
        (
            Page(name="system", title="a", kind="system", sections=()),
            ["Cutover of first", "Cutover of second", "everywhere", "of one", "of two"],
        ),
        (
            Page(name="endpoint-first", title="a", kind="endpoint", subject="first", sections=()),
            ["Cutover of first", "everywhere", "of one"],
        ),
        (
            Page(name="service-two", title="a", kind="service", subject="two", sections=()),
            ["everywhere", "of two"],
        ),
        (Page(name="pipeline", title="a", kind="pipeline", sections=()), ["everywhere"]),
    ],
)
def test_a_page_shows_each_of_its_marks_once(page: Page, shown: list[str]) -> None:
    """A cutover on its endpoint's page, a deployment on those of its service, all on the system's."""
    system = _system()
    found = [
        one["text"]
        for _, tags in queried(page, system)
        for one in marks(system)
        if set(one["tags"]) >= {*tags_of(system), *tags}
    ]
    assert sorted(found) == shown


def test_a_mark_is_one_annotation() -> None:
    """Two cutovers and three deployments are five, in order of time."""
    times = [one["time"] for one in marks(_system())]
    assert len(times) == 5
    assert times == sorted(times)


def test_only_one_file_of_rules_is_installed() -> None:
    """Three data sources judge the same alarms: install.md takes the rules of the first alone."""
    sources: list[Source] = [
        CloudWatch(SYSTEM),
        Prometheus(SYSTEM),
        Elasticsearch(SYSTEM, store_of(SYSTEM, "elasticsearch")[0]),
    ]
    text = install_text(SYSTEM, sources)
    assert text.count("/alerting/rules.yaml /etc/grafana") == 1
    assert "cp cloudwatch/alerting/rules.yaml" in text
    assert "prometheus and elasticsearch are the same alarms" in text
    assert "the same alarms, and" not in install_text(SYSTEM, sources[1:2])
