"""CloudWatch metrics: what a minute of them is, and what answers mean."""

from __future__ import annotations

import json
import math
import time
from collections import Counter
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from console.local.moto_server import MotoServer
from subscribers.aws import Aws
from subscribers.http import AwsEdge
from subscribers.signals import Metric, Signal
from subscribers.sinks.channel import Item, Limits, Response, Verdict
from subscribers.sinks.cloudwatch_metrics import (
    LIMITS,
    VALUES_MAX,
    CloudWatchMetrics,
    make_cloudwatch_metrics,
)
from tests.subscribers.samples import log, metric, origin, span
from tests.subscribers.sinks.test_otlp_metrics import METRICS

NOW_S = time.time()


def made_of(**settings: Any) -> CloudWatchMetrics:
    (made,) = make_cloudwatch_metrics("c", {"namespace": "Claims", **settings})
    return made


MADE = made_of(dimensions=["service", "tier"], region="eu-west-1")


def data(*metrics: Signal, made: CloudWatchMetrics = MADE) -> list[dict[str, Any]]:
    return [json.loads(item.body) for item in made.items(metrics)]


def now(event: str, value: float = 1.0, **more: Any) -> Metric:
    """A value of now of the metric `m`."""
    return replace(metric(event, value), **{"time_unix_nano": int(NOW_S * 1e9), "name": "m", **more})


def test_cloudwatch_adds_up_the_same(moto: MotoServer, aws: Aws) -> None:
    """What was put is what CloudWatch tells of the minute: sum, number, least and most."""
    metrics = [now(str(i), value, tags={"tier": "1"}) for i, value in enumerate((1.0, 1.0, 4.5, -2.0))]
    items = list(MADE.items(metrics))
    assert MADE.verdict(items, AwsEdge().send(MADE.request(items))) == Verdict()
    client = moto.client("cloudwatch")
    (told,) = client.get_metric_statistics(
        Namespace="Claims",
        MetricName="m",
        Dimensions=[{"Name": "service", "Value": "claims"}, {"Name": "tier", "Value": "1"}],
        StartTime=datetime.fromtimestamp(NOW_S - 300, UTC),
        EndTime=datetime.fromtimestamp(NOW_S + 300, UTC),
        Period=60,
        Statistics=["Sum", "SampleCount", "Minimum", "Maximum"],
    )["Datapoints"]
    assert (told["Sum"], told["SampleCount"], told["Minimum"], told["Maximum"]) == (4.5, 4.0, -2.0, 4.5)


def test_a_minute_is_a_datum() -> None:
    """Values and how often they came; the minute as its time; the unit by CloudWatch's name."""
    (found,) = data(*(now(str(i), value, unit="ms") for i, value in enumerate((1.0, 1.0, 2.0))))
    assert (found["Values"], found["Counts"], found["Unit"]) == ([1.0, 2.0], [2, 1], "Milliseconds")
    assert found["Timestamp"] == datetime.fromtimestamp(NOW_S // 60 * 60, UTC).strftime(
        "%Y-%m-%dT%H:%M:00.000Z"
    )
    assert found["Dimensions"] == [{"Name": "service", "Value": "claims"}]


@given(METRICS)
def test_every_event_is_in_one_datum(metrics: list[Metric]) -> None:
    """A law: each event is in exactly one item, and values add up to as many as were told."""
    items = list(MADE.items(metrics))
    named = Counter(event_id for item in items for event_id in (item.event_id, *item.more))
    assert named == Counter(found.event_id for found in metrics)
    found = [json.loads(item.body) for item in items]
    assert sum(sum(datum["Counts"]) for datum in found) >= sum(m.kind != "set" for m in metrics)
    assert all(len(datum["Values"]) == len(datum["Counts"]) <= VALUES_MAX for datum in found)
    if items:
        call = MADE.request(items)
        assert len(call.parameters["MetricData"]) == len(items)


def test_more_values_than_a_datum_takes() -> None:
    """The 151st begins another one; one that is known already does not."""
    values = [float(i) for i in range(VALUES_MAX)] + [0.0, -1.0]
    first, second = data(*(now(str(i), value) for i, value in enumerate(values)))
    assert (len(first["Values"]), sum(first["Counts"])) == (VALUES_MAX, VALUES_MAX + 1)
    assert second["Values"] == [-1.0]


def test_sets_are_counted_apart() -> None:
    """Different members of a minute; values of the same name are no members."""
    members = [now(name, kind="set", set_member=name[0]) for name in ("a1", "a2", "b1")]
    sets, value = data(*members, now("v", 7.0, unit="1"))
    assert (sets["Values"], sets["Counts"], sets["Unit"]) == ([2.0], [1], "Count")
    assert value["Values"] == [7.0]


