"""OTLP: what metrics become."""

from __future__ import annotations

import json
import math
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from subscribers.signals import Metric
from subscribers.sinks.otlp import channel
from subscribers.sinks.otlp_metrics import BOUNDS_S, items
from tests.backends.otlp import Otlp
from tests.backends.server import Received
from tests.subscribers.samples import MS, T0, metric, origin

KINDS = st.sampled_from(["count", "gauge", "histogram", "distribution", "timing", "set"])
METRICS = st.lists(
    st.builds(
        lambda i, kind, value, at_ms, name, unit, tier: Metric(
            event_id=f"e{i}",
            origin=origin(),
            time_unix_nano=T0 + at_ms * MS,
            name=name,
            kind=kind,
            value=value,
            unit=unit,
            tags={"tier": tier} if tier else {},
            set_member=str(value) if kind == "set" else "",
        ),
        st.integers(0, 10**9),
        KINDS,
        st.floats(width=64),
        st.integers(0, 3000),
        st.sampled_from(["m", "n.é"]),
        st.sampled_from(["", "ms", "s"]),
        st.sampled_from(["", "1"]),
    ),
    max_size=12,
    unique_by=lambda found: found.event_id,
)


def trees(*metrics: Metric) -> list[dict[str, Any]]:
    return [json.loads(item.body) for item in items(metrics)]


def of(kind: str, *values: float, **more: Any) -> list[Metric]:
    return [
        replace(metric(f"{kind}{i}", value, **more), kind=kind, name="m") for i, value in enumerate(values)
    ]


@given(METRICS)
def test_every_event_is_in_one_item(metrics: list[Metric]) -> None:
    """A law: each event's ID is in exactly one item, and an official reader finds every point right."""
    made = list(items(metrics))
    named = [event_id for item in made for event_id in (item.event_id, *item.more)]
    assert sorted(named) == sorted(found.event_id for found in metrics)
    if made:
        backend = Otlp()
        for encoding in ("protobuf", "json"):
            request = channel("metrics", "http://h/v1/metrics", encoding=encoding).request(made)
            headers = {name.lower(): str(value) for name, value in request.headers.items()}
            reply = backend.answer(Received("POST", "/v1/metrics", {}, headers, request.body))
            assert reply.status == 200, reply.body
        assert backend.accepted == {item.event_id: 2 for item in made}
        first, second = (str(message) for message in backend.messages["metrics"])
        assert first == second


def test_counts_of_a_second_are_their_sum() -> None:
    """A delta, monotonic unless something was counted down, over the second in which it came."""
    (found,) = trees(*of("count", 1, 2, 3.5))
    assert found["sum"]["aggregationTemporality"] == 1
    assert found["sum"]["isMonotonic"] is True
    (point,) = found["sum"]["dataPoints"]
    assert (point["asDouble"], point["timeUnixNano"]) == (6.5, str(T0))
    assert point["startTimeUnixNano"] == str(T0 - 1_000_000_000)
    (down,) = trees(*of("count", 1, -1))
    assert down["sum"]["isMonotonic"] is False


def test_a_gauge_is_its_last() -> None:
    """The last of a second counts, whatever the order in which they came."""
    first, second = of("gauge", 1.0, 2.0)
    (found,) = trees(first, second)  # at the same time
    assert [point["asDouble"] for point in found["gauge"]["dataPoints"]] == [2.0]
    (found,) = trees(first, replace(second, time_unix_nano=T0 - 1))  # told late
    assert [point["asDouble"] for point in found["gauge"]["dataPoints"]] == [1.0]


def test_a_histogram_keeps_its_ends() -> None:
    """Buckets by the unit, count, sum, minimum, maximum; without a sum where values are below zero."""
    (found,) = trees(*of("timing", 12.0, 12.5, 2e9, unit="ms"))
    assert found["unit"] == "ms"
    (point,) = found["histogram"]["dataPoints"]
    assert (point["count"], point["sum"], point["min"], point["max"]) == ("3", 2e9 + 24.5, 12.0, 2e9)
    assert point["bucketCounts"][3] == "2"
    assert point["bucketCounts"][-1] == "1"
    (below,) = trees(*of("distribution", -1.0, 0.02, unit="s"))
    (point,) = below["histogram"]["dataPoints"]
    assert "sum" not in point
    assert point["explicitBounds"] == list(BOUNDS_S)
    assert [i for i, n in enumerate(point["bucketCounts"]) if n != "0"] == [0, 3]


def test_a_bound_is_of_the_bucket_below() -> None:
    """Buckets are (lower, upper], says the protocol."""
    (found,) = trees(*of("histogram", 0.0, 5.0, 5.1))
    assert found["histogram"]["dataPoints"][0]["bucketCounts"][:4] == ["1", "1", "1", "0"]


def test_a_set_is_counted() -> None:
    """Different members of a minute, once each; the events are all named."""
    metrics = [replace(found, set_member=name) for found, name in zip(of("set", 1, 1, 1), "aab", strict=True)]
    (item,) = items(metrics)
    assert json.loads(item.body)["gauge"]["dataPoints"][0]["asDouble"] == 2
    assert len(item.more) == 2


def test_what_is_no_number_harms_no_sum() -> None:
    """It is a point of its own, by protobuf's words."""
    first, second = trees(*of("count", 1.0, math.nan))
    assert first["sum"]["dataPoints"][0]["asDouble"] == 1.0
    assert second["sum"]["dataPoints"][0]["asDouble"] == "NaN"
    (gauge,) = trees(*of("distribution", -math.inf))
    assert gauge["gauge"]["dataPoints"][0]["asDouble"] == "-Infinity"


def test_ids_are_no_attributes() -> None:
    """Tags are; the event's ID and the invocation's are in the exemplar, where they make no series."""
    (found,) = trees(*of("count", 1.0, tags={"tier": "1"}, request_id="r1"))
    (point,) = found["sum"]["dataPoints"]
    assert point["attributes"] == [{"key": "tier", "value": {"stringValue": "1"}}]
    named = {pair["key"] for pair in point["exemplars"][0]["filteredAttributes"]}
    assert named == {"observe.event_id", "faas.invocation_id"}


def test_series_stay_apart() -> None:
    """Other tags, units, kinds, seconds and resources are other points."""
    (one,) = of("count", 1.0)
    others = [
        replace(one, tags={"a": "b"}),
        replace(one, unit="1"),
        replace(one, kind="gauge"),
        replace(one, time_unix_nano=T0 + 1),
        replace(one, origin=origin("other")),
    ]
    assert len(trees(one, *others)) == 6
