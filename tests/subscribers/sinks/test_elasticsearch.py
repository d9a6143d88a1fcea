"""The `_bulk` channel against strict backends, and its verdicts on anything that may come back."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscribers.http import HttpEdge
from subscribers.ledger import Ledger
from subscribers.signals import Signal
from subscribers.sinks import index_verdicts
from subscribers.sinks.bulk_lines import BulkLines
from subscribers.sinks.channel import Channel, HttpRequest, Item, Response, Secret, SigV4, Verdict
from subscribers.sinks.elasticsearch import BYTES, make_elasticsearch, make_opensearch
from subscribers.tables import ledger_row
from tests.backends.elastic import Elastic
from tests.backends.elastic_index import Dialect
from tests.subscribers.samples import log, metric, span

DIALECTS: list[Dialect] = ["elasticsearch", "opensearch"]


def channel(url: str = "http://e", **settings: Any) -> Channel:
    """The one channel of a sink with these settings."""
    (found,) = make_elasticsearch("elk", {"type": "elasticsearch", "url": url, **settings})
    return found


def sent(backend: Elastic, given: list[Signal], /, **settings: Any) -> tuple[list[Item], Verdict]:
    """The items of signals, and what became of them."""
    one = channel(backend.url, **settings)
    items = list(one.items(given))
    request = one.request(items)
    assert isinstance(request, HttpRequest)
    return items, one.verdict(items, HttpEdge().send(request))


SIGNALS: list[Signal] = [log("a"), span("b"), metric("c"), log("d", attributes={"claim": {"n": 1}})]


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("settings", [{}, {"data_stream": True}, {"compression": "none"}])
def test_each_signal_is_there_once(dialect: Dialect, settings: dict[str, Any]) -> None:
    """Sent again, and twice in one batch, each event is one document."""
    with Elastic(dialect) as backend:
        for _ in range(2):
            assert sent(backend, [*SIGNALS, log("a")], **settings)[1] == Verdict()
        assert backend.accepted == dict.fromkeys(["log-a", "span-b", "metric-c", "log-d"], 1)


@pytest.mark.parametrize(
    ("settings", "indices"),
    [
        ({}, ["observe-text-2023-11-14", "observe-traces-2023-11-14", "observe-metrics-2023-11-14"]),
        ({"index": "my-logs"}, [f"my-logs-{kind}-2023-11-14" for kind in ("text", "traces", "metrics")]),
        (
            {"data_stream": True, "index": "my-logs", "namespace": "prod"},
            ["logs-my_logs.text-prod", "traces-my_logs-prod", "metrics-my_logs-prod"],
        ),
        ({"signals": ["metrics", "ledger"]}, ["observe-metrics-2023-11-14"]),
    ],
)
def test_what_is_written_where(settings: dict[str, Any], indices: list[str]) -> None:
    """Dated indices by dataset and the event's day, or data streams; only kinds that are wanted."""
    with Elastic() as backend:
        sent(backend, SIGNALS, **settings)
        assert list(backend.indices) == indices


def test_no_signals_no_channel() -> None:
    """A sink that takes none of the kinds has nothing to send."""
    assert make_elasticsearch("elk", {"url": "http://e", "signals": []}) == ()


ROW = ledger_row(Ledger(sink="elk", received=3, delivered=2, dropped={"excluded": 1}), "p", 10**18)


def test_the_ledger() -> None:
    """A row is a document, only where the settings name the ledger; a repeat is a conflict."""
    assert list(one_with_ledger().ledger_items([ROW])) == []
    with Elastic() as backend:
        one = one_with_ledger(backend.url, signals=["ledger"])
        items = list(one.ledger_items([ROW]))
        assert list(one.items(SIGNALS)) == []
        for _ in range(2):
            request = one.request(items)
            assert isinstance(request, HttpRequest)
            assert one.verdict(items, HttpEdge().send(request)) == Verdict()
        assert list(backend.indices) == ["observe-ledger-2001-09-09"]
        (document,) = backend.documents().values()
        assert document["ledger.received"] == 3
        assert document["ledger.reasons"] == {"excluded": 1}


def one_with_ledger(url: str = "http://e", **settings: Any) -> Any:
    """The channel, of which more is asked than a Channel has."""
    return channel(url, **settings)


