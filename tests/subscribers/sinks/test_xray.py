"""X-Ray: spans as segments, and by its OTLP endpoint."""

from __future__ import annotations

import json
import re
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from console.local.moto_server import MotoServer
from subscribers.aws import Aws
from subscribers.delivery import Policy
from subscribers.http import AwsEdge, Edge, HttpEdge
from subscribers.shipping import Shipper
from subscribers.signals import Link, Origin, Span
from subscribers.sinks import xray_segments
from subscribers.sinks.channel import Item, Limits, Refusal, Response, SigV4, Verdict
from subscribers.sinks.xray import OTLP_LIMITS, XRaySegments, XRayTraces, make_xray
from tests.backends.otlp import XRay
from tests.subscribers.samples import span, span_id
from tests.subscribers.test_tables import spans

ENTRY = span("entry", correlation_id="CLM-1", attributes={"http.route": "/claims/{id}"})
CALL = span(
    "call",
    kind="client",
    parent_span_id=span_id("entry"),
    attributes={
        "server.address": "api.example",
        "http.request.method": "GET",
        "http.response.status_code": 429,
        "url.full": "https://api.example/x",
    },
)
TRACE_ID = "1-aaaaaaaa-" + "a" * 24
NS = 1_000_000_000


def segments(**settings: Any) -> XRaySegments:
    (made,) = make_xray("x", {"api": "segments", **settings}, {})
    assert isinstance(made, XRaySegments)
    return made


def traces(url: str) -> XRayTraces:
    (made,) = make_xray("x", {}, {"AWS_REGION": "eu-west-1"})
    assert isinstance(made, XRayTraces)
    return replace(made, url=f"{url}/v1/traces")


def at(name: str, ago_s: float) -> Span:
    """A span that began so long ago."""
    start = time.time_ns() - int(ago_s * NS)
    return replace(span(name), start_unix_nano=start, end_unix_nano=start + 1000)


def test_segments_are_kept(moto: MotoServer, aws: Aws) -> None:
    """X-Ray's own API takes the documents and gives the trace back."""
    made = segments(region=moto.region)
    items = list(made.items([ENTRY, CALL]))
    assert made.verdict(items, AwsEdge().send(made.request(items))) == Verdict()
    (trace,) = moto.client("xray").batch_get_traces(TraceIds=[TRACE_ID])["Traces"]
    documents = {found["Id"]: json.loads(found["Document"]) for found in trace["Segments"]}
    assert documents == {
        item["id"]: item for item in (xray_segments.document(ENTRY), xray_segments.document(CALL))
    }


def test_what_is_no_segment_is_named(moto: MotoServer, aws: Aws) -> None:
    """The document that X-Ray names is rejected; the others are delivered."""
    made = segments(region=moto.region)
    items = list(made.items([ENTRY, CALL]))
    broken = json.loads(items[1].body)
    del broken["start_time"]
    items[1] = replace(items[1], body=json.dumps(broken).encode())
    verdict = made.verdict(items, AwsEdge().send(made.request(items)))
    assert verdict.retry == {}
    assert {i: refusal.reason for i, refusal in verdict.rejected.items()} == {1: "missing_param"}


def test_a_segment_and_a_subsegment() -> None:
    """What serves is a segment of its service; a call is a subsegment of what it calls."""
    entry, call = xray_segments.document(ENTRY), xray_segments.document(CALL)
    assert (entry["name"], entry["trace_id"]) == ("claims", TRACE_ID)
    assert "type" not in entry
    assert "origin" not in entry
    assert entry["annotations"] == {
        "correlation_id": "CLM-1",
        "http_route": "/claims/{id}",
        "observe_side": "legacy",
        "observe_told_by": "access_log",
    }
    assert entry["end_time"] - entry["start_time"] == pytest.approx(0.001, abs=1e-6)
    assert (call["name"], call["type"], call["namespace"]) == ("api.example", "subsegment", "remote")
    assert call["parent_id"] == entry["id"]
    assert call["http"] == {
        "request": {"method": "GET", "url": "https://api.example/x"},
        "response": {"status": 429},
    }
    assert call["throttle"] is call["error"] is True
    assert "fault" not in call


def test_a_function_is_named_as_one() -> None:
    """A function's segment has its origin; AWS calls are of the namespace `aws`."""
    origin = Origin("1" * 12, "eu-west-1", "/aws/lambda/pay", "s", "pay", "serverless")
    assert xray_segments.document(span("a", origin=origin))["origin"] == "AWS::Lambda::Function"
    call = span(
        "b",
        kind="client",
        parent_span_id="1" * 16,
        attributes={"rpc.system": "aws-api", "rpc.method": "PutItem", "aws.request_id": "R"},
    )
    told = xray_segments.document(call)
    assert (told["namespace"], told["aws"]["operation"], told["aws"]["request_id"]) == ("aws", "PutItem", "R")


