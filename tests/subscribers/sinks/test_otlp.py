"""OTLP: what signals are on the wire, and what answers mean."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscribers.http import HttpEdge
from subscribers.signals import Link, Log, Origin, Signal, Span
from subscribers.sinks.channel import Basic, HttpRequest, Item, Response, Secret, SigV4, Verdict
from subscribers.sinks.otlp import OtlpChannel, channel, limits, make_otlp, trace_channel
from subscribers.sinks.otlp_protobuf import OtlpSignal
from tests.backends.otlp import Otlp
from tests.backends.server import Received
from tests.subscribers.samples import T0, log, metric, span
from tests.subscribers.test_tables import logs, spans

SIGNALS: tuple[Signal, ...] = (
    log("a", level="ERROR", trace_id="a" * 32, span_id="b" * 16, keys=("claim=1",), attributes={"n": 1}),
    span(
        "s",
        kind="client",
        status="error",
        status_message="no",
        links=(Link("c" * 32, "d" * 16, {"observe.link": "xray"}),),
        events=({"name": "exception", "time_unix_nano": T0, "attributes": {"exception.type": "E"}},),
        attributes={"ok": True, "ms": 1.5, "n": 3, "list": ["a", 1], "tree": {"x": None}},
    ),
    metric("m", 2.0, unit="1", tags={"tier": "1"}, request_id="r"),
)
SECRET = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:otlp"


@pytest.fixture
def backend() -> Iterator[Otlp]:
    """A backend that takes whatever is right."""
    with Otlp() as found:
        yield found


def of(backend: Otlp, **settings: Any) -> tuple[OtlpChannel, ...]:
    return make_otlp("otlp", {"type": "otlp", "url": backend.url, **settings})


def delivered(made: OtlpChannel, signals: Sequence[Signal]) -> Response:
    return HttpEdge().send(made.request(list(made.items(signals))))


@pytest.mark.parametrize("encoding", ["protobuf", "json"])
@pytest.mark.parametrize("compression", ["gzip", "none"])
def test_every_signal_is_taken(backend: Otlp, encoding: str, compression: str) -> None:
    """A strict backend takes each signal once, in both encodings, and the verdict is that all were taken."""
    for made in of(backend, encoding=encoding, compression=compression):
        items = list(made.items(SIGNALS))
        assert made.verdict(items, delivered(made, SIGNALS)) == Verdict()
    assert backend.accepted == Counter({"log-a": 1, "span-s": 1, "metric-m": 1})
    assert backend.answers == Counter({"200": 3})


def test_both_encodings_say_the_same() -> None:
    """A law by example: the message read from JSON is the message read from protobuf."""
    with Otlp() as one, Otlp() as other:
        for made in (*of(one, encoding="protobuf"), *of(other, encoding="json")):
            delivered(made, SIGNALS)
        assert one.messages == other.messages
        assert all(one.messages.values())


@given(st.lists(logs() | spans(), max_size=5))
def test_any_signal_can_be_sent(signals: list[Signal]) -> None:
    """A law: whatever text, time or ID a signal has, an official reader takes both encodings, as the same."""
    backend = Otlp()
    kinds: tuple[tuple[OtlpSignal, type], ...] = (("logs", Log), ("traces", Span))
    for name, kind in kinds:
        made = [channel(name, f"http://h/v1/{name}", encoding=way) for way in ("protobuf", "json")]
        items = list(made[0].items(signals))
        assert [item.event_id for item in items] == [s.event_id for s in signals if isinstance(s, kind)]
        if items:
            replies = [backend.answer(received(one.request(items))) for one in made]
            # Times before 1970 are none in OTLP, and a reader may say so; it could read all of it.
            assert {reply.status for reply in replies} <= {200, 400}
            assert b"cannot be read" not in b"".join(bytes(reply.body) for reply in replies)
    for messages in backend.messages.values():
        assert messages[::2] == messages[1::2]


def received(request: HttpRequest) -> Received:
    headers = {name.lower(): str(value) for name, value in request.headers.items()}
    return Received(request.method, "/" + request.url.split("/", 3)[3], {}, headers, request.body)


def test_what_a_span_is(backend: Otlp) -> None:
    """Kinds, status, typed attributes, links and events are the protocol's."""
    delivered(of(backend, signals=["spans"])[0], SIGNALS)
    (group,) = backend.messages["traces"][0].resource_spans
    told = {pair.key: pair.value.string_value for pair in group.resource.attributes}
    assert (told["service.name"], told["cloud.account.id"]) == ("claims", "123456789012")
    assert "faas.name" not in told
    (found,) = group.scope_spans[0].spans
    assert (found.kind, found.status.code, found.status.message) == (3, 2, "no")
    values = {pair.key: pair.value for pair in found.attributes}
    assert values["ok"].bool_value is True
    assert (values["ms"].double_value, values["n"].int_value) == (1.5, 3)
    assert [item.string_value for item in values["list"].array_value.values] == ["a", ""]
    assert values["tree"].kvlist_value.values[0].value.WhichOneof("value") is None
    assert found.links[0].trace_id.hex() == "c" * 32
    assert found.events[0].name == "exception"
    assert found.end_time_unix_nano - found.start_time_unix_nano == 1_000_000


