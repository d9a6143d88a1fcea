"""Logs as Datadog's: reserved and standard attributes, limits of an event, and what is cut."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from subscribers.signals import Log
from subscribers.sinks import datadog_logs
from subscribers.sinks.channel import Item, Response
from subscribers.sinks.datadog_names import Tagging
from tests.backends.datadog import DatadogBackend
from tests.subscribers import samples
from tests.subscribers.sinks.test_datadog import Direct, channels, delivered, log

MB = 1_000_000
#: What Datadog may read as something of the log itself.
DATES = ("@timestamp", "timestamp", "_timestamp", "Timestamp", "eventTime", "date", "published_date")
OTHERS = ("status", "severity", "level", "message", "msg", "host", "hostname", "service", "dd", "trace_id")

texts = st.text(st.characters(), max_size=12)
names = st.one_of(
    st.sampled_from(
        [
            *(*DATES, *OTHERS, "a", "a.b", "a.b.c", "http.request.method", "http", "error.type"),
            *("error", "event", "observe", "attributes_text", "k" * 60),
        ]
    ),
    texts,
)
leaves = st.one_of(texts, st.integers(-(2**70), 2**70), st.none(), st.booleans(), st.floats())
values = st.recursive(
    leaves,
    lambda below: st.lists(below, max_size=3) | st.dictionaries(names, below, max_size=3),
    max_leaves=12,
)
attributes = st.dictionaries(names, values, max_size=8)


#: How often a text is repeated: 50,000 bytes are the most that these tests' sink takes.
times = st.sampled_from([0, 1, 1, 1, 900, 9000])
recipes = st.tuples(texts, times, texts, times, attributes, st.sampled_from(["", "INFO", "FATAL"]))
NARROW = 50_000


def made(number: int, recipe: Any) -> Log:
    """A log of now, made here so that a failure is told in few words."""
    message, often, stack, more, told, level = recipe
    return log(
        f"{number}",
        message=message * often,
        error_stack=stack * more,
        level=level,
        trace_id="a" * 32,
        attributes=told,
    )


def document(found: Log, tagging: Tagging | None = None) -> dict[str, Any]:
    """The log as it is sent."""
    item = datadog_logs.item(found, tagging or Tagging(), MB - 1)
    told: dict[str, Any] = json.loads(item.body)
    return told


def test_a_log_has_datadog_s_names() -> None:
    """Reserved attributes at the top, standard ones by their names, the IDs of its trace in both forms."""
    found = samples.log(
        "a",
        message="m",
        level="ERROR",
        dataset="observe",
        side="serverless",
        trace_id="5b8efff798038103d269b633813fc60c",
        span_id="eee19b7ec3c1b174",
        request_id="r",
        correlation_id="c",
        error_type="E",
        error_message="em",
        error_stack="es",
        keys=("claim=1",),
        attributes={
            "http.request.method": "GET",
            "http.response.status_code": 200,
            "url.path": "/claims",
            "client.address": "10.0.0.1",
            "exception.type": "E",
            "host.name": "h",
            "deployment.environment.name": "Prod",
            "service.version": "1.2",
            "claim": {"id": 7},
        },
    )
    assert document(found, Tagging("test", (("team", "claims"),))) == {
        "timestamp": samples.T0 // 10**6,
        "message": "m",
        "service": "claims",
        "ddsource": "lambda",
        "ddtags": "team:claims,service:claims,env:prod,side:serverless,aws_account:123456789012"
        ",region:eu-west-1,version:1.2",
        "hostname": "h",
        "status": "error",
        "event": {"id": "log-a", "dataset": "observe", "sequence": 0},
        "error": {"kind": "E", "message": "em", "stack": "es"},
        "correlation_id": "c",
        "lambda": {"request_id": "r"},
        "aws": {"awslogs": {"logGroup": "/app/claims", "logStream": "claims", "owner": "123456789012"}},
        "observe": {"side": "serverless", "keys": ["claim=1"], "time_from": "event"},
        "trace_id": "5b8efff798038103d269b633813fc60c",
        "span_id": "eee19b7ec3c1b174",
        "dd": {"trace_id": "5b8efff798038103d269b633813fc60c", "span_id": "17213210219539181940"},
        "http": {"method": "GET", "status_code": 200, "url_details": {"path": "/claims"}},
        "network": {"client": {"ip": "10.0.0.1"}},
        "claim": {"id": 7},
        "deployment": {"environment": {"name": "Prod"}},
        "attributes": {"service.version": "1.2"},
    }


@pytest.mark.parametrize(
    "name", [*DATES, *OTHERS, "syslog.timestamp", "dd.trace_id", "service.name", "source.port"]
)
def test_a_caller_s_field_is_never_taken_for_the_log_s_own(name: str) -> None:
    """A date of birth is no time of a log: the log would be dropped as too old."""
    plain, told = document(samples.log("a")), document(samples.log("a", attributes={name: "1970-01-01"}))
    assert told.pop("attributes") == {name: "1970-01-01"}
    assert told == plain


def test_fields_that_clash_are_all_kept() -> None:
    """The first stays where it belongs, the others under `attributes`; a caller's tree is not changed."""
    given_ = {"a": 1, "a.b": 2, "x": {"y": 1}, "x.z": 2, "x.y": 3, "error.type": "E", "exception.type": "F"}
    before = json.dumps(given_)
    told = document(samples.log("a", attributes=given_))
    assert (told["a"], told["x"], told["error"]) == (1, {"y": 1, "z": 2}, {"kind": "E"})
    assert told["attributes"] == {"a.b": 2, "x.y": 3, "exception.type": "F"}
    assert json.dumps(given_) == before


