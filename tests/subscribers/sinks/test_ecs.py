"""Signals as documents, however they are written."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from subscribers.signals import Link, Log, Metric, Origin, Signal, Span
from subscribers.sinks import bulk, ecs

ORIGIN = Origin(
    "123456789012", "eu-west-1", "/aws/lambda/submit", "2026/11/21/[$LATEST]0f", "submit", "serverless"
)
AT = 1_795_231_810_123_000_000

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
names = st.one_of(
    st.sampled_from(
        [
            *(
                "http.route",
                "faas.invocation_id",
                "exception.type",
                "log.level",
                "error.message",
                "thread.name",
            ),
            *("aws.cloudwatch.log_group", "observe.keys", "message", "event.sequence", "claim", "user.name"),
        ]
    ),
    texts,
)
values: st.SearchStrategy[Any] = st.one_of(texts, st.integers(0, 9), st.none(), st.lists(texts, max_size=2))
attributes = st.dictionaries(names, st.one_of(values, st.dictionaries(texts, values, max_size=2)), max_size=4)
times = st.integers(0, 2**62)
origins = st.sampled_from([ORIGIN, replace(ORIGIN, log_stream="", region='"'), replace(ORIGIN, service="é")])
logs = st.builds(
    Log,
    event_id=st.just("e"),
    origin=origins,
    time_unix_nano=times,
    observed_time_unix_nano=times,
    message=texts,
    sequence=st.integers(0, 9),
    level=st.sampled_from(["", "INFO"]),
    dataset=st.sampled_from(["", "observe", 'a"b']),
    time_from=st.sampled_from(["line", "event"]),
    trace_id=texts,
    span_id=texts,
    correlation_id=texts,
    request_id=texts,
    error_type=texts,
    error_message=texts,
    error_stack=texts,
    keys=st.sampled_from([(), ("claim=1",)]),
    attributes=attributes,
)
spans = st.builds(
    Span,
    event_id=st.just("e:0"),
    origin=origins,
    trace_id=texts,
    span_id=texts,
    parent_span_id=texts,
    name=texts,
    kind=st.sampled_from(["server", "client"]),
    start_unix_nano=times,
    end_unix_nano=times,
    told_by=st.sampled_from(["layer", "platform"]),
    status=st.sampled_from(["unset", "ok", "error"]),
    status_message=texts,
    correlation_id=texts,
    request_id=texts,
    attributes=attributes,
    links=st.sampled_from([(), (Link("a" * 32, "b" * 16), Link("c", "d", {"x": 1}))]),
    events=st.sampled_from([(), ({"name": "e", "time_unix_nano": 1, "attributes": {}},)]),
)
metrics = st.builds(
    Metric,
    event_id=st.just("e:1"),
    origin=origins,
    time_unix_nano=times,
    name=texts,
    kind=st.sampled_from(["count", "set"]),
    value=st.floats(allow_nan=False, allow_infinity=False),
    tags=st.dictionaries(texts, texts, max_size=2),
)


@given(st.lists(st.one_of(logs, spans, metrics), max_size=4), attributes)
def test_what_is_written_is_the_document(signals: list[Signal], shared: dict[str, Any]) -> None:
    """A law: no name is written twice, and all of it is there, whatever was written before."""
    writer = ecs.Writer()
    for at, signal in enumerate(signals):
        one = signal if isinstance(signal, Metric) or at % 2 else replace(signal, attributes=shared)
        pairs: list[Any] = json.loads(writer.written(one), object_pairs_hook=list)
        assert len({name for name, _ in pairs}) == len(pairs)
        assert json.loads(writer.written(one)) == json.loads(json.dumps(ecs.document(one)))


def test_a_log_s_fields() -> None:
    """What is absent is left out; what ECS has a name for stands at the top, the rest under `attributes`."""
    log = Log(
        event_id="e",
        origin=ORIGIN,
        time_unix_nano=AT,
        observed_time_unix_nano=AT + 1,
        message="m",
        dataset="observe",
        time_from="line",
        attributes={"claim": 1, "http.route": "/a", "log.level": "x", "exception.type": "E"},
        level="INFO",
    )
    assert ecs.document(log) == {
        "@timestamp": "2026-11-21T03:30:10.123Z",
        "ecs.version": "8.17",
        "service.name": "submit",
        "observe.side": "serverless",
        "cloud.account.id": "123456789012",
        "cloud.region": "eu-west-1",
        "aws.cloudwatch.log_group": "/aws/lambda/submit",
        "aws.cloudwatch.log_stream": "2026/11/21/[$LATEST]0f",
        "event.ingested": "2026-11-21T03:30:10.123000001Z",
        "event.dataset": "observe",
        "event.sequence": 0,
        "message": "m",
        "log.level": "INFO",
        "observe.time_from": "line",
        "http.route": "/a",
        "error.type": "E",
        "attributes": {"claim": 1},
    }


@given(st.lists(st.one_of(logs, spans, metrics), max_size=4))
def test_a_body_has_an_action_and_a_document_a_signal(signals: list[Signal]) -> None:
    """Lines in pairs; the index is of the event's own day."""
    lines = bulk.body(signals).decode().split("\n")
    assert lines.pop() == ""
    assert [json.loads(line) for line in lines[1::2]] == [
        json.loads(json.dumps(ecs.document(signal))) for signal in signals
    ]
    for action, signal in zip(lines[::2], signals, strict=True):
        told = json.loads(action)["create"]
        assert told["_id"] == signal.event_id
        assert told["_index"].endswith(json.loads(json.dumps(ecs.document(signal)))["@timestamp"][:10])
