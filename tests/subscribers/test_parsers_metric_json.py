"""Metrics in JSON lines: whole and well-formed, or no metric at all."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscribers.parsers import metric_json, units

DIRECTIVE = {"Namespace": "n", "Dimensions": [["k"]], "Metrics": [{"Name": "t", "Unit": "Milliseconds"}]}
EMF: dict[str, Any] = {"_aws": {"Timestamp": 1, "CloudWatchMetrics": [DIRECTIVE]}, "k": "v", "t": 1.5}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from("mvet") | st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=12,
)


def test_an_embedded_metric() -> None:
    """Name, unit, dimensions and time come from the directive, several values are several points."""
    (point,) = metric_json.points_of(EMF)
    assert (point.name, point.kind, point.value, point.unit) == ("t", "timing", 1.5, "ms")
    assert (point.tags, point.time_unix_nano) == ({"k": "v", "namespace": "n"}, 1_000_000)
    assert [point.value for point in metric_json.points_of({**EMF, "t": [1, 2, 3]})] == [1, 2, 3]


def test_every_unit_of_cloudwatch_is_known() -> None:
    """Sizes and rates as UCUM writes them; an unknown one is a distribution without a unit."""
    for unit, expected in {
        "Count": ("count", "1"),
        "Seconds": ("distribution", "s"),
        "Microseconds": ("distribution", "us"),
        "Percent": ("distribution", "%"),
        "Terabytes": ("distribution", "TBy"),
        "Kilobits/Second": ("distribution", "kbit/s"),
        "Bytes/Second": ("distribution", "By/s"),
        "Count/Second": ("distribution", "1/s"),
        "None": ("distribution", ""),
        "Parsecs": ("distribution", ""),
    }.items():
        directive = {**DIRECTIVE, "Metrics": [{"Name": "t", "Unit": unit, "StorageResolution": 1}]}
        (point,) = metric_json.points_of({**EMF, "_aws": {"Timestamp": 1, "CloudWatchMetrics": [directive]}})
        assert (point.kind, point.unit) == expected
    assert len(units.BY_NAME) == 26


def test_sets_of_dimensions_are_the_tags_of_one_point() -> None:
    """CloudWatch makes a metric of each set; with tags one value is told once. So do several directives."""
    first = {**DIRECTIVE, "Dimensions": [["k"], ["k", "l"], []]}
    second = {"Namespace": "o", "Dimensions": [], "Metrics": [{"Name": "u"}]}
    document = {**EMF, "l": 7, "u": [1, 2], "env": "prod", "claim": "CLM-1"}
    document["_aws"] = {"Timestamp": 1, "LogGroupName": "g", "CloudWatchMetrics": [first, second]}
    found = metric_json.points_of(document)
    assert [(point.name, point.value) for point in found] == [("t", 1.5), ("u", 1.0), ("u", 2.0)]
    assert found[0].tags == {"k": "v", "l": "7", "env": "prod", "namespace": "n"}
    assert found[1].tags == {"env": "prod", "namespace": "o"}
    assert metric_json.properties(document) == {"env": "prod", "claim": "CLM-1"}


#: As OpenTelemetry's awsemf exporter writes summaries and histograms.
SETS: list[tuple[dict[str, Any], list[float]]] = [
    ({"Min": 1, "Max": 9, "Sum": 30, "Count": 6}, [1, 9, 30, 6]),
    ({"Min": 0.5, "Max": 9, "Sum": 30, "Count": 6, "Values": [1, 9], "Counts": [4, 2]}, [0.5, 9, 30, 6]),
    ({"Values": [1, 9], "Counts": [4, 2]}, [1, 9, 22, 6]),
]


@pytest.mark.parametrize(("said", "expected"), SETS)
def test_a_statistic_set_is_four_metrics(said: dict[str, Any], expected: list[float]) -> None:
    """The least and the largest are gauges, the sum and how many there were are counts."""
    found = metric_json.points_of({**EMF, "t": said})
    assert [(point.name, point.kind, point.unit) for point in found] == [
        ("t.min", "gauge", "ms"),
        ("t.max", "gauge", "ms"),
        ("t.sum", "count", "ms"),
        ("t.count", "count", "1"),
    ]
    assert [point.value for point in found] == expected
    assert {point.time_unix_nano for point in found} == {1_000_000}


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"Min": 1, "Max": 9, "Sum": 30},
        {"Min": 1, "Max": 9, "Sum": "30", "Count": 6},
        {"Values": [1], "Counts": [1, 2]},
        {"Values": [], "Counts": []},
        {"Values": [None], "Counts": [1]},
        {"Values": [1] * 151, "Counts": [1] * 151},
    ],
)
def test_what_is_no_statistic_set_is_no_metric(said: dict[str, Any]) -> None:
    """The line stays a log."""
    assert metric_json.points_of({**EMF, "t": said}) == ()


@pytest.mark.parametrize(
    ("directives", "is_bare"),
    [([], True), ([{"Metrics": []}], True), ([DIRECTIVE], False), ([3], False), (None, False)],
)
def test_properties_without_a_metric_are_no_broken_one(directives: Any, is_bare: bool) -> None:
    """Its library writes them too; an empty directive beside another is nothing."""
    document = {**EMF, "_aws": {"Timestamp": 1, "CloudWatchMetrics": directives}}
    assert metric_json.is_bare(document) is is_bare
    both = {"Timestamp": 1, "CloudWatchMetrics": [{"Metrics": []}, DIRECTIVE]}
    assert len(metric_json.points_of({**EMF, "_aws": both})) == 1


def test_a_forwarder_line() -> None:
    """What Datadog's Forwarder takes is a distribution point."""
    (point,) = metric_json.points_of({"m": "a.b", "v": 2, "e": 1700000000, "t": ["k:v:w", "flag"]})
    assert (point.name, point.kind, point.value) == ("a.b", "distribution", 2.0)
    assert (point.tags, point.time_unix_nano) == ({"k": "v:w", "flag": ""}, 1_700_000_000 * 10**9)


@pytest.mark.parametrize(
    "document",
    [
        {"m": "", "v": 1, "e": 1, "t": []},
        {"m": "a", "v": "1", "e": 1, "t": []},
        {"m": "a", "v": True, "e": 1, "t": []},
        {"m": "a", "v": 1, "e": 1e300, "t": []},
        {"m": "a", "v": 1, "e": 1, "t": "k:v"},
        {"m": "a", "v": 1, "e": 1, "t": [1]},
        {**EMF, "t": "fast"},
        {**EMF, "t": []},
        {**EMF, "t": [1] * 101},
        {**EMF, "_aws": {}},
        {**EMF, "_aws": {"Timestamp": 1, "CloudWatchMetrics": [DIRECTIVE, 3]}},
        {**EMF, "_aws": {"Timestamp": 1, "CloudWatchMetrics": [{**DIRECTIVE, "Metrics": [{}]}]}},
        {**EMF, "_aws": {"Timestamp": "now", "CloudWatchMetrics": [DIRECTIVE]}},
    ],
)
def test_what_is_malformed_is_no_metric(document: dict[str, Any]) -> None:
    """It was meant to be one, so it is counted; nothing of it is made up."""
    assert metric_json.is_meant(document)
    assert metric_json.points_of(document) == ()


@given(st.dictionaries(st.sampled_from(["m", "v", "e", "t", "_aws", "Timestamp"]), JSON, max_size=6))
def test_any_json_is_read_without_raising(document: dict[str, Any]) -> None:
    """Whatever the line holds, there are points or there are none."""
    for point in metric_json.points_of(document):
        assert point.name