def test_what_is_more_than_datadog_indexes_is_kept_as_text() -> None:
    """256 attributes, keys of 50 characters, 10 levels."""
    deep: Any = 1
    for _ in range(20):
        deep = {"d": deep}
    given_ = {f"n{i}": i for i in range(300)} | {"deep": deep, "k" * 80: 1, "in": {"k" * 80: 1}}
    told = document(samples.log("a", attributes=given_))
    text = json.loads(told["attributes_text"])
    assert set(text) == {f"n{i}" for i in range(200, 300)} | {"deep", "k" * 80, "in"}
    assert {name: told.get(name, text.get(name)) for name in given_} == given_


@given(attributes)
def test_an_event_is_within_what_datadog_indexes(found: dict[str, Any]) -> None:
    """A law: fewer than 256 attributes, keys below 50 characters, less than 10 levels."""
    told = document(samples.log("a", attributes=found))

    def walk(tree: Any, level: int) -> int:
        if isinstance(tree, dict) and tree:
            assert level < 10
            if level > 1 or "attributes" not in tree:
                assert all(len(piece) < 50 for key in tree for piece in key.split("."))
            return sum(walk(one, level + 1) for one in tree.values())
        return sum(walk(one, level + 1) for one in tree) if isinstance(tree, list) and tree else 1

    assert walk(told, 0) < 256
    assert told["timestamp"] == samples.T0 // 10**6


class Weighing(Direct):
    """Takes note of the largest body before compression."""

    largest = 0

    def send(self, request: Any, timeout_s: float | None = None) -> Response:
        self.largest = max(self.largest, len(gzip.decompress(request.body)))
        return super().send(request, timeout_s)


@settings(max_examples=60)
@given(st.lists(recipes, min_size=1, max_size=12))
def test_every_request_is_within_the_limits_and_every_log_is_accounted_for(found: list[Any]) -> None:
    """A law, held against a backend that enforces Datadog's: each is taken once, the large ones cut."""
    logs = [made(i, recipe) for i, recipe in enumerate(found)]
    edge = Weighing(DatadogBackend())
    outcome = delivered(edge, channels(signals=["logs"], max_bytes=NARROW), logs)
    assert edge.backend.accepted == Counter(one.event_id for one in logs)
    assert outcome.delivered == len(logs)
    assert edge.largest <= NARROW
    assert not outcome.rejected
    assert not outcome.retry


