"""The lines are one contract: what the layer encodes, the subscriber decodes, value for value."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from observe import notes, semconv, wire
from observe.metric_lines import METRIC_KINDS, metric_line
from subscribers.envelope import LogBatch, LogEvent, decode, encode
from subscribers.parse import parse
from subscribers.signals import SPAN_KINDS, Log, Metric, Origin, Signal, Span

ORIGIN = Origin("123456789012", "eu-west-1", "/aws/lambda/f", "2026/11/21/[$LATEST]a", "f", "serverless")
NOW = 1_795_231_810_123_000_000
SPEC = (Path(__file__).parents[1] / "docs/spec/lines.md").read_text(encoding="utf-8")
HEX32, HEX16 = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"

TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=30)
SCALARS = (
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, width=32) | TEXT
)
TREES = st.recursive(
    SCALARS.filter(lambda v: v not in (float("inf"), float("-inf"))),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
NAMES = st.text("abcdefghijklmnopqrstuvwxyz._", min_size=1, max_size=20)
#: Datadog: a metric's name starts with a letter.
METRIC_NAMES = st.from_regex(r"[a-z][a-z._]{0,19}", fullmatch=True)
TAGS = st.dictionaries(
    NAMES, st.text("abcdefghijklmnopqrstuvwxyz0123456789:/-", min_size=1, max_size=9), max_size=4
)


def read(*lines: bytes) -> list[Signal]:
    """What the subscriber makes of lines of one stream, through a whole subscription payload."""
    events = tuple(
        LogEvent(id=str(n), timestamp_ms=NOW // 10**6, message=line.decode()) for n, line in enumerate(lines)
    )
    batch = LogBatch(
        owner=ORIGIN.account,
        log_group=ORIGIN.log_group,
        log_stream=ORIGIN.log_stream,
        message_type="DATA_MESSAGE",
        events=events,
    )
    return parse(decode(encode(batch)), ORIGIN, "lambda", now_unix_nano=NOW).signals


@given(
    TEXT,
    st.sampled_from(["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"]),
    st.dictionaries(NAMES, TREES, max_size=4),
)
def test_a_log_line(message: str, level: str, fields: dict[str, Any]) -> None:
    """Level, message, identity and the caller's fields arrive as they were given."""
    own = {
        key: value
        for key, value in fields.items()
        if key not in (*wire.LOG_FIELDS, "metric", "type", "record")
    }
    line = wire.log_line(
        {
            "timestamp": wire.timestamp(NOW),
            "level": level,
            "message": message,
            "requestId": "r-1",
            "service": "claims",
            "correlation_id": "CLM-1",
            "trace_id": HEX32,
            "span_id": HEX16,
            **own,
        }
    )
    (log,) = read(line)
    assert isinstance(log, Log)
    assert (log.level, log.message, log.request_id, log.correlation_id) == (level, message, "r-1", "CLM-1")
    assert (log.trace_id, log.span_id, log.time_unix_nano, log.time_from) == (HEX32, HEX16, NOW, "line")
    assert log.origin.service == "claims"
    assert log.attributes == own


@pytest.mark.parametrize("level", ["", "WARN"])
@pytest.mark.parametrize("form", ["monitoring", "dogstatsd"])
@given(
    kind=st.sampled_from(sorted(set(METRIC_KINDS) - {"set"})),
    name=METRIC_NAMES,
    value=st.floats(-1e9, 1e9),
    tags=TAGS,
)
def test_a_metric_line(
    form: str, level: str, kind: str, name: str, value: float, tags: dict[str, str]
) -> None:
    """Kind, name, value and tags of a metric arrive, in text and in Lambda's JSON mode."""
    (metric,) = read(metric_line(kind, name, value, tags, NOW, form=form, level=level))
    assert isinstance(metric, Metric)
    assert (metric.kind, metric.name, metric.value, metric.tags) == (kind, name, value, tags)


@pytest.mark.parametrize("level", ["", "WARN"])
@pytest.mark.parametrize("form", ["datadog", "emf"])
@given(
    kind=st.sampled_from(sorted(set(METRIC_KINDS) - {"set"})),
    name=METRIC_NAMES,
    value=st.floats(-1e9, 1e9),
    tags=TAGS,
)
def test_a_metric_line_in_json(
    form: str, level: str, kind: str, name: str, value: float, tags: dict[str, str]
) -> None:
    """The formats of other readers are read, too; of the kind they keep what they can say."""
    line = metric_line(kind, name, value, tags, NOW, form=form, level=level, namespace="claims")
    (metric,) = read(line)
    assert isinstance(metric, Metric)
    assert (metric.name, metric.value) == (name, value)
    kept = {"count": "count", "timing": "timing"} if form == "emf" else {}
    assert metric.kind == kept.get(kind, "distribution")
    expected = (
        tags
        if form == "datadog"
        else {key: tags[key] for key in tags if key not in (name, "level", "timestamp")}
    )
    assert metric.tags == ({"namespace": "claims", **expected} if form == "emf" else expected)


