"""The Datadog sink: its channels, where they send, and what answers mean."""

from __future__ import annotations

import random
import time
from collections.abc import Iterable, Mapping, Sequence
from email.utils import formatdate
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscribers.delivery import Policy
from subscribers.http import HttpEdge, Settings
from subscribers.shipping import Shipper
from subscribers.signals import Log, Metric, Signal
from subscribers.sinks.channel import Channel, HttpRequest, Item, Outcome, Response, Secret
from subscribers.sinks.datadog import make_datadog
from tests.backends.datadog import KEY, DatadogBackend
from tests.backends.server import FAULTS, Fault, Received
from tests.subscribers import samples

SETTINGS: dict[str, Any] = {"type": "datadog", "api_key": "ssm:/datadog/key"}
HOUR_S = 3600


class Key:
    """Where the key comes from."""

    def __init__(self, *keys: str) -> None:
        self.keys = list(keys or (KEY,))

    def get(self, reference: object) -> str:
        return self.keys[0]

    def refresh(self, reference: object) -> None:
        if len(self.keys) > 1:
            del self.keys[0]


class Direct:
    """An edge without sockets: the backend answers at once."""

    def __init__(self, backend: DatadogBackend) -> None:
        self.backend = backend

    def send(self, request: Any, timeout_s: float | None = None) -> Response:
        url = urlsplit(request.url)
        headers = {
            name.lower(): KEY if isinstance(value, Secret) else value
            for name, value in request.headers.items()
        }
        query = dict(parse_qsl(url.query))
        reply = self.backend.answer(Received(request.method, url.path, query, headers, request.body))
        body = reply.body if isinstance(reply.body, bytes) else samples_json(reply.body)
        given = {name.lower(): value for name, value in reply.headers.items()}
        return Response(
            status=reply.status,
            headers={"date": formatdate(usegmt=True), "content-type": "application/json", **given},
            body=body,
        )

    def refresh(self, request: Any) -> None:
        """There is one key."""


def samples_json(tree: Any) -> bytes:
    """Return an answer's body as servers write it."""
    import json

    return json.dumps(tree).encode()


def channels(**settings: Any) -> dict[str, Channel]:
    """The channels of a sink by name."""
    return {channel.name: channel for channel in make_datadog("dd", {**SETTINGS, **settings})}


def now_ns(ago_s: float = 0) -> int:
    """Return a time so many seconds ago."""
    return int((time.time() - ago_s) * 1e9)


def log(name: str, ago_s: float = 0, **more: Any) -> Log:
    """A log of now."""
    return samples.log(name, **{"time_unix_nano": now_ns(ago_s), **more})


def metric(name: str, value: float = 1.0, ago_s: float = 0, **more: Any) -> Metric:
    """A metric of now."""
    defaults: dict[str, Any] = {
        "event_id": f"metric-{name}",
        "origin": samples.origin(),
        "time_unix_nano": now_ns(ago_s),
        "kind": "count",
    }
    return Metric(name=name, value=value, **{**defaults, **more})


def delivered(edge: Any, found: Mapping[str, Channel], signals: Sequence[Signal]) -> Outcome:
    """Deliver signals by all channels."""
    shipper = Shipper("dd", list(found.values()), edge, Policy(attempts=4, base_s=0.01, cap_s=0.02))
    return shipper.deliver({name: channel.items(signals) for name, channel in found.items()})


def reasons(kept: Mapping[str, Iterable[Any]]) -> dict[str, list[str]]:
    """Why something was kept, by channel."""
    return {name: [one.refusal.reason for one in leftovers] for name, leftovers in kept.items()}


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("logs", "https://http-intake.logs.datadoghq.eu/api/v2/logs"),
        ("events", "https://api.datadoghq.eu/api/v1/events"),
        ("checks", "https://api.datadoghq.eu/api/v1/check_run"),
        ("series", "https://api.datadoghq.eu/api/v2/series"),
        ("distributions", "https://api.datadoghq.eu/api/v1/distribution_points"),
        ("traces", "https://otlp.datadoghq.eu/v1/traces"),
    ],
)
def test_each_channel_has_its_address(name: str, url: str) -> None:
    """On the site that is configured, or below the address that is."""
    path = urlsplit(url).path
    item = Item("e", b'{"traceId":"aa"}' if name == "traces" else b"{}")
    for settings, wanted in (
        ({"site": "datadoghq.eu"}, url),
        ({"url": "https://proxy.example.com/dd/"}, f"https://proxy.example.com/dd{path}"),
    ):
        request = channels(**settings)[name].request([item])
        assert isinstance(request, HttpRequest)
        assert request.url == wanted
        assert Secret("ssm:/datadog/key") in request.headers.values()


