"""X-Ray, Firehose and CloudWatch by real requests, with limits enforced and faults around their answers."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from subscribers.delivery import Policy
from subscribers.http import Edge, Settings
from subscribers.shipping import Shipper
from subscribers.signals import Metric, Signal
from subscribers.sinks.channel import Channel, Outcome
from subscribers.sinks.cloudwatch_metrics import make_cloudwatch_metrics
from subscribers.sinks.firehose import make_firehose
from subscribers.sinks.xray import make_xray
from tests.backends.aws import AwsBackend, CloudWatch, Firehose, Segments
from tests.backends.server import FAULTS, Fault, Received
from tests.subscribers.samples import log, metric, span

#: Fast enough for a test: none hangs longer than it is waited for.
EDGE = Settings(timeout_s=0.3)
POLICY = Policy(base_s=0.01, cap_s=0.05, timeout_s=0.3)


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")


def faults(seed: int) -> object:
    """A third of the requests meets a fault."""
    chance = random.Random(seed)

    def fault(n: int, request: Received) -> Fault | None:
        return chance.choice(FAULTS) if chance.random() < 0.33 else None

    return fault


def delivered(
    backend: AwsBackend,
    service: str,
    channel: Channel,
    signals: Sequence[Signal],
    monkeypatch: pytest.MonkeyPatch,
) -> Outcome:
    monkeypatch.setenv(f"AWS_ENDPOINT_URL_{service}", backend.url)
    backend.hang_s = 0.5
    shipper = Shipper("aws", [channel], Edge(EDGE), POLICY)
    return shipper.deliver({channel.name: list(channel.items(signals))})


def kept(outcome: Outcome) -> dict[str, str]:
    """Event ID -> why, of all that was not delivered."""
    found = {}
    for by_channel in (outcome.retry, outcome.rejected):
        for leftovers in by_channel.values():
            for left in leftovers:
                found.update(dict.fromkeys((left.item.event_id, *left.item.more), left.refusal.reason))
    return found


def now(name: str, **more: object) -> Metric:
    return replace(metric(name), **{"time_unix_nano": time.time_ns(), **more})


@pytest.mark.parametrize("seed", [1, 2])
def test_every_span_is_accounted_for(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Delivered or kept, though documents are throttled and answers are lost."""
    chance = random.Random(seed)
    signals = [span(str(i), trace_id=f"{i + 1:032x}") for i in range(600)]
    with Segments(faults(seed), throttles=lambda _: chance.random() < 0.05) as backend:
        (channel,) = make_xray("x", {"api": "segments"})
        outcome = delivered(backend, "XRAY", channel, signals, monkeypatch)
    missing = {s.event_id for s in signals} - backend.accepted.keys()
    assert missing <= kept(outcome).keys()
    assert outcome.delivered + len(kept(outcome)) == len(signals)
    assert backend.answers.total() > backend.answers["200"] > 0


@pytest.mark.parametrize("seed", [1, 2])
def test_every_row_is_accounted_for(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Delivered or kept, though records are refused by themselves."""
    chance = random.Random(seed)
    day_ns = 86_400 * 10**9
    signals = [log(str(i), message="x" * 300, time_unix_nano=(19_000 + i % 3) * day_ns) for i in range(2000)]
    with Firehose(faults(seed), is_busy=lambda _: chance.random() < 0.2) as backend:
        (channel,) = make_firehose("f", {"streams": {"logs": "logs"}, "max_items": 100})
        outcome = delivered(backend, "FIREHOSE", channel, signals, monkeypatch)
    missing = {s.event_id for s in signals} - backend.accepted.keys()
    assert missing <= kept(outcome).keys()
    assert outcome.delivered + len(kept(outcome)) == len(signals)


@pytest.mark.parametrize("seed", [1, 2])
def test_no_value_counts_twice(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """What nobody knows is kept, and not put again: at most once, and nothing lost in silence."""
    signals = [now(str(i)) for i in range(2000)]
    with CloudWatch(faults(seed)) as backend:
        (channel,) = make_cloudwatch_metrics("c", {"namespace": "N", "max_items": 100})
        outcome = delivered(backend, "CLOUDWATCH", channel, signals, monkeypatch)
    assert set(backend.accepted.values()) == {1}
    missing = {s.event_id for s in signals} - backend.accepted.keys()
    told = kept(outcome)
    assert outcome.delivered + len(told) == len(signals)
    assert {told[event_id] for event_id in missing & told.keys()} <= {
        *("outcome_unknown", "throttled", "unavailable", "forbidden", "too_large")
    }
    assert missing <= told.keys()


def test_wrong_data_do_not_cost_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that CloudWatch never takes are found by its rules; the rest is taken, once."""
    wrong = [
        replace(now("nan"), value=math.nan),
        now("old", time_unix_nano=time.time_ns() - 20 * 86_400 * 10**9),
        now("new", time_unix_nano=time.time_ns() + 86_400 * 10**9),
    ]
    signals = [*(now(str(i)) for i in range(50)), *wrong]
    with CloudWatch() as backend:
        (channel,) = make_cloudwatch_metrics("c", {"namespace": "N"})
        outcome = delivered(backend, "CLOUDWATCH", channel, signals, monkeypatch)
    assert backend.accepted == {f"metric-{i}": 1 for i in range(50)}
    assert kept(outcome) == {"metric-nan": "bad_value", "metric-old": "too_old", "metric-new": "too_new"}
    assert backend.answers == {"400": 1, "200": 1}