@pytest.mark.parametrize(
    ("status", "flags"),
    [
        (200, set()),
        (399, set()),
        (400, {"error"}),
        (429, {"error", "throttle"}),
        (499, {"error"}),
        (500, {"fault"}),
    ],
)
def test_a_status_is_a_flag(status: int, flags: set[str]) -> None:
    """The client's errors, the server's faults, and throttling, which is an error, too."""
    document = xray_segments.document(span("a", attributes={"http.response.status_code": status}))
    assert document.keys() & {"error", "fault", "throttle"} == flags


def test_what_went_wrong_is_the_cause() -> None:
    """Exceptions of events with IDs of their own, else what the status says."""
    told = {"exception.type": "ValueError", "exception.message": "no"}
    event = {"name": "exception", "time_unix_nano": 1, "attributes": told}
    document = xray_segments.document(span("a", status="error", events=(event, event)))
    first, second = document["cause"]["exceptions"]
    assert (first["type"], first["message"]) == ("ValueError", "no")
    assert first["id"] != second["id"]
    assert document["fault"] is True
    failed = xray_segments.document(span("a", status="error", status_message="late"))
    assert failed["cause"]["exceptions"][0]["message"] == "late"
    links = (Link("b" * 32, "c" * 16, {"observe.link": "xray"}),)
    assert xray_segments.document(span("a", links=links))["metadata"]["observe"]["links"]


def test_a_document_that_is_too_large_is_cut() -> None:
    """It comes without its metadata, and says so; the whole is kept beside it."""
    (item,) = segments().items([span("a", attributes={"huge": "é" * 100_000})])
    assert len(item.body) < xray_segments.DOCUMENT_MAX_BYTES < len(item.whole)
    kept = json.loads(item.body)["metadata"]["observe"]
    assert kept == {"event_id": "span-a", "cut_bytes": len(item.whole)}
    assert json.loads(item.whole)["metadata"]["observe"]["attributes"]["huge"]


def test_whatever_is_large_is_cut() -> None:
    """Errors and addresses of characters that take six bytes each: still a document that X-Ray takes."""
    long = "\x01" * 5000
    told = {"exception.type": long, "exception.message": long}
    names = ("url.full", "user_agent.original", "http.request.method", "http.route", "error.type")
    found = span(
        "a",
        status="error",
        correlation_id=long,
        request_id=long,
        attributes={**dict.fromkeys(names, long), "client.address": long},
        events=tuple({"name": "exception", "time_unix_nano": 1, "attributes": told} for _ in range(20)),
        origin=Origin(long, long, long, long, long, "legacy"),
    )
    (item,) = segments().items([found])
    assert len(item.body) <= xray_segments.DOCUMENT_MAX_BYTES < len(item.whole)
    assert "cause" in json.loads(item.whole)


@given(spans())
def test_any_span_is_a_document(found: Span) -> None:
    """A law: the documented shape, whatever the span holds."""
    (item,) = segments().items([found])
    document = json.loads(item.body)
    assert item.event_id == found.event_id
    assert len(item.body) <= xray_segments.DOCUMENT_MAX_BYTES
    assert re.fullmatch(r"[\w\s.:/%&#=+\\\-@]{1,200}", document["name"])
    assert len(document["id"]) == 16
    assert len(document["trace_id"]) == 35
    assert document["end_time"] >= document["start_time"]


ITEMS = [Item(f"e{n}", json.dumps({"id": f"{n:016x}"}).encode()) for n in range(3)]


def put(*unprocessed: dict[str, str], status: int = 200) -> Response:
    return Response(status=status, result={"UnprocessedTraceSegments": list(unprocessed)})


def test_verdicts_by_ids() -> None:
    """Throttled ones come again, the wrong ones do not, and who is not named was delivered."""
    verdict = segments().verdict(
        ITEMS,
        put(
            {"Id": f"{1:016x}", "ErrorCode": "ThrottledException", "Message": "slow"},
            {"Id": f"{2:016x}", "ErrorCode": "InvalidTraceId", "Message": "no"},
        ),
    )
    assert verdict.retry == {1: Refusal("throttled", 0, "ThrottledException: slow")}
    assert verdict.rejected == {2: Refusal("invalid_trace_id", 0, "InvalidTraceId: no")}


def test_an_id_that_is_none_of_ours() -> None:
    """Nobody can say which was meant: the halves are sent, and one alone is rejected."""
    unknown = put({"ErrorCode": "ParseError", "Message": "?"})
    assert segments().verdict(ITEMS, unknown).is_too_large
    alone = segments().verdict(ITEMS[:1], unknown)
    assert (alone.is_too_large, set(alone.rejected)) == (False, {0})