def test_only_channels_of_wanted_signals_are_made() -> None:
    """All of them where nothing is said."""
    assert list(channels()) == ["logs", "events", "checks", "series", "distributions", "traces"]
    assert list(channels(signals=["metrics"])) == ["series", "distributions"]
    assert list(channels(signals=["logs"])) == ["logs", "events", "checks"]
    assert list(channels(signals=["spans"])) == ["traces"]


def test_settings_make_limits_narrower_never_wider() -> None:
    """The destination's own limits hold anyway."""
    narrow, wide = channels(max_bytes=10_000, max_items=7), channels(max_bytes=10**9, max_items=10**6)
    plain = channels()
    for name in plain:
        assert narrow[name].limits.items == min(7, plain[name].limits.items)
        assert narrow[name].limits.bytes < 10_000
        assert narrow[name].limits.item_bytes <= narrow[name].limits.bytes
        assert wide[name].limits == plain[name].limits


def test_traces_say_what_datadog_wants() -> None:
    """Trace metrics are computed; the source is what Datadog told, where it told one."""
    item = Item("e", b'{"traceId":"aa"}')
    request = channels()["traces"].request([item])
    assert isinstance(request, HttpRequest)
    assert request.headers["compute_stats"] == "true"
    assert "dd-otlp-source" not in request.headers
    told = channels(otlp_source="serverless")["traces"].request([item])
    assert isinstance(told, HttpRequest)
    assert told.headers["dd-otlp-source"] == "serverless"


OK = {
    "logs": b"{}",
    "series": b'{"errors":[]}',
    "distributions": b'{"status":"ok"}',
    "events": b'{"status":"ok"}',
}
ITEMS = [Item("a", b"{}"), Item("b", b"{}"), Item("c", b"{}")]


@pytest.mark.parametrize("name", ["logs", "events", "checks", "series", "distributions", "traces"])
def test_a_202_is_a_success(name: str) -> None:
    """With or without a body."""
    for body in (b"", b"{}", OK.get(name, b"{}")):
        response = Response(status=202, body=body, headers={"content-type": "application/json"})
        verdict = channels()[name].verdict(ITEMS, response)
        assert not verdict.retry
        assert not verdict.rejected


@pytest.mark.parametrize(
    ("name", "response", "retry", "rejected"),
    [
        # Nothing was taken, whatever the channel.
        ("logs", Response(status=429), "throttled", ""),
        ("logs", Response(status=408), "request_timeout", ""),
        ("logs", Response(status=503), "unavailable", ""),
        ("logs", Response(status=403), "forbidden", ""),
        ("logs", Response(status=401), "unauthorized", ""),
        ("distributions", Response(fault="refused"), "refused", ""),
        ("logs", Response(status=400), "", "bad_request"),
        # Datadog says of logs that a 500 was not taken; of the others it says nothing.
        ("logs", Response(status=500), "server_error", ""),
        ("distributions", Response(status=500), "", "outcome_unknown"),
        ("series", Response(status=500), "server_error", ""),
        ("logs", Response(status=504), "", "outcome_unknown"),
        # Nobody knows.
        ("logs", Response(fault="reset"), "", "outcome_unknown"),
        ("events", Response(fault="read_timeout"), "", "outcome_unknown"),
        ("checks", Response(fault="half_response"), "", "outcome_unknown"),
        ("distributions", Response(fault="reset"), "", "outcome_unknown"),
        ("traces", Response(fault="reset"), "", "outcome_unknown"),
        ("traces", Response(status=502), "", "outcome_unknown"),
        ("traces", Response(status=429), "throttled", ""),
        ("series", Response(fault="reset"), "reset", ""),
        # A success that somebody else told.
        ("logs", Response(status=200, body=b"<html>"), "", "outcome_unknown"),
        ("logs", Response(status=200), "", "outcome_unknown"),
        ("series", Response(status=200, body=b"[]"), "bad_response", ""),
        ("traces", Response(status=200, body=b"<html>"), "", "outcome_unknown"),
        # What is wrong with one of them is not said of which.
        ("series", Response(status=202, body=b'{"errors":["unit"]}'), "", "refused_request"),
        ("distributions", Response(status=202, body=b'{"errors":["x"]}'), "", "outcome_unknown"),
    ],
)
def test_what_an_answer_means(name: str, response: Response, retry: str, rejected: str) -> None:
    """Each item of the request has the same fate."""
    verdict = channels()[name].verdict(ITEMS, response)
    assert {refusal.reason for refusal in verdict.retry.values()} == ({retry} if retry else set())
    assert {refusal.reason for refusal in verdict.rejected.values()} == ({rejected} if rejected else set())
    assert len(verdict.retry) + len(verdict.rejected) == len(ITEMS)
    assert verdict.is_unauthorized == (response.status in (401, 403))