def test_a_set() -> None:
    """A set counts texts."""
    (metric,) = read(metric_line("set", "users", "ann", {}, NOW))
    assert isinstance(metric, Metric)
    assert (metric.kind, metric.set_member) == ("set", "ann")


@pytest.mark.parametrize(
    "lead", [None, {"timestamp": wire.timestamp(NOW), "level": "WARN"}], ids=["text", "json"]
)
@given(
    name=TEXT,
    kind=st.sampled_from(sorted(SPAN_KINDS)),
    attributes=st.dictionaries(NAMES, TREES, max_size=4),
    status=st.integers(0, 2),
)
def test_a_span_line(lead: Any, name: str, kind: int, attributes: dict[str, Any], status: int) -> None:
    """Every field of a span arrives, nanoseconds to the last digit."""
    span = wire.Span(HEX32, HEX16, "c" * 16, name, kind, NOW + 1, dict(attributes))
    span.end_unix_nano, span.status, span.status_message = NOW + 7, status, "m" if status else ""
    span.events.append(("exception", NOW + 3, {"exception.type": "E"}))
    span.links.append(("d" * 32, "e" * 16, {"observe.link": "xray"}))
    (line,) = wire.span_lines("claims", [span], lead=lead)
    (read_span,) = read(line)
    assert isinstance(read_span, Span)
    assert (read_span.trace_id, read_span.span_id, read_span.parent_span_id) == (HEX32, HEX16, "c" * 16)
    assert (read_span.name, read_span.kind) == (name, SPAN_KINDS[kind])
    assert (read_span.start_unix_nano, read_span.end_unix_nano) == (NOW + 1, NOW + 7)
    assert read_span.status == ("unset", "ok", "error")[status]
    assert read_span.origin.service == "claims"
    assert read_span.links[0].trace_id == "d" * 32
    assert read_span.events[0]["name"] == "exception"
    # OTLP has no null: it is an empty text there.
    assert read_span.attributes == {key: _without_null(value) for key, value in attributes.items()}


def _without_null(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_null(item) for item in value]
    if isinstance(value, dict):
        return {key: _without_null(item) for key, item in value.items()}
    return "" if value is None else value


SOURCES = sorted((Path(__file__).parents[1] / "observe").rglob("*.py"))
_EVENT = re.compile(r"""(?:EVENT = |["']event["']\]? ?[:=] ?)["'](observe\.\w+)["']""")


def test_every_line_of_the_layers_own_is_specified() -> None:
    """Each `event` that the layer writes is specified, no other is, and so is each attribute of its own."""
    texts = [path.read_text(encoding="utf-8") for path in SOURCES]
    written = {name for text in texts for name in _EVENT.findall(text)}
    written |= {f"observe.{note}" for note in notes.NOTES}
    assert len(written) > 15
    section = SPEC.partition("### The layer's own lines")[2].partition("\n### ")[0]
    assert set(re.findall(r"`(observe\.\w+)`", section)) - {"observe.records"} == written
    named = set(re.findall(r"`([a-z_]+(?:\.[a-z_]+)*)`", SPEC))
    baggage = {semconv.BAGGAGE_DEBUG, semconv.BAGGAGE_HOPS}
    # The others are of subscribers.
    used = set(re.findall(r"semconv\.([A-Z_]+)", "\n".join(texts)))
    own = {value for name, value in vars(semconv).items() if name in used} - baggage
    groups = ("observe.", "aws.lambda.", "process.", "error.", "exception.")
    assert {name for name in own if name.startswith(groups)} <= named


def test_the_examples_of_the_specification_are_read() -> None:
    """Each example line of docs/spec/lines.md becomes the signal it is an example of."""
    examples = [
        line
        for block in re.findall(r"```(?:json)?\n(.*?)```", SPEC, re.DOTALL)
        for line in block.splitlines()
    ]
    kinds = [type(signal).__name__ for line in examples for signal in read(line.replace("...", "").encode())]
    assert kinds == ["Log", "Log", "Log", "Metric"]