def test_dimensions_are_what_the_settings_name() -> None:
    """Tags and what the origin tells, as CloudWatch takes them; what is empty is no dimension."""
    found = now("a", tags={"tier": "é\n1", "none": "", ":odd": " x "})
    (told,) = data(found, made=made_of(dimensions=["tier", "none", ":odd", "side", "missing"]))
    assert {pair["Name"]: pair["Value"] for pair in told["Dimensions"]} == {
        "tier": "__1",
        "odd": "x",
        "side": "legacy",
    }
    assert data(found, made=made_of(dimensions=[]))[0]["Dimensions"] == []
    (tagged,) = data(now("a", tags={"service": "other"}), made=made_of())
    assert tagged["Dimensions"] == [{"Name": "service", "Value": "other"}]


def test_only_metrics_and_only_when_wanted() -> None:
    """Logs and spans are nothing here."""
    assert data(log("a"), span("a")) == []
    assert make_cloudwatch_metrics("c", {"namespace": "N", "signals": ["logs"]}) == ()
    assert made_of().limits == LIMITS
    assert made_of(max_items=7, max_bytes=10**9).limits == Limits(LIMITS.bytes, 7, LIMITS.item_bytes)


def refused(code: str, status: int = 400) -> Response:
    date = format_datetime(datetime.fromtimestamp(NOW_S, UTC), usegmt=True)
    return Response(status=status, error_code=code, headers={"date": date})


def test_a_wrong_datum_does_not_cost_the_others() -> None:
    """CloudWatch refuses the whole call; those that break its rules are rejected, the others sent again."""
    day_ns = 86_400 * 10**9
    items = list(
        MADE.items(
            [
                now("ok"),
                now("nan", math.nan, name="n"),
                now("huge", 2.0**361, name="h"),
                now("old", time_unix_nano=int(NOW_S * 1e9) - 15 * day_ns),
                now("new", time_unix_nano=int(NOW_S * 1e9) + day_ns),
            ]
        )
    )
    verdict = MADE.verdict(items, refused("InvalidParameterValue"))
    assert set(verdict.retry) == {0}
    assert [verdict.rejected[i].reason for i in (1, 2, 3, 4)] == [
        *("bad_value", "bad_value"),
        *("too_old", "too_new"),
    ]


def test_where_no_datum_is_known_to_be_wrong() -> None:
    """The halves are sent, until the one that is wrong is alone."""
    items = list(MADE.items([now("a"), now("b", name="other")]))
    assert MADE.verdict(items, refused("InvalidParameterValue")).is_too_large
    alone = MADE.verdict(items[:1], refused("InvalidParameterValue"))
    assert (alone.is_too_large, set(alone.rejected), alone.retry) == (False, {0}, {})


@pytest.mark.parametrize(
    ("response", "retry", "rejected"),
    [
        (refused("Throttling"), "throttled", ""),
        (refused("ThrottlingException"), "throttled", ""),
        (refused("ServiceUnavailable", 503), "unavailable", ""),
        (refused("InternalServiceFault", 500), "", "outcome_unknown"),
        (Response(fault="reset"), "", "outcome_unknown"),
        (Response(fault="read_timeout"), "", "outcome_unknown"),
        (Response(fault="refused"), "refused", ""),
        (refused("MissingParameter"), "", "bad_request"),
        (refused("AccessDenied", 403), "forbidden", ""),
    ],
)
def test_what_calls_that_fail_mean(response: Response, retry: str, rejected: str) -> None:
    """A value that is put twice counts twice: only what surely was not taken is sent again."""
    verdict = MADE.verdict([Item("a", b"{}"), Item("b", b"{}")], response)
    assert {refusal.reason for refusal in verdict.retry.values()} == ({retry} if retry else set())
    assert {refusal.reason for refusal in verdict.rejected.values()} == ({rejected} if rejected else set())
    assert verdict.retry.keys() | verdict.rejected.keys() == {0, 1}


def test_a_success_that_somebody_else_told() -> None:
    """AWS's own answers have a request ID, a proxy's page has none."""
    items = [Item("a", b"{}")]
    own = Response(status=200, headers={"x-amzn-requestid": "1"})
    assert MADE.verdict(items, own) == Verdict()
    page = MADE.verdict(items, Response(status=200, headers={"content-type": "text/html"}))
    assert {refusal.reason for refusal in page.rejected.values()} == {"outcome_unknown"}


def test_a_request_that_is_too_large_is_halved() -> None:
    """413, by whatever status it comes."""
    assert MADE.verdict([Item("a", b"{}")] * 2, refused("RequestEntityTooLarge", 413)).is_too_large


@given(st.integers(100, 599), st.sampled_from(["InvalidParameterValue", "", "x"]), st.binary(max_size=9))
def test_any_answer_has_a_verdict(status: int, code: str, body: bytes) -> None:
    """A law: nothing raises, and nothing but AWS's own 200 delivers."""
    own = {"x-amzn-requestid": "1"}
    response = Response(status=status, error_code=code, body=body, headers=own)
    verdict = MADE.verdict([Item("a", body)], response)
    assert (verdict.retry.keys() | verdict.rejected.keys() == {0}) == (status != 200)


def test_origins_are_other_series() -> None:
    """Each service's values are its own."""
    assert len(data(now("a"), now("b", origin=origin("other")))) == 2
