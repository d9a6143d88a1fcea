"""Metric lines are what the specification says in each format, whatever names, tags and values hold."""

from __future__ import annotations

import json
import re
import sys
from typing import Any

import pytest
from datadog.util.format import normalize_tags
from hypothesis import given
from hypothesis import strategies as st

from observe import metric_lines, wire
from observe.metric_lines import METRIC_FORMATS, METRIC_KINDS, Form, Series, metric_line, pieces

NOW = 10**18


def told(form: str, totals: dict[tuple[str, str, str], Any], **options: Any) -> list[str]:
    """The lines of {(kind, name, tags): values}."""
    written = Form(form, namespace="ns", **options)
    series = {
        Series(written, kind, name, pieces(tags.split(","), "dogstatsd" if kind == "set" else form)): values
        for (kind, name, tags), values in totals.items()
    }
    lines = metric_lines.lines(series, written, NOW)
    assert all(line.endswith(b"\n") and line.count(b"\n") == 1 for line in lines)
    return [line.decode().rstrip("\n") for line in lines]


@pytest.mark.parametrize(
    ("kind", "form", "line"),
    [
        ("count", "monitoring", "MONITORING|1000000000|2|count|a.b|#k:v:w,x:y_z"),
        ("gauge", "dogstatsd", "a.b:2|g|#k:v:w,x:y_z"),
        ("set", "monitoring", "a.b:2|s|#k:v:w,x:y_z"),
        ("distribution", "datadog", '{"m":"a.b","v":2,"e":1000000000,"t":["k:v:w","x:y_z"]}'),
    ],
)
def test_metric_lines(kind: str, form: str, line: str) -> None:
    """Each format is what its specification says, separators replaced."""
    tags = {"k": "v:w", "x": "y|z"}
    assert metric_line(kind, "a.b", 2, tags, NOW, form=form).decode() == line + "\n"


def test_many_values_of_a_series() -> None:
    """DogStatsD packs numbers into one datagram; a set and the other formats have a line for each."""
    many = {("timing", "t", "a:b"): [1, 2.5, -3], ("set", "u", ""): ["ann", "bob:2"]}
    assert told("dogstatsd", many) == ["t:1:2.5:-3|ms|#a:b", "u:ann|s", "u:bob:2|s"]
    assert told("monitoring", many) == [
        *(f"MONITORING|1000000000|{value}|timing|t|#a:b" for value in (1, 2.5, -3)),
        "u:ann|s",
        "u:bob:2|s",
    ]
    assert [json.loads(line)["v"] for line in told("datadog", many)[:3]] == [1, 2.5, -3]


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=2000))
def test_packed_values_stay_below_what_an_agent_reads(values: list[float]) -> None:
    """A datagram has at most 8 KiB beside its tags, and no value is lost or moved."""
    lines = told("dogstatsd", {("histogram", "h", ""): values})
    assert all(len(line) <= 8192 for line in lines)
    assert [float(text) for line in lines for text in line.split("|")[0].split(":")[1:]] == values


def test_constant_tags() -> None:
    """They follow the caller's own; where a reader keeps one value a key, the caller's is the only one."""
    totals = {("count", "a", "env:test,x:y"): 1}
    constant = ("env:prod", "team:claims")
    assert told("dogstatsd", totals, constant=constant) == ["a:1|c|#env:test,x:y,env:prod,team:claims"]
    (line,) = told("monitoring", totals, constant=constant)
    assert line.endswith("|#env:test,x:y,team:claims")
    (line,) = told("datadog", totals, constant=constant)
    assert json.loads(line)["t"] == ["env:test", "x:y", "team:claims"]


def test_the_emf_line() -> None:
    """Embedded metric format: a directive, the tags as dimensions, the value at the root."""
    line = json.loads(metric_line("timing", "t", 1.5, {"k": "v"}, NOW, form="emf", namespace="ns"))
    assert line["_aws"] == {
        "Timestamp": 10**12,
        "CloudWatchMetrics": [
            {"Namespace": "ns", "Dimensions": [["k"]], "Metrics": [{"Name": "t", "Unit": "Milliseconds"}]}
        ],
    }
    assert (line["k"], line["t"]) == ("v", 1.5)


def test_emf_puts_metrics_of_the_same_tags_into_one_line() -> None:
    """At most 100 metrics a line and 100 values a metric; a name is in a line once, whatever its kind."""
    totals: dict[tuple[str, str, str], Any] = {("count", f"c{n}", "a:b"): n for n in range(120)}
    totals[("histogram", "h", "a:b")] = list(range(250))
    totals[("gauge", "c0", "a:b")] = 7
    totals[("count", "other", "")] = 1
    lines = [json.loads(line) for line in told("emf", totals)]
    read: dict[str, list[float]] = {}
    for line in lines:
        (directive,) = line["_aws"]["CloudWatchMetrics"]
        names = [metric["Name"] for metric in directive["Metrics"]]
        assert len(names) == len(set(names)) <= 100
        for name in names:
            values = line[name] if isinstance(line[name], list) else [line[name]]
            assert len(values) <= 100
            read.setdefault(name, []).extend(values)
    assert len(lines) == 5
    assert read == {**{f"c{n}": [n] for n in range(120)}, "h": list(range(250)), "c0": [0, 7], "other": [1]}