def test_a_413_halves() -> None:
    """And one item alone is rejected by the engine."""
    assert channels()["logs"].verdict(ITEMS, Response(status=413)).is_too_large


@pytest.mark.parametrize(
    ("headers", "after_s"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"x-ratelimit-reset": "12", "x-ratelimit-period": "60"}, 12.0),
        ({"x-ratelimit-period": "60"}, 60.0),
        ({"x-ratelimit-reset": "9" * 400}, 900.0),
        ({"x-ratelimit-reset": "soon"}, 0.0),
        ({}, 0.0),
    ],
)
def test_a_429_says_until_when_to_wait(headers: dict[str, str], after_s: float) -> None:
    """By Retry-After or by Datadog's own headers, and never for ever."""
    for name in ("logs", "series"):
        verdict = channels()[name].verdict(ITEMS, Response(status=429, headers=headers))
        assert verdict.after_s == after_s
    refused = channels()["series"].verdict(ITEMS, Response(status=403, headers={"x-ratelimit-reset": "12"}))
    assert refused.after_s == 0.0


def test_what_datadog_says_is_kept() -> None:
    """Texts, objects with a detail, or whatever it is."""
    for body, said in (
        (b'{"errors":["no","never"]}', "no; never"),
        (b'{"errors":[{"status":"400","title":"t","detail":"d"}, {"title":"t"}]}', "d; t"),
        (b'{"errors":"x"}', '{"errors":"x"}'),
        (b"<html>\xff", "<html>�"),
        (b"[" * 100_000, "[" * 1024),
    ):
        verdict = channels()["logs"].verdict(ITEMS, Response(status=400, body=body))
        assert verdict.rejected[0].detail == said


@given(
    st.sampled_from(["logs", "events", "checks", "series", "distributions", "traces"]),
    st.integers(100, 599),
    st.one_of(
        st.binary(max_size=40), st.sampled_from([b"{}", b'{"errors":[1,{}]}', b'{"partialSuccess":1}'])
    ),
    st.dictionaries(st.sampled_from(["date", "retry-after", "content-type"]), st.text(max_size=8)),
    st.lists(
        st.one_of(st.binary(max_size=30), st.sampled_from([b"{}", b'{"refused":"', b"null"])), min_size=1
    ),
)
def test_a_verdict_never_raises(
    name: str, status: int, body: bytes, headers: dict[str, str], bodies: list[bytes]
) -> None:
    """A law: whatever comes back, and whatever a dead letter was mended to; no item has two fates."""
    items = [Item("e", one) for one in bodies]
    verdict = channels()[name].verdict(items, Response(status=status, body=body, headers=headers))
    assert not verdict.retry.keys() & verdict.rejected.keys()
    assert set(verdict.retry) | set(verdict.rejected) <= set(range(len(items)))


def test_what_datadog_drops_is_not_delivered() -> None:
    """It answers 202 all the same; the answer's own clock tells what was too old."""
    with DatadogBackend() as backend:
        signals = [
            log("new"),
            log("late", 17.9 * HOUR_S),
            log("old", 18.1 * HOUR_S),
            log("soon", -1.9 * HOUR_S),
            log("ahead", -2.1 * HOUR_S),
            metric("c"),
            metric("c-old", ago_s=1.1 * HOUR_S),
            metric("c-ahead", ago_s=-700),
            metric("g", kind="gauge"),
            metric("g-old", kind="gauge", ago_s=1.1 * HOUR_S),
        ]
        outcome = delivered(HttpEdge(secrets=Key()), channels(url=backend.url), signals)
        assert reasons(outcome.rejected) == {
            "logs": ["too_old", "in_future"],
            "distributions": ["too_old", "in_future"],
            "series": ["too_old"],
        }
        assert outcome.delivered == 5 == backend.accepted.total()
        assert backend.dropped.total() == 5
        historical = channels(url=backend.url, historical_metrics=True, signals=["metrics"])
        again = delivered(HttpEdge(secrets=Key()), historical, signals[9:])
        assert not again.rejected