def test_a_request() -> None:
    """Path and query are kept, the body is gzip, the key is a reference."""
    key = "ssm:/elk/key"
    one = channel("https://e:9200/es/", api_key=key, pipeline="a b&c")
    items = list(one.items([log("a")]))
    request = one.request(items)
    assert isinstance(request, HttpRequest)
    path = "https://e:9200/es/_bulk?filter_path=errors%2Citems.%2A._id%2Citems.%2A.status%2Citems.%2A.error"
    assert request.url == path + "&pipeline=a%20b%26c"
    assert request.headers["Authorization"] == Secret(key, "ApiKey ")
    assert gzip.decompress(request.body) == items[0].body + b"\n"


@pytest.mark.parametrize(("service", "signed"), [({}, "es"), ({"service": "aoss"}, "aoss")])
def test_a_signed_request(service: dict[str, str], signed: str) -> None:
    """`sigv4` is for domains, and for collections where it says so."""
    settings = {"url": "https://d", "sigv4": {"region": "eu-west-1", **service}}
    (one,) = make_opensearch("os", settings)
    request = one.request(list(one.items([log("a")])))
    assert isinstance(request, HttpRequest)
    assert request.auth == SigV4("eu-west-1", signed)


def test_limits_of_the_settings() -> None:
    """The settings' limits hold up to the destination's."""
    assert channel(max_bytes=4096, max_items=7).limits.items == 7
    assert channel(max_bytes=4096).limits.bytes == 4096
    assert channel().limits.bytes == BYTES
    assert channel(max_bytes=10**12).limits.bytes == 100 * 1024 * 1024


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_batch_of_many_fates(dialect: Dialect) -> None:
    """Each item has its own: conflicts of mappings are rejected, blocks and full clusters are not."""
    with Elastic(dialect, indices_max=2) as backend:
        sent(backend, [log("there", attributes={"http.a": 1})])
        backend.blocks["observe-x-2023-11-14"] = (403, "FORBIDDEN/8/index write (api)")
        backend.closed.add("observe-y-2023-11-14")
        signals: list[Signal] = [
            log("there"),
            log("object", attributes={"http.a.b": 1}),
            log("value", attributes={"http.a": "x"}),
            log("new"),
            log("blocked", dataset="x"),
            log("closed", dataset="y"),
            span("second"),
            metric("third"),
        ]
        _, verdict = sent(backend, signals)
        reasons = {i: one.reason for i, one in (verdict.retry | verdict.rejected).items()}
        assert reasons == {
            1: "mapping_conflict",
            2: "mapping_conflict",
            4: "index_blocked",
            5: "index_closed",
            7: "too_many_shards",
        }
        assert sorted(verdict.retry) == [4, 7]
        assert verdict.rejected[2].status == 400
        assert "number_format_exception" in verdict.rejected[2].detail


def test_too_many_fields() -> None:
    """The limit of a mapping is a reason of its own."""
    with Elastic() as backend:
        _, verdict = sent(backend, [log("a", attributes={f"http.n{i}": 1 for i in range(1001)})])
        assert verdict.rejected[0].reason == "too_many_fields"


def test_a_missing_pipeline() -> None:
    """It refuses every item, by name; what a pipeline renames is delivered all the same."""
    with Elastic() as backend:
        assert sent(backend, SIGNALS, pipeline="p")[1].rejected[3].reason == "no_pipeline"
        backend.pipelines.add("p")
        assert sent(backend, SIGNALS, pipeline="p")[1] == Verdict()
    answer = {"items": [{"create": {"_id": "renamed", "status": 201}}]}
    assert channel(pipeline="p").verdict([Item("e", b"")], of(answer)) == Verdict()


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_body_that_is_too_large_is_halved(dialect: Dialect) -> None:
    """413, whatever compression makes of it."""
    with Elastic(dialect, content_max_bytes=1000) as backend:
        _, verdict = sent(backend, [log(str(i)) for i in range(10)])
        assert verdict.is_too_large


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_wrong_key_is_asked_for_anew(dialect: Dialect) -> None:
    """401 delivers nothing, and is not for ever."""
    with Elastic(dialect, api_key="right") as backend:
        items, verdict = sent(backend, SIGNALS)
        assert verdict.is_unauthorized
        assert sorted(verdict.retry) == list(range(len(items)))
        assert not backend.accepted


