"""Metric lines of the layer and of others, and what is none."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from observe.metric_lines import METRIC_KINDS, metric_line
from tests.subscribers.lambda_stream import (
    T0_MS,
    log_of,
    logs,
    metrics,
    told,
)

T0 = T0_MS * 1_000_000


# --- Metrics --------------------------------------------------------------------------------


@pytest.mark.parametrize("level", ["", "INFO"])
@pytest.mark.parametrize("form", ["monitoring", "dogstatsd"])
@pytest.mark.parametrize("kind", METRIC_KINDS)
def test_a_metric_of_the_layer_is_read(kind: str, form: str, level: str) -> None:
    """Each kind, in each format, in text and in JSON mode."""
    line = metric_line(kind, "claims.paid", 12.5, {"product": "car"}, T0, form=form, level=level)
    parsed = told(line.decode())
    (metric,) = metrics(parsed)
    assert (metric.name, metric.kind, metric.tags) == ("claims.paid", kind, {"product": "car"})
    assert metric.value == (1 if kind == "set" else 12.5)
    assert metric.set_member == ("12.5" if kind == "set" else "")
    assert metric.time_unix_nano == T0
    assert metric.event_id.endswith(":0")
    assert len(parsed.signals) == 1
    assert not parsed.notes


@pytest.mark.parametrize("level", ["", "INFO"])
@pytest.mark.parametrize("tag", ["metric", "record", "type", "service", "trace_id", "m", "resource"])
def test_an_embedded_metric_whose_tag_is_named_like_another_line(tag: str, level: str) -> None:
    """`_aws` makes it a metric, whatever its tags are called."""
    line = metric_line("gauge", "claims.open", 2.5, {tag: "own"}, T0, form="emf", level=level)
    parsed = told(line.decode())
    (metric,) = metrics(parsed)
    assert (metric.name, metric.value, metric.tags[tag]) == ("claims.open", 2.5, "own")
    assert not parsed.notes


@given(
    st.sampled_from(["count", "gauge", "histogram", "distribution", "timing"]),
    st.floats(allow_nan=False, allow_infinity=False),
    st.dictionaries(st.text(min_size=1), st.text(), max_size=3),
)
def test_values_and_tags_survive_the_wire(kind: str, value: float, tags: dict[str, str]) -> None:
    """Whatever the tags hold, the line is one metric with the same value."""
    (metric,) = metrics(told(metric_line(kind, "m", value, tags, T0).decode()))
    assert metric.value == value


@pytest.mark.parametrize(
    ("line", "points"),
    [
        ("page.views:1|c", [("page.views", "count", 1.0, {})]),
        ("page.views:1:2:3|d", [("page.views", "distribution", v, {}) for v in (1.0, 2.0, 3.0)]),
        ("page.views:1|c|@0.5", [("page.views", "count", 2.0, {})]),
        ("db.time:12.5|ms|@0.5|#env:prod,fast", [("db.time", "timing", 12.5, {"env": "prod", "fast": ""})]),
        ("size:-3|g|#a:b:c|c:ci-0", [("size", "gauge", -3.0, {"a": "b:c"})]),
        ("users:urn:ann|s|card:low", [("users", "set", 1.0, {})]),
        ("a:1|c\nb:2|h", [("a", "count", 1.0, {}), ("b", "histogram", 2.0, {})]),
        ("MONITORING|1795231810|3|gauge|depth", [("depth", "gauge", 3.0, {})]),
        ("MONITORING|1795231810.5|1e3|gauge|depth|#", [("depth", "gauge", 1000.0, {})]),
        ("a,region=eu,tier=1:2|g|#x:y", [("a", "gauge", 2.0, {"region": "eu", "tier": "1", "x": "y"})]),
        ("MONITORING|3|Kilobytes/Second|in|", [("in", "distribution", 3.0, {})]),
        ("MONITORING|3|none|depth|n", [("depth", "distribution", 3.0, {"namespace": "n"})]),
        ("MONITORING|27|milliseconds|latency|claims", [("latency", "timing", 27.0, {"namespace": "claims"})]),
        ("MONITORING|1|count|opened|claims", [("opened", "count", 1.0, {"namespace": "claims"})]),
    ],
)
def test_metric_lines_of_others_are_read(line: str, points: list[tuple[object, ...]]) -> None:
    """DogStatsD's sections, and the rival's dialect."""
    assert [(m.name, m.kind, m.value, m.tags) for m in metrics(told(line))] == points


def test_a_datagram_may_bring_its_own_time() -> None:
    """`T` is seconds since the epoch; without it the time is the line's."""
    assert metrics(told("a:1|c|T1700000000"))[0].time_unix_nano == 1_700_000_000_000_000_000
    json_mode = '{"timestamp":"2026-11-21T03:30:10.250Z","level":"INFO","metric":"a:1|c"}'
    assert metrics(told(json_mode))[0].time_unix_nano == T0 + 250_000_000