@settings(max_examples=60)
@given(recipes)
def test_a_log_is_cut_between_characters_and_marked(recipe: Any) -> None:
    """A law: the whole is kept beside it, what is sent names its size and digest, texts are beginnings."""
    item = datadog_logs.item(made(0, recipe), Tagging(), NARROW)
    told = json.loads(item.body)
    if not item.whole:
        assert "original_bytes" not in told["observe"]
        return
    assert len(item.body) <= NARROW < len(item.whole)
    assert told["observe"]["original_bytes"] == len(item.whole)
    assert told["observe"]["original_sha256"] == sha256(item.whole).hexdigest()
    whole = json.loads(item.whole)
    assert whole["message"].startswith(told["message"])
    if isinstance(stack := whole.get("error"), dict) and recipe[2] and recipe[3]:
        assert stack["stack"].startswith(told["error"]["stack"])
    assert told["event"] == whole["event"]


def test_datadog_has_nothing_to_cut() -> None:
    """Logs of a size that it takes go whole, longer ones are cut here; the whole ones are kept."""
    backend = DatadogBackend()
    sizes = [900_000, 999_000, 1_000_000, 1_500_000, 3_000_000]
    logs = [log(f"{size}", message="x" * size) for size in sizes]
    outcome = delivered(Direct(backend), channels(signals=["logs"]), logs)
    assert (outcome.delivered, backend.accepted.total(), backend.truncated) == (5, 5, 0)
    assert [leftover.item.event_id for leftover in outcome.cut["logs"]] == [
        "log-1000000",
        "log-1500000",
        "log-3000000",
    ]


def test_a_text_is_cut_no_more_than_it_must_be() -> None:
    """Whatever its characters take in JSON."""
    for character in ("a", "é", "\u2028", "\x00", '"', "😀"):
        item = datadog_logs.item(samples.log("a", message=character * 1_100_000), Tagging(), MB - 1)
        assert MB - 16 < len(item.body) < MB


def test_a_log_of_many_large_fields_loses_them_before_its_message() -> None:
    """What is left says what it is, and the whole is kept."""
    found = samples.log("a", attributes={f"n{i}": "x" * 10_000 for i in range(150)})
    item = datadog_logs.item(found, Tagging(), MB - 1)
    told = json.loads(item.body)
    assert told["message"] == "line a"
    assert "n1" not in told
    assert len(item.whole) > 1_500_000


def test_what_cannot_be_made_short_enough_is_rejected_whole() -> None:
    """Where the settings leave less room than a log's own names take."""
    backend = DatadogBackend()
    outcome = delivered(
        Direct(backend), channels(signals=["logs"], max_bytes=1024), [log("a", message="x" * 9000)]
    )
    (left,) = outcome.rejected["logs"]
    assert left.refusal.reason == "too_large"
    assert json.loads(left.item.whole)["message"] == "x" * 9000


def test_a_thousand_logs_a_request() -> None:
    """No more: Datadog refuses a longer array."""
    backend = DatadogBackend()
    outcome = delivered(Direct(backend), channels(signals=["logs"]), [log(f"{i}") for i in range(2500)])
    assert (outcome.delivered, outcome.requests) == (2500, 3)


def test_the_time_of_a_body_is_the_log_s() -> None:
    """To a millisecond; what has none, or is no JSON, has none."""
    item = datadog_logs.item(samples.log("a"), Tagging(), MB)
    assert datadog_logs.time_s(item.body) == samples.T0 / 1e9
    for body in (b"", b"{}", b'{"timestamp":"x"}', b"[" * 5000):
        assert datadog_logs.time_s(body) is None
    assert isinstance(item, Item)