@pytest.mark.parametrize(
    ("response", "reason"),
    [
        (Response(status=400, error_code="ThrottlingException"), "throttled"),
        (Response(status=429, error_code="ThrottledException"), "throttled"),
        (Response(fault="reset"), "reset"),
        (Response(status=500), "server_error"),
        (Response(status=200), "bad_response"),
        (Response(status=200, result={"UnprocessedTraceSegments": "?"}), "bad_response"),
    ],
)
def test_what_is_sent_again(response: Response, reason: str) -> None:
    """A document takes the place of itself, so whatever nobody knows is sent again."""
    verdict = segments().verdict(ITEMS, response)
    assert {refusal.reason for refusal in verdict.retry.values()} == {reason}
    assert len(verdict.retry) == 3


def test_an_expired_token_is_asked_for_anew() -> None:
    """AWS says 400 or 403; the code counts."""
    verdict = segments().verdict(ITEMS, Response(status=400, error_code="ExpiredTokenException"))
    assert verdict.is_unauthorized


def test_the_otlp_endpoint() -> None:
    """Signed for `xray`, at the Region's address, within its limits."""
    (made,) = make_xray("x", {"region": "eu-west-1"}, {})
    assert isinstance(made, XRayTraces)
    assert (made.url, made.auth) == (
        "https://xray.eu-west-1.amazonaws.com/v1/traces",
        SigV4("eu-west-1", "xray"),
    )
    assert (made.limits, made.is_repeatable) == (OTLP_LIMITS, True)
    (china,) = make_xray("x", {}, {"AWS_DEFAULT_REGION": "cn-north-1"})
    assert china.limits == Limits(5_000_000, 10_000, 200_000)
    assert isinstance(china, XRayTraces)
    assert china.url == "https://xray.cn-north-1.amazonaws.com.cn/v1/traces"
    assert make_xray("x", {"signals": ["logs"]}, {}) == ()
    with pytest.raises(ValueError, match="no Region"):
        make_xray("x", {}, {})


def test_spans_of_a_wrong_time_do_not_cost_the_others(aws: Aws) -> None:
    """X-Ray refuses a whole request for one; by the second request the others are taken."""
    with XRay() as backend:
        made = traces(backend.url)
        items = list(made.items([at("new", 5), at("old", 15 * 86_400), at("soon", -3 * 3600)]))
        verdict = made.verdict(items, HttpEdge().send(made.request(items)))
        assert {i: refusal.reason for i, refusal in verdict.rejected.items()} == {1: "too_old", 2: "too_new"}
        assert set(verdict.retry) == {0}
        assert made.verdict(items[:1], HttpEdge().send(made.request(items[:1]))) == Verdict()
        assert backend.accepted == {"span-new": 1}


def test_spans_more_than_a_day_apart_are_parted(aws: Aws) -> None:
    """Their request is halved; a 400 for any other reason is permanent."""
    with XRay() as backend:
        made = traces(backend.url)
        items = list(made.items([at("yesterday", 2 * 86_400), at("today", 1)]))
        assert made.verdict(items, HttpEdge().send(made.request(items))).is_too_large
        for item in items:
            assert made.verdict([item], HttpEdge().send(made.request([item]))) == Verdict()
    other = made.verdict(items[1:], Response(status=400, body=b"Transaction Search is off"))
    assert other.rejected == {0: Refusal("bad_request", 400, "Transaction Search is off")}


@given(st.integers(100, 599), st.text(max_size=20), st.booleans())
def test_any_answer_has_a_verdict(status: int, code: str, is_otlp: bool) -> None:
    """A law: positions of the batch only, nothing raised, nothing but 200 delivers."""
    made = traces("http://h") if is_otlp else segments()
    verdict = made.verdict(ITEMS, Response(status=status, error_code=code, headers={"date": code}))
    named = verdict.retry.keys() | verdict.rejected.keys()
    assert named in ({0, 1, 2}, set())
    assert named or (is_otlp and 200 <= status < 300)


def test_the_engine_delivers_all_that_can_be(aws: Aws) -> None:
    """By real requests: days apart, too old and too new; who can be taken is taken once."""
    ages_s = [1, 10, 86_400 * 2, 86_400 * 9, 86_400 * 20, -86_400]
    with XRay() as backend:
        made = traces(backend.url)
        shipper = Shipper("x", [made], Edge(), Policy(base_s=0.01))
        items = list(made.items(at(str(i), ago_s) for i, ago_s in enumerate(ages_s)))
        outcome = shipper.deliver({"traces": items})
        assert backend.accepted == {f"span-{i}": 1 for i in range(4)}
    assert (outcome.delivered, outcome.retry) == (4, {})
    told = {left.item.event_id: left.refusal.reason for left in outcome.rejected["traces"]}
    assert told == {"span-4": "too_old", "span-5": "too_new"}