@pytest.mark.parametrize(
    "line",
    [
        "MONITORING|",
        "MONITORING|now|1|count|a|#",
        "MONITORING|1795231810|NaN|count|a|#",
        "MONITORING|1795231810|inf|count|a|#",
        "MONITORING|1795231810|1_0|count|a|#",
        "MONITORING|1795231810|1|counter|a|#",
        "MONITORING|1795231810|1|count||#",
        "MONITORING|1795231810|1|count|a|b:c",
        "MONITORING|1795231810|1|count|a|#|x",
        "MONITORING|99999999999999999999|1|count|a|#",
        "MONITORING|1e400|1|count|a|#",
        '{"level":"INFO","metric":"nonsense"}',
        '{"level":"INFO","metric":"MONITORING|1|2"}',
    ],
)
def test_a_broken_metric_line_stays_a_log_and_is_counted(line: str) -> None:
    """It was meant to be a metric; somebody will want to know."""
    parsed = told(line)
    assert (len(logs(parsed)), metrics(parsed), parsed.notes) == (1, [], {"bad_metric_line": 1})


@pytest.mark.parametrize(
    "line",
    [
        *("cost: 5|c", "a b:1|c", "a:1|x", "12:30|c", "note: x|y", ":1|c", "rate:5 |c", "a|b:c|g"),
    ],
)
def test_prose_with_colons_and_bars_is_no_metric(line: str) -> None:
    """It was not meant to be one, so it is not counted either."""
    parsed = told(line)
    assert (len(logs(parsed)), metrics(parsed), parsed.notes) == (1, [], {})


def test_the_member_of_a_set_may_have_a_colon() -> None:
    """Only numbers are packed into one datagram."""
    (metric,) = metrics(told("users:urn:ann|s"))
    assert metric.set_member == "urn:ann"


@pytest.mark.parametrize(
    "line",
    [
        *("a:|c", "a:1|c|@0", "a:1|c|@2", "a:1|c|huh", "a:1:x|c", "a:1|c\nprose", "a:|s", "a:٣|c", "a:+1|g"),
        *(
            "a,region:1|c",
            "a,=b:1|c",
            "_e{5,4}:title|texts",
            "_e{1}:a|b",
            "_sc|db.up|7",
            "_sc||0",
            "_sc|a|0|x",
        ),
    ],
)
def test_a_datagram_is_a_metric_only_if_it_parses_fully(line: str) -> None:
    """What was clearly meant to be one stays a log and is counted."""
    parsed = told(line)
    (log,) = logs(parsed)
    assert (log.message, log.attributes, metrics(parsed)) == (line, {}, [])
    assert parsed.notes == {"bad_metric_line": 1}


@pytest.mark.parametrize("json_mode", [False, True])
@pytest.mark.parametrize(
    ("datagram", "level", "message", "attributes"),
    [
        (
            "_e{9,4}:claim\\ntw|té!|h:box|k:agg|p:low|s:batch|t:error|#env:prod,fast|c:ci-0|e:it-1|card:low",
            "ERROR",
            "claim\ntw\nté!",
            {
                "dogstatsd.kind": "event",
                "dogstatsd.title": "claim\ntw",
                "host.name": "box",
                "dogstatsd.aggregation_key": "agg",
                "dogstatsd.priority": "low",
                "dogstatsd.source_type": "batch",
                "dogstatsd.alert_type": "error",
                "dogstatsd.tags": {"env": "prod", "fast": ""},
            },
        ),
        ("_e{1,0}:t|", "INFO", "t", {"dogstatsd.kind": "event", "dogstatsd.title": "t"}),
        (
            "_sc|db.up|2|#a:b|m:gone: 3|4",
            "ERROR",
            "db.up is critical: gone: 3|4",
            {
                "dogstatsd.kind": "service_check",
                "dogstatsd.check": "db.up",
                "dogstatsd.status": "critical",
                "dogstatsd.tags": {"a": "b"},
            },
        ),
        (
            "_sc|db.up|0",
            "INFO",
            "db.up is ok",
            {"dogstatsd.kind": "service_check", "dogstatsd.check": "db.up", "dogstatsd.status": "ok"},
        ),
    ],
)
def test_events_and_service_checks_are_logs(
    datagram: str, level: str, message: str, attributes: dict[str, object], json_mode: bool
) -> None:
    """They are no points: a log each, of its own time, in text and in JSON mode."""
    lead = {"timestamp": "2026-11-21T03:30:10.250Z", "level": "WARN"}
    parsed = told(json.dumps({**lead, "metric": datagram}) if json_mode else datagram)
    (log,) = logs(parsed)
    assert (log.message, log.level, log.attributes) == (message, level, attributes)
    assert (metrics(parsed), parsed.notes) == ([], {})
    assert log.time_unix_nano == T0 + (250_000_000 if json_mode else 0)


def test_an_event_may_bring_its_own_time() -> None:
    """`d` is seconds since the epoch."""
    assert log_of("_e{1,1}:a|b|d:1700000000").time_unix_nano == 1_700_000_000_000_000_000


def test_a_log_that_has_a_metric_field_is_a_log() -> None:
    """A caller's field may be called so."""
    assert log_of('{"level":"INFO","message":"m","metric":"a:1|c"}').attributes == {"metric": "a:1|c"}