def of(tree: Any, status: int = 200, **headers: str) -> Response:
    """A response whose body is JSON."""
    return Response(status=status, body=json.dumps(tree).encode(), headers=headers)


def told(status: int, type: str = "", reason: str = "", **more: Any) -> Response:
    """An answer to one item."""
    error = {"error": {"type": type, "reason": reason, **more}} if type else {}
    return of({"errors": True, "items": [{"create": {"_id": "e", "status": status, **error}}]})


BAD = "illegal_argument_exception"
NESTED = {"caused_by": {"type": BAD, "reason": "Limit of total fields [5] has"}}
PREVIEW = "failed to parse field [a]. Preview of field's value: 'this action would add ['"


@pytest.mark.parametrize(
    ("response", "reason", "is_retried"),
    [
        (told(429, "es_rejected_execution_exception", "queue"), "throttled", True),
        (told(429, "rejected_execution_exception", "queue"), "throttled", True),
        (told(429, "circuit_breaking_exception", "too large"), "throttled", True),
        (told(429, "cluster_block_exception", "disk usage exceeded flood-stage"), "index_blocked", True),
        (told(503, "unavailable_shards_exception", "primary shard is not active"), "unavailable", True),
        (told(500, "translog_exception", "x"), "server_error", True),
        (told(403, "security_exception", "action is unauthorized"), "forbidden", True),
        (told(400, BAD, "this action would add [2] total shards"), "too_many_shards", True),
        (told(404, "index_not_found_exception", "no such index [x]"), "no_index", True),
        (told(404, "index_not_found_exception", "[action.auto_create_index] is [false]"), "no_index", False),
        (told(400, "document_parsing_exception", "x", **NESTED), "too_many_fields", False),
        (told(400, "document_parsing_exception", PREVIEW), "mapping_conflict", False),
        (told(400, "strict_dynamic_mapping_exception", "x"), "mapping_conflict", False),
        (told(400, BAD, "mapper [a] cannot be changed from type"), "mapping_conflict", False),
        (told(400, BAD, "Document ID is not supported in create"), "id_refused", False),
        (told(500, "fail_processor_exception", "no"), "pipeline_failed", False),
        (told(413, "x", "y"), "too_large", False),
        (told(400, "x", "y"), "bad_request", False),
    ],
)  # fmt: skip
def test_transient_is_told_from_permanent(response: Response, reason: str, is_retried: bool) -> None:
    """By what the error says first, by its status where that says nothing."""
    verdict = channel().verdict([Item("e", b"")], response)
    assert (verdict.retry or verdict.rejected)[0].reason == reason
    assert bool(verdict.retry) == is_retried
    assert not verdict.is_too_large


ONE = {"create": {"_id": "e", "status": 201}}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"ok",
        b"<html>log in</html>",
        b"[]",
        b'{"errors":false}',
        b'{"errors":false,"items":[]}',
        json.dumps({"items": [ONE, ONE, ONE]}).encode(),
        json.dumps({"items": [ONE]}).encode(),
        json.dumps({"items": [ONE, ONE]}).encode()[:-3],
        json.dumps({"items": [{"create": {"status": 201}}, {"index": {"status": 201}}]}).encode(),
        json.dumps({"items": [ONE, {"create": {"_id": "f"}}]}).encode(),
        json.dumps({"items": [{"create": {"_id": "f", "status": 201}}, ONE]}).encode(),
        b'{"items":' + b"[" * 5000,
    ],
)
def test_what_cannot_be_mapped_is_not_delivered(body: bytes) -> None:
    """A success of too many, too few or other items: sent again, for a repeat is harmless."""
    verdict = channel().verdict([Item("e", b""), Item("f", b"")], Response(status=200, body=body))
    assert verdict.retry
    assert {one.reason for one in verdict.retry.values()} == {"bad_response"}
    assert not verdict.rejected


