"""Metrics as Datadog's: names, tags, units, which of them go where, and what is never sent."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscribers.signals import Metric
from subscribers.sinks import datadog_metrics
from subscribers.sinks.channel import HttpRequest, Response
from subscribers.sinks.datadog_names import Tagging, metric_name, tag
from tests.backends.datadog import DatadogBackend
from tests.subscribers import samples
from tests.subscribers.sinks.test_datadog import Direct, channels, delivered, metric, now_ns, reasons

texts = st.text(st.characters(), max_size=12)
long_texts = st.builds(lambda text, n: text * n, texts, st.sampled_from([0, 1, 1, 40]))
KINDS = ["count", "gauge", "histogram", "distribution", "timing", "set"]


@st.composite
def metrics(draw: st.DrawFn) -> Metric:
    """Any metric of now."""
    return metric(
        draw(long_texts),
        draw(st.one_of(st.floats(), st.integers(-9, 9).map(float))),
        event_id=draw(st.text("abcdef", min_size=6, max_size=6)),
        kind=draw(st.sampled_from(KINDS)),
        unit=draw(st.sampled_from(["", "ms", "By", "x"])),
        tags=draw(st.dictionaries(long_texts, long_texts, max_size=4)),
        set_member=draw(texts),
        time_unix_nano=now_ns(draw(st.integers(0, 3))),
    )


@given(st.lists(metrics(), max_size=30, unique_by=lambda found: found.event_id))
def test_every_metric_is_taken_or_rejected_with_a_reason(found: list[Metric]) -> None:
    """A law, held against a backend that refuses a whole request for one bad name, tag or value."""
    backend = DatadogBackend()
    outcome = delivered(Direct(backend), channels(signals=["metrics"]), found)
    assert not outcome.retry
    left = [one for some in outcome.rejected.values() for one in some]
    assert {one.refusal.reason for one in left} <= {"bad_name", "bad_value"}
    items = [
        item
        for channel in channels(signals=["metrics"]).values()
        for item in channel.items(found)
        if item.event_id not in {one.item.event_id for one in left}
    ]
    assert outcome.delivered == len(items)
    told = Counter(
        event for item in [*items, *(one.item for one in left)] for event in (item.event_id, *item.more)
    )
    assert told == Counter(one.event_id for one in found)
    assert sum(map(len, backend.distributions.values())) == sum(b"[[" in item.body for item in items)


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("claims.submitted", "claims.submitted"),
        ("Claims", "Claims"),
        ("a b-c/d", "a_b_c_d"),
        ("2xx", "m_2xx"),
        ("_x", "m__x"),
        ("é.ü", ""),
        ("", ""),
        ("...", ""),
        ("x" * 300, "x" * 200),
        # Datadog's integration of AWS has gauges of these names.
        ("aws.lambda.duration", "observe.aws.lambda.duration"),
    ],
)
def test_names_are_datadog_s(name: str, wanted: str) -> None:
    """ASCII letters, digits, underscores and periods, a letter first, at most 200."""
    assert metric_name(name) == wanted


@pytest.mark.parametrize(
    ("key", "value", "wanted"),
    [
        ("Env", "PROD", "env:prod"),
        ("a,b", "x y|z", "a_b:x_y_z"),
        ("ключ", "Ä", "ключ:ä"),
        ("k", "", "k"),
        ("", "v", "v"),
        ("", "", ""),
        ("2nd", "1", "t_2nd:1"),
        ("k", "a:b:", "k:a:b"),
        ("cloud.region", "eu-west-1", "region:eu-west-1"),
        ("k", "v" * 300, "k:" + "v" * 198),
        ("k" * 199, "v", "k" * 199),
    ],
)
def test_tags_are_datadog_s(key: str, value: str, wanted: str) -> None:
    """Lower case, no special characters, a letter first, no colon last, at most 200."""
    assert tag(key, value) == wanted


@given(long_texts, long_texts)
def test_a_tag_stays_what_it_is(key: str, value: str) -> None:
    """A law: what was made once is not changed again; lower case of some letters is longer."""
    made = tag(key, value)
    assert len(made) <= 200
    if made:
        assert re.fullmatch(r"[\w\-:./]+(?<!:)", made)
        assert made[0].isalpha()


def test_gauges_are_series_and_all_others_distributions() -> None:
    """Each with its tags; one of a signal's own counts before the sink's and the origin's."""
    backend = DatadogBackend()
    found = [metric(kind, 2.5, kind=kind, unit="ms", tags={"route": "/a", "env": "own"}) for kind in KINDS]
    settings = {"env": "prod", "tags": {"team": "Claims", "side": "no"}}
    outcome = delivered(Direct(backend), channels(**settings), found)
    assert outcome.delivered == 6
    tags = (
        "aws_account:123456789012",
        "env:own",
        "region:eu-west-1",
        "route:/a",
        "service:claims",
        "side:legacy",
    )
    assert {series[0] for series in backend.series} == {"gauge"}
    assert {series[0] for series in backend.distributions} == set(KINDS) - {"gauge"}
    assert next(iter(backend.series)) == ("gauge", *sorted((*tags, "team:claims")))
    assert backend.units == {"gauge": "millisecond"}