def test_what_a_log_is(backend: Otlp) -> None:
    """Severity, body, trace and the ID by which a second one is the same."""
    delivered(of(backend, signals=["logs"])[0], SIGNALS)
    (record,) = backend.messages["logs"][0].resource_logs[0].scope_logs[0].log_records
    assert (record.severity_number, record.severity_text) == (17, "ERROR")
    assert (record.body.string_value, record.trace_id.hex()) == ("line a", "a" * 32)
    values = {pair.key: pair.value for pair in record.attributes}
    assert values["log.record.uid"].string_value == "log-a"
    assert values["observe.keys"].array_value.values[0].string_value == "claim=1"


def test_a_function_is_a_resource(backend: Otlp) -> None:
    """Lines of /aws/lambda/NAME are of the function, and of the environment that the stream is."""
    origin = Origin("1" * 12, "eu-west-1", "/aws/lambda/pay", "2026/11/21/[$LATEST]ab", "pay", "serverless")
    delivered(of(backend, signals=["logs"])[0], [log("a", origin=origin), log("b")])
    groups = backend.messages["logs"][0].resource_logs
    told = {pair.key: pair.value.string_value for pair in groups[0].resource.attributes}
    assert (told["faas.name"], told["faas.instance"]) == ("pay", "2026/11/21/[$LATEST]ab")
    assert told["cloud.platform"] == "aws_lambda"
    assert len(groups) == 2


def test_items_are_merged_by_resource() -> None:
    """Items of the same resource share it, in order; a dead letter's item, too, which has its group."""
    made = trace_channel("http://h/v1/traces", encoding="json", compression="none")
    signals = [span("a"), span("b", service="other"), span("c")]
    tree = json.loads(made.request(list(made.items(signals))).body)
    names = [[one["name"] for one in group["scopeSpans"][0]["spans"]] for group in tree["resourceSpans"]]
    assert names == [["a", "c"], ["b"]]
    bare = made.request([Item("x", b'{"name":"x"}')])
    assert json.loads(bare.body)["resourceSpans"][0]["resource"] == {}


def test_the_requests_head() -> None:
    """Types, compression, secrets and signatures are where the edge looks for them."""
    settings = {
        "url": "https://h/base/",
        "headers": {"x-tenant": "t", "api-key": SECRET},
        "basic": {"username": "u", "password": SECRET},
    }
    made = make_otlp("o", settings)
    assert [(one.name, one.url) for one in made] == [
        ("traces", "https://h/base/v1/traces"),
        ("logs", "https://h/base/v1/logs"),
        ("metrics", "https://h/base/v1/metrics"),
    ]
    request = made[1].request(list(made[1].items([log("a")])))
    assert request.headers == {
        "x-tenant": "t",
        "api-key": Secret(SECRET),
        "Content-Type": "application/x-protobuf",
        "Content-Encoding": "gzip",
    }
    assert request.auth == Basic("u", SECRET)
    assert gzip.decompress(request.body)
    (signed,) = make_otlp(
        "o", {"url": "https://h", "signals": ["logs"], "sigv4": {"region": "eu-west-1", "service": "logs"}}
    )
    assert signed.auth == SigV4("eu-west-1", "logs")


def test_limits_of_settings() -> None:
    """Ours hold where nothing is said; a destination's own are never passed."""
    own = trace_channel("http://h").limits
    assert (limits({}), limits({"max_bytes": 5000, "max_items": 3}).items) == (own, 3)
    assert limits({"max_bytes": 10**9, "max_items": 10**6}, own) == own
    assert limits({"max_bytes": 5000}, own).item_bytes == 5000
