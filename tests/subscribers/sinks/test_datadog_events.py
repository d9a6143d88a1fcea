"""DogStatsD's events and service checks, as Datadog's official client sends them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscribers.envelope import LogBatch, LogEvent
from subscribers.http import HttpEdge
from subscribers.parse import parse
from subscribers.signals import Log
from subscribers.sinks.datadog_events import time_s
from tests.backends.datadog import KEY, DatadogBackend
from tests.subscribers import samples
from tests.subscribers.sinks.test_datadog import Direct, Key, channels, delivered, log, reasons

EVENT: dict[str, Any] = {"dogstatsd.kind": "event", "dogstatsd.title": "Deployed"}
CHECK: dict[str, Any] = {
    "dogstatsd.kind": "service_check",
    "dogstatsd.check": "claims.db",
    "dogstatsd.status": "critical",
}


@pytest.fixture
def official() -> Iterator[Any]:
    """Datadog's client, which keeps its settings in the module."""
    datadog = pytest.importorskip("datadog", reason="the official client `datadog` is not installed")
    api = datadog.api
    before = (api._api_key, api._api_host, api._mute)
    yield api
    api._api_key, api._api_host, api._mute = before


def test_an_event_is_what_the_official_client_sends(official: Any) -> None:
    """Fields and all; ours has the origin's tags and an ID besides."""
    at = int(time.time())
    with DatadogBackend() as backend:
        official._api_key, official._api_host, official._mute = KEY, backend.url, False
        told = official.Event.create(
            attach_host_name=False,
            title="Deployed",
            text="v2\nby us",
            alert_type="success",
            priority="low",
            date_happened=at,
            host="h",
            aggregation_key="k",
            source_type_name="jenkins",
            tags=["team:claims"],
        )
        assert told["status"] == "ok"
        line = "_e{8,9}:Deployed|v2\\nby us" + f"|d:{at}|h:h|k:k|p:low|s:jenkins|t:success|#team:claims"
        told = told_by(line)
        outcome = delivered(HttpEdge(secrets=Key()), channels(url=backend.url), told)
        assert outcome.delivered == 1
        theirs, ours = backend.events
        assert {**ours, "tags": ["team:claims"]} == theirs
        assert "team:claims" in ours["tags"]
        assert f"event_id:{told[0].event_id}" in ours["tags"]


def test_a_check_is_what_the_official_client_sends(official: Any) -> None:
    """Fields and all; ours has the origin's tags besides."""
    at = int(time.time())
    with DatadogBackend() as backend:
        official._api_key, official._api_host, official._mute = KEY, backend.url, False
        official.ServiceCheck.check(
            check="claims.db", host_name="h", status=2, timestamp=at, message="no route", tags=["team:claims"]
        )
        line = f"_sc|claims.db|2|d:{at}|h:h|#team:claims|m:no route"
        outcome = delivered(HttpEdge(secrets=Key()), channels(url=backend.url), told_by(line))
        assert outcome.delivered == 1
        theirs, ours = backend.checks
        assert {**ours, "tags": ["team:claims"]} == theirs


def test_a_distribution_is_what_the_official_client_sends(official: Any) -> None:
    """Compressed in the same way, too; its client names the type, which is the default."""
    at = int(time.time())
    with DatadogBackend() as backend:
        official._api_key, official._api_host, official._mute = KEY, backend.url, False
        sent = {"metric": "m", "points": [(at, [2.0])], "tags": ["team:claims"]}
        official.Distribution.send(distributions=[sent], attach_host_name=False, compress_payload=True)
        lines = f"MONITORING|{at}|2|count|m|#team:claims"
        delivered(HttpEdge(secrets=Key()), channels(url=backend.url, signals=["metrics"]), told_by(lines))
        (theirs,), (ours,) = (tree["series"] for _, tree in backend.bodies)
        assert {**ours, "tags": ["team:claims"]} == theirs


