"""The channel to Logstash's HTTP input, against a strict one."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from subscribers.http import HttpEdge
from subscribers.ledger import Ledger
from subscribers.parsers import platform
from subscribers.signals import Signal
from subscribers.sinks import ecs
from subscribers.sinks.channel import Channel, HttpRequest, Item, Response, Verdict
from subscribers.sinks.logstash import make_logstash
from subscribers.tables import ledger_row
from tests.backends.logstash import Logstash
from tests.subscribers.samples import log, metric, span

SIGNALS: list[Signal] = [log("a", attributes={"claim": 1, "http.route": "/a"}), span("b"), metric("c")]


def channel(url: str = "http://l", **settings: Any) -> Channel:
    """The one channel of a sink with these settings."""
    (found,) = make_logstash("logstash", {"type": "logstash", "url": url, **settings})
    return found


def sent(backend: Logstash) -> Verdict:
    """What became of some signals."""
    one = channel(backend.url)
    items = list(one.items(SIGNALS))
    request = one.request(items)
    assert isinstance(request, HttpRequest)
    return one.verdict(items, HttpEdge().send(request))


@pytest.mark.parametrize("code", [200, 201, 204])
def test_each_signal_is_there_once(code: int) -> None:
    """An array is so many events; sent again, each is one document of the pipeline's."""
    with Logstash(response_code=code) as backend:
        for _ in range(2):
            assert sent(backend) == Verdict()
        assert backend.accepted == {"log-a": 1, "span-b": 1, "metric-c": 1}
        assert backend.events == 6
        assert not backend.failures


def test_a_document() -> None:
    """Objects for dots, as `%{[event][id]}` wants them; what a caller named is his own."""
    one = channel()
    items = list(one.items(SIGNALS))
    request = one.request(items)
    assert isinstance(request, HttpRequest)
    documents = json.loads(gzip.decompress(request.body))
    assert [document["event"]["id"] for document in documents] == [item.event_id for item in items]
    assert documents[0]["http"] == {"route": "/a"}
    assert documents[0]["attributes"] == {"claim": 1}
    assert documents[0]["@timestamp"] == "2023-11-14T22:13:20.000Z"


def test_what_a_platform_line_measures_is_in_its_document() -> None:
    """The same documents as in Elasticsearch."""
    line = log("a", dataset=platform.DATASET)
    own = replace(metric("m"), event_id="log-a:1")
    assert [item.event_id for item in channel().items([line, own, metric("c")])] == ["log-a", "metric-c"]
    assert [item.event_id for item in channel(signals=["metrics"]).items([line, own])] == ["log-a:1"]


def test_the_ledger() -> None:
    """A row is a document, only where the settings name the ledger."""
    row = ledger_row(Ledger(sink="l", received=1, delivered=1), "p", 10**18)
    with_ledger: Any = channel(signals=["ledger"])
    without: Any = channel()
    (item,) = with_ledger.ledger_items([row])
    assert json.loads(item.body)["event"] == {"id": row["event_id"], "dataset": "ledger"}
    assert json.loads(item.body)["ledger"]["delivered"] == 1
    assert list(without.ledger_items([row])) == []


def test_refusals() -> None:
    """429 while it is busy, 413 for what is too large, 401 without a user: nothing is there then."""
    with Logstash(content_max_bytes=50, basic=("u", "p")) as backend:
        assert sent(backend).is_too_large
        backend.content_max_bytes = 10**6
        assert sent(backend).is_unauthorized
        backend.is_busy = True
        assert sent(backend).retry[0].reason == "throttled"
        assert not backend.accepted


def test_no_signals_no_channel() -> None:
    """A sink that takes none of the kinds has nothing to send."""
    assert make_logstash("logstash", {"url": "http://l", "signals": []}) == ()


@given(st.binary(), st.integers(100, 599), st.sampled_from(["", "reset", "refused"]), st.integers(1, 3))
def test_all_or_none(body: bytes, status: int, fault: str, count: int) -> None:
    """A law: a verdict never raises; delivered is what a 2xx calls ok, all of it."""
    items = [Item(str(i), b"{}") for i in range(count)]
    verdict = channel().verdict(items, Response(status=status, body=body, fault=fault))
    named = set(verdict.retry) | set(verdict.rejected)
    assert named in (set(), set(range(count)))
    if not named:
        assert not fault
        assert 200 <= status < 300
        assert body.strip() in (b"", b"ok")


names = st.text("ab.", min_size=1, max_size=5)


@given(st.dictionaries(names, st.integers(), max_size=5))
def test_nesting_loses_nothing(tree: dict[str, int]) -> None:
    """A law: each value is found again by its name, whatever is an object and a value at once."""
    nested = ecs.nested(tree)

    def find(place: Any, parts: list[str]) -> Any:
        for part in parts:
            place = place.get(part) if isinstance(place, dict) else None
        return place

    for name, value in tree.items():
        assert value in (nested.get(name), find(nested, name.split(".")))