def test_a_function_s_metrics_name_it() -> None:
    """As Datadog's integration of AWS does."""
    origin = samples.Origin("1", "eu-west-1", "/aws/lambda/Submit", "s", "submit", "serverless")
    assert "functionname:submit" in Tagging().tags(origin, {})
    assert Tagging().tags(origin, {"faas.name": "other"}).count("functionname:other") == 1
    assert "functionname:submit" not in Tagging().tags(origin, {"faas.name": "other"})


def test_a_set_is_counted_per_payload() -> None:
    """One point for each set: how many different members it has, at the time of the last."""
    backend = DatadogBackend()
    at = now_ns(60)
    found = [
        metric("users", event_id=f"u{i}", kind="set", set_member=member, time_unix_nano=at + i)
        for i, member in enumerate(["a", "b", "a", "c"])
    ] + [metric("users", event_id="v0", kind="set", set_member="a", tags={"side": "x"})]
    items = list(channels()["distributions"].items(found))
    assert [(item.event_id, item.more) for item in items] == [("u0", ("u1", "u2", "u3")), ("v0", ())]
    outcome = delivered(Direct(backend), channels(), found)
    assert outcome.delivered == 2
    assert sorted(value for values in backend.distributions.values() for value in values) == [1.0, 3.0]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("kind", ["gauge", "count"])
def test_what_is_no_number_is_never_sent(value: float, kind: Any) -> None:
    """It is rejected by name, whatever becomes of its neighbours, and its dead letter is JSON."""
    found = [metric("good", kind=kind), metric("bad", value, kind=kind)]
    name = "series" if kind == "gauge" else "distributions"
    for status in (None, "503", "403", "413", "429"):
        backend = DatadogBackend()
        channel = channels()[name]
        items = list(channel.items(found))
        request = channel.request(items)
        assert isinstance(request, HttpRequest)
        assert b"bad" not in Direct(backend).send(request).body
        assert backend.accepted.total() == 1
        response = Response(status=int(status)) if status else Response(status=202)
        verdict = channel.verdict(items, response)
        assert verdict.rejected[1].reason == "bad_value"
        assert 1 not in verdict.retry
        rejected = channel.verdict(items, Response(status=400)).rejected
        assert [rejected[i].reason for i in (0, 1)] == ["bad_request", "bad_value"]
    (left,) = delivered(Direct(backend), channels(), found).rejected[name]
    assert json.loads(left.item.body)["metric"] == "bad"


def test_where_nothing_may_be_sent_nothing_is() -> None:
    """The key is checked instead; a dead letter that comes again is rejected again."""
    backend = DatadogBackend()
    outcome = delivered(Direct(backend), channels(), [metric("", kind="gauge"), metric("é")])
    assert reasons(outcome.rejected) == {"series": ["bad_name"], "distributions": ["bad_name"]}
    assert not backend.bodies


def test_a_name_or_tags_larger_than_a_request_are_rejected() -> None:
    """Only a number of tags can be so large: each is cut to 200 characters."""
    tags = {f"k{i}": "v" * 300 for i in range(3000)}
    outcome = delivered(Direct(DatadogBackend()), channels(), [metric("m", tags=tags), metric("n")])
    assert outcome.delivered == 1
    assert reasons(outcome.rejected) == {"distributions": ["too_large"]}


def test_a_request_is_within_the_limit_of_what_is_sent() -> None:
    """Points that hardly compress: batches are halved until each is below 512,000 bytes."""
    import random

    backend = DatadogBackend()
    chance = random.Random(7)
    found = [
        metric(f"m{i}", chance.random(), tags={f"t{n}": f"{chance.getrandbits(600):x}" for n in range(8)})
        for i in range(1200)
    ]
    outcome = delivered(Direct(backend), channels(), found)
    assert outcome.delivered == 1200 == backend.accepted.total()
    assert outcome.requests > outcome.bytes_sent / 512_000
    assert not outcome.rejected


def test_the_time_of_a_body_is_the_point_s() -> None:
    """In seconds; what has none, or is no JSON, has none."""
    found = [samples.metric("a"), metric("b", kind="gauge", time_unix_nano=samples.T0)]
    (point,), (series,) = (list(channels()[name].items(found)) for name in ("distributions", "series"))
    assert datadog_metrics.distribution_time_s(point.body) == samples.T0 / 1e9
    assert datadog_metrics.series_time_s(series.body) == samples.T0 / 1e9
    for body in (b"", b"{}", b'{"points":[]}', b"[" * 5000):
        assert datadog_metrics.series_time_s(body) is None
        assert datadog_metrics.distribution_time_s(body) is None