def test_what_is_no_dimension_in_emf() -> None:
    """Constant tags and tags without a value are fields; a name of the format's own gives way."""
    totals = {("count", "level", "a:b,flag,_aws:x,level:y"): 1}
    (text,) = told("emf", totals, constant=("env:prod", "a:c"), level="WARN")
    line = json.loads(text)
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert (directive["Dimensions"], directive["Metrics"][0]["Name"]) == ([["a"]], "level_")
    assert (line["level"], line["level_"], line["a"], line["flag"], line["env"]) == (
        "WARN",
        1,
        "b",
        "",
        "prod",
    )


def test_emf_lines_stay_under_the_limit() -> None:
    """A hundred metrics of a hundred long numbers do not fit one line; none is lost."""
    totals = {("histogram", f"{'n' * 500}{n}", "a:b"): [-1.2345678901234567e-300] * 100 for n in range(100)}
    lines = told("emf", totals)
    assert all(len(line) < wire.LINE_MAX_BYTES for line in lines)
    told_names = [
        m["Name"] for line in lines for m in json.loads(line)["_aws"]["CloudWatchMetrics"][0]["Metrics"]
    ]
    assert len(told_names) == 100


def test_a_sampled_count_in_each_format() -> None:
    """DogStatsD names the rate; a format without one tells the whole count, and other values as they are."""
    for form, count, histogram in (
        ("dogstatsd", "c:3|c|@0.25", "h:2|h|@0.25"),
        ("monitoring", "MONITORING|1000000000|12.0|count|c|#", "MONITORING|1000000000|2|histogram|h|#"),
    ):
        written = Form(form)
        series = {
            Series(written, "count", "c", (), 0.25): 3,
            Series(written, "histogram", "h", (), 0.25): [2],
        }
        assert [line.decode().strip() for line in metric_lines.lines(series, written, NOW)] == [
            count,
            histogram,
        ]


@pytest.mark.parametrize("form", METRIC_FORMATS)
@pytest.mark.parametrize("kind", METRIC_KINDS)
def test_metric_lines_in_json_mode_lead_with_timestamp_and_level(form: str, kind: str) -> None:
    """In Lambda's JSON mode every metric line is JSON that no level filter drops."""
    line = metric_line(kind, "a", 1, {}, NOW, form=form, level="WARN", namespace="n")
    assert list(json.loads(line))[:2] == ["timestamp", "level"]


@pytest.mark.parametrize("form", METRIC_FORMATS)
@given(
    st.text(max_size=30),
    st.dictionaries(st.text(max_size=10), st.text(max_size=10), max_size=3) | st.lists(st.text(max_size=10)),
    st.text(min_size=1, max_size=10),
)
def test_names_tags_and_members_cannot_break_a_line(form: str, name: str, tags: Any, member: str) -> None:
    """Whatever is in them, surrogates included, it is one line of its format."""
    line = metric_line("count", name, 1, tags, NOW, form=form).decode()
    assert line.count("\n") == 1
    assert line.endswith("\n")
    if form in ("datadog", "emf"):
        assert json.loads(line)
    else:
        assert line.count("|") in ((5,) if form == "monitoring" else (1, 2))
    assert metric_line("set", name, member, tags, NOW, form=form).count(b"|") in (1, 2)


def test_tags_are_cleaned_as_datadogpy_does() -> None:
    """The same characters stay, of all that there are."""
    every = "".join(map(chr, range(sys.maxunicode + 1)))
    assert metric_lines.clean_tag(every) == normalize_tags([every])[0]
    assert all(metric_lines.clean_tag(letter) == normalize_tags([letter])[0] for letter in every[:0x300])


@pytest.mark.parametrize(
    ("form", "written"), [("dogstatsd", "a_b:large_50__"), ("monitoring", 'a_b:large 50%"')]
)
def test_what_a_tag_may_hold(form: str, written: str) -> None:
    """A datagram's as the client has it; elsewhere a value stays readable but for the separators."""
    (line,) = told(form, {("count", "c", 'a b:large 50%"'): 1})
    assert line.endswith(f"|#{written}")
    (line,) = told("datadog", {("count", "c", 'a b:large 50%"'): 1})
    assert json.loads(line)["t"] == ['a_b:large 50%"']


def test_a_name_is_one_that_every_reader_takes() -> None:
    """Letters, digits and four signs stay."""
    assert metric_lines.clean_name("a.b-c/d_e:f g|h#i@j,k\n(größe)") == "a.b-c/d_e_f_g_h_i_j_k__größe_"
    assert re.fullmatch(r"[\w.\-/]*", metric_lines.clean_name("".join(map(chr, range(0x300)))))


@pytest.mark.parametrize(
    ("tags", "written"),
    [
        (None, ()),
        ("product:motor", ("product:motor",)),
        (["a:b", "flag", ""], ("a:b", "flag")),
        ({"a": 1, "b:c": True, "flag": ""}, ("a:1", "b_c:True", "flag")),
        ([("a", "b"), ("c", None)], ("a:b", "c:None")),
        (("a:b c",), ("a:b_c",)),
        (iter(["a:b"]), ("a:b",)),
    ],
)
def test_tags_in_any_shape(tags: Any, written: tuple[str, ...]) -> None:
    """A mapping, texts, pairs, one text or none."""
    assert pieces(tags) == written