def test_without_a_clock_nothing_is_said_to_be_dropped() -> None:
    """An answer without a Date, or with one that is none."""
    item = Item("e", b'{"timestamp":0}')
    for headers in ({}, {"date": "yesterday"}):
        assert not channels()["logs"].verdict([item], Response(status=202, headers=headers)).rejected
    dated = Response(status=202, headers={"date": "Sat, 21 Nov 2026 22:00:00 GMT"})
    assert channels()["logs"].verdict([item], dated).rejected[0].reason == "too_old"


def test_a_key_that_was_rotated_is_asked_for_anew() -> None:
    """Nothing is lost, and nothing doubled."""
    with DatadogBackend(key="new") as backend:
        outcome = delivered(
            HttpEdge(secrets=Key("old", "new")), channels(url=backend.url), [log("a"), metric("b")]
        )
        assert outcome.delivered == 2
        assert backend.answers == {"403": 2, "202": 2}


@pytest.mark.parametrize("fault", ["lost", "half", "504_after", "garbage", "reset"])
def test_nothing_is_sent_twice_where_a_repeat_would_count_twice(fault: Fault) -> None:
    """Only gauges are: the last point of a second wins."""
    with DatadogBackend(lambda n, _: fault if n == 1 else None) as backend:
        outcome = delivered(HttpEdge(secrets=Key()), channels(url=backend.url, signals=["logs"]), [log("a")])
        assert reasons(outcome.rejected) == {"logs": ["outcome_unknown"]}
        assert backend.accepted.total() <= 1
    with DatadogBackend(lambda n, _: fault if n == 1 else None) as backend:
        found = channels(url=backend.url, signals=["metrics"])
        outcome = delivered(HttpEdge(secrets=Key()), found, [metric("g", kind="gauge")])
        assert (outcome.delivered, outcome.retries, backend.accepted.total()) == (1, 1, 1)


@pytest.mark.parametrize("seed", range(4))
def test_nothing_is_lost_and_nothing_doubled_whatever_the_network_does(seed: int) -> None:
    """Every log and point ends delivered or kept, and Datadog has each at most once."""
    chance = random.Random(seed)
    with DatadogBackend(lambda n, _: chance.choice(FAULTS) if chance.random() < 0.5 else None) as backend:
        backend.hang_s, backend.retry_after = 0.3, "0"
        signals: list[Signal] = [log(f"{i}") for i in range(40)]
        signals += [metric(f"c{i}", tags={"event_id": f"c{i}"}) for i in range(40)]
        signals += [metric(f"g{i}", kind="gauge", tags={"event_id": f"g{i}"}) for i in range(40)]
        found = channels(url=backend.url, max_items=5, signals=["logs", "metrics"])
        edge = HttpEdge(Settings(timeout_s=0.2), Key())
        shipper = Shipper("dd", list(found.values()), edge, Policy(attempts=4, base_s=0.001, cap_s=0.01))
        items = {name: list(channel.items(signals)) for name, channel in found.items()}
        outcome = shipper.deliver(items)
        kept = [one for some in (outcome.retry, outcome.rejected) for left in some.values() for one in left]
        assert outcome.delivered + len(kept) == len(signals)
        assert set(backend.accepted.values()) <= {1}
        assert outcome.delivered <= backend.accepted.total()
        # What is sent again later was not taken; of what is dead, only what nobody knows of may have been.
        known = [one for one in kept if one.refusal.reason != "outcome_unknown"]
        taken = set(backend.accepted)
        repeatable = {item.event_id for item in items["series"]}
        assert not {name_of(one.item) for one in known if one.item.event_id not in repeatable} & taken


def name_of(item: Item) -> str:
    """What the backend calls an item."""
    return item.event_id.removeprefix("metric-")


def test_a_site_that_is_down_leaves_all_to_the_retry_queue() -> None:
    """Nobody listens: nothing was taken."""
    with DatadogBackend() as backend, backend.refusing():
        outcome = delivered(HttpEdge(secrets=Key()), channels(url=backend.url), [log("a"), metric("b")])
        assert reasons(outcome.retry) == {"logs": ["refused"], "distributions": ["refused"]}


def test_spans_are_taken_by_otlp() -> None:
    """Over a real connection, in protobuf."""
    pytest.importorskip("google.protobuf")
    with DatadogBackend() as backend:
        outcome = delivered(HttpEdge(secrets=Key()), channels(url=backend.url), [samples.span("s")])
        assert outcome.delivered == 1
        assert backend.accepted == {"span-s": 1}