def told_by(line: str) -> list[Any]:
    """What the parsers make of a line of a function."""
    batch = LogBatch(
        owner="123456789012",
        log_group="/aws/lambda/submit",
        log_stream="2026/11/21/[$LATEST]0f",
        message_type="DATA_MESSAGE",
        events=(LogEvent(int(time.time() * 1000), line),),
    )
    origin = samples.Origin(
        "123456789012", "eu-west-1", batch.log_group, batch.log_stream, "submit", "serverless"
    )
    return parse(batch, origin, "lambda", now_unix_nano=time.time_ns()).signals


def test_events_and_checks_are_no_logs_besides() -> None:
    """Each goes where it was meant to go, once; what only looks like one is a log."""
    backend = DatadogBackend()
    looks = log("c", attributes={"dogstatsd.kind": "event"})
    found = [log("a", attributes=EVENT), log("b", attributes=CHECK), looks]
    outcome = delivered(Direct(backend), channels(), found)
    assert outcome.delivered == 3
    assert list(backend.logs) == ["log-c"]
    assert [event["title"] for event in backend.events] == ["Deployed"]
    assert [check["check"] for check in backend.checks] == ["claims.db"]


def test_what_is_too_long_is_cut_and_kept() -> None:
    """In characters: 500 of a title, 4000 of a text, 100 of a key, 500 of a check's message."""
    title = "t" * 600
    key = {"dogstatsd.aggregation_key": "k" * 101}
    event = log("a", message=f"{title}\n" + "é" * 5000, attributes={**EVENT, **key, "dogstatsd.title": title})
    check = log("b", message="claims.db is critical: " + "é" * 501, attributes=CHECK)
    backend = DatadogBackend()
    outcome = delivered(Direct(backend), channels(), [event, check])
    assert outcome.delivered == 2
    (sent,) = backend.events
    assert (len(sent["title"]), len(sent["text"]), len(sent["aggregation_key"])) == (500, 4000, 100)
    assert backend.checks[0]["message"] == "é" * 500
    whole = {name: json.loads(left.item.whole) for name, (left,) in outcome.cut.items()}
    assert len(whole["events"]["text"]) == 5000
    assert whole["checks"]["message"] == "é" * 501


def test_old_ones_are_rejected() -> None:
    """An event of 18 hours ago, a check of ten minutes."""
    backend = DatadogBackend()
    found = [
        log("a", 17.9 * 3600, attributes=EVENT),
        log("b", 18.1 * 3600, attributes=EVENT),
        log("c", 590, attributes=CHECK),
        log("d", 610, attributes=CHECK),
    ]
    outcome = delivered(Direct(backend), channels(), found)
    assert outcome.delivered == 2 == backend.accepted.total()
    assert reasons(outcome.rejected) == {"events": ["too_old"], "checks": ["too_old"]}


texts = st.text(st.characters(), max_size=20)
words = st.one_of(
    texts, st.sampled_from(["event", "service_check", "ok", "low", "error", "info"]), st.integers()
)
keys = st.sampled_from(
    [
        f"dogstatsd.{key}"
        for key in ("title", "check", "status", "alert_type", "priority", "aggregation_key", "tags")
    ]
    + ["host.name"]
)


@given(
    st.sampled_from(["event", "service_check"]),
    texts,
    st.dictionaries(keys, st.one_of(words, st.dictionaries(texts, words, max_size=3)), max_size=6),
)
def test_whatever_is_told_is_taken_once(kind: str, message: str, told: dict[str, Any]) -> None:
    """A law: as an event, a check or a log, by a backend that refuses what is malformed."""
    found: Log = log("a", message=message, attributes={"dogstatsd.kind": kind, **told})
    backend = DatadogBackend()
    outcome = delivered(Direct(backend), channels(), [found])
    assert outcome.delivered == 1 == backend.accepted.total()


def test_the_time_of_a_body_is_the_event_s() -> None:
    """What has none, or is no JSON, has none."""
    found = [samples.log("a", attributes=EVENT), samples.log("b", attributes=CHECK)]
    for name in ("events", "checks"):
        (item,) = channels()[name].items(found)
        assert time_s(item.body) == samples.T0 / 1e9
    for body in (b"", b"{}", b"[" * 5000):
        assert time_s(body) is None