@pytest.mark.parametrize(
    ("response", "reason", "is_retried"),
    [
        (of({"error": {"type": "cluster_block_exception", "reason": "blocked"}}, 403), "index_blocked", True),
        (of({"error": {"type": "circuit_breaking_exception", "reason": "x"}}, 429), "throttled", True),
        (of({"message": "The security token is expired"}, 403), "forbidden", True),
        (of({"error": "no handler found"}, 400), "bad_request", False),
        (Response(status=503, body=b"<html>"), "unavailable", True),
        (Response(fault="reset"), "reset", True),
        (Response(fault="unresolved"), "unresolved", True),
    ],
)
def test_a_request_that_failed_as_a_whole(response: Response, reason: str, is_retried: bool) -> None:
    """Every item has the same fate, and what was said is kept."""
    verdict = channel().verdict([Item("e", b""), Item("f", b"")], response)
    named = verdict.retry if is_retried else verdict.rejected
    assert {i: one.reason for i, one in named.items()} == {0: reason, 1: reason}


def test_one_index_that_is_forbidden_stops_no_other() -> None:
    """Only where all is forbidden the key is asked for anew; only where all fails the cluster is down."""
    forbidden = {"create": {"_id": "f", "status": 403, "error": {"type": "security_exception", "reason": ""}}}
    items = [Item("e", b""), Item("f", b"")]
    assert not channel().verdict(items, of({"items": [ONE, forbidden]})).is_unauthorized
    assert channel().verdict(items[1:], of({"items": [forbidden]})).is_unauthorized
    assert channel().verdict(items[:1], told(503, "x", "y")).is_down
    assert not channel().verdict(items[:1], told(429, "x", "y")).is_down


def test_retry_after() -> None:
    """Of the answer, where some are to be sent again."""
    answer = {"items": [{"create": {"_id": "e", "status": 429}}]}
    assert channel().verdict([Item("e", b"")], of(answer, **{"retry-after": "7"})).after_s == 7.0


statuses = st.one_of(st.sampled_from([200, 201, 400, 403, 404, 409, 429, 500, 503]), st.integers())
errors = st.one_of(
    st.none(),
    st.text(max_size=5),
    st.dictionaries(st.sampled_from(["type", "reason", "caused_by"]), st.text()),
)
results = st.fixed_dictionaries(
    {}, optional={"_id": st.sampled_from(["0", "1", "2", "x"]), "status": statuses, "error": errors}
)
answers = st.fixed_dictionaries(
    {},
    optional={"items": st.lists(st.dictionaries(st.sampled_from(["create", "index"]), results), max_size=4)},
)
bodies = st.one_of(st.binary(), answers.map(lambda tree: json.dumps(tree).encode()))


@given(bodies, st.integers(1, 3), st.one_of(st.just(200), statuses), st.booleans())
def test_only_what_is_there_is_delivered(body: bytes, count: int, status: int, is_lane: bool) -> None:
    """A law: a verdict never raises, names positions of the batch, and leaves out only what is 2xx or 409."""
    items: Any = [Item(str(i), b'{"create":{"_index":"a","_id":"%d"}}\n{}' % i) for i in range(count)]
    if is_lane:
        items = BulkLines(b"".join(item.body + b"\n" for item in items), count)
    verdict = index_verdicts.verdict(items, Response(status=status, body=body))
    named = set(verdict.retry) | set(verdict.rejected)
    assert not set(verdict.retry) & set(verdict.rejected)
    assert named <= set(range(count))
    unnamed = set(range(count)) - named
    if unnamed:
        told = json.loads(body)["items"]
        assert 200 <= status < 300
        assert len(told) == count
        for position in unnamed:
            answer = told[position]["create"]["status"]
            assert 200 <= answer < 300 or answer == 409


@given(st.binary(), st.integers(200, 599))
def test_what_is_said_is_text(body: bytes, status: int) -> None:
    """A law: details of any body are short text."""
    verdict = index_verdicts.verdict([Item("e", b"")], Response(status=status, body=body))
    for refusal in (verdict.retry | verdict.rejected).values():
        assert len(refusal.detail) <= 1024
    assert len(index_verdicts.said(body)) <= 1024


def test_every_reason_is_documented() -> None:
    """The page has each of the table's."""
    page = (Path(__file__).parents[3] / "docs" / "sink-elasticsearch.md").read_text(encoding="utf-8")
    assert [cause.reason for cause in index_verdicts.CAUSES if f"`{cause.reason}`" not in page] == []
