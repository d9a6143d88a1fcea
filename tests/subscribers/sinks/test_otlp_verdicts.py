"""OTLP: what answers mean, by the protocol."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscribers.http import HttpEdge
from subscribers.sinks.channel import Item, Refusal, Response, Verdict
from subscribers.sinks.otlp import OtlpChannel, channel, make_otlp
from subscribers.sinks.otlp_protobuf import OtlpSignal
from tests.backends.otlp import JSON, PROTOBUF, Otlp
from tests.subscribers.samples import log, metric, span

TRACES, LOGS, METRICS = (channel(name, "http://h") for name in ("traces", "logs", "metrics"))
ITEMS = [Item("a", b"{}"), Item("b", b"{}")]


def response(status: int, body: bytes = b"", kind: str = PROTOBUF, **headers: str) -> Response:
    return Response(status=status, body=body, headers={"content-type": kind, **headers})


def reasons(verdict: Verdict) -> tuple[set[str], set[str]]:
    """(to be retried, rejected)"""
    return {r.reason for r in verdict.retry.values()}, {r.reason for r in verdict.rejected.values()}


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_what_the_protocol_says_is_retried(status: int) -> None:
    """Exactly these, at the time of Retry-After."""
    verdict = TRACES.verdict(ITEMS, response(status, **{"retry-after": "7"}))
    assert (set(verdict.retry), verdict.rejected, verdict.after_s) == ({0, 1}, {}, 7.0)


@pytest.mark.parametrize("status", [400, 404, 405, 408, 415, 422, 425, 500, 501, 505, 507, 599, 301])
def test_no_other_is(status: int) -> None:
    """Every other status is permanent, those that elsewhere are not among them."""
    verdict = LOGS.verdict(ITEMS, response(status))
    assert (verdict.retry, set(verdict.rejected), verdict.is_too_large) == ({}, {0, 1}, False)
    assert verdict.is_down == (status >= 500 and status not in (501, 505))


def test_what_the_protocol_leaves_open() -> None:
    """A key that is refused is asked for anew; half of what is too large may fit."""
    assert TRACES.verdict(ITEMS, response(401)).is_unauthorized
    assert TRACES.verdict(ITEMS, response(403)).is_unauthorized
    assert TRACES.verdict(ITEMS, response(413)).is_too_large


def test_unknown_outcomes() -> None:
    """What has an ID is sent again; a data point is not, for it would count twice."""
    lost = Response(fault="reset")
    assert reasons(TRACES.verdict(ITEMS, lost)) == ({"reset"}, set())
    assert reasons(LOGS.verdict(ITEMS, lost)) == ({"reset"}, set())
    assert reasons(METRICS.verdict(ITEMS, lost)) == (set(), {"outcome_unknown"})
    assert reasons(METRICS.verdict(ITEMS, response(504))) == (set(), {"outcome_unknown"})
    assert reasons(METRICS.verdict(ITEMS, response(500))) == (set(), {"outcome_unknown"})
    assert reasons(METRICS.verdict(ITEMS, response(503))) == ({"unavailable"}, set())
    assert reasons(METRICS.verdict(ITEMS, Response(fault="refused"))) == ({"refused"}, set())


@pytest.mark.parametrize("encoding", ["protobuf", "json"])
@pytest.mark.parametrize("signal", ["traces", "logs", "metrics"])
def test_a_partial_success(encoding: str, signal: OtlpSignal) -> None:
    """It does not say which: all of a batch is kept; where all were rejected, as that."""
    signals = [log("a"), log("b"), span("a"), span("b"), metric("a"), metric("b")]
    with Otlp(refuses=lambda event_id: event_id.endswith("-b")) as backend:
        made = channel(signal, f"{backend.url}/v1/{signal}", encoding=encoding)
        items = list(made.items(signals))
        verdict = made.verdict(items, HttpEdge().send(made.request(items)))
        assert verdict.retry == {}
        refusal = Refusal("partially_accepted", 200, "1 of 2 rejected: some are not to our taste")
        assert verdict.rejected == {0: refusal, 1: refusal}
        verdict = made.verdict(items[1:], HttpEdge().send(made.request(items[1:])))
        assert reasons(verdict) == (set(), {"rejected"})
    assert set(backend.accepted.values()) == {1}


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", PROTOBUF),
        (b"", ""),
        (b"", "text/plain"),
        (b"{}", JSON),
        (b'{"partialSuccess":{}}', JSON + "; charset=utf-8"),
        (b'{"partialSuccess":{"rejectedSpans":"0","errorMessage":"be careful"}}', JSON),
        (b"\x0a\x00", PROTOBUF),
        (b'{"partialSuccess":null,"more":[1]}', JSON),
    ],
)
def test_a_success(body: bytes, kind: str) -> None:
    """An empty message, a warning and what nobody knows yet are successes."""
    assert TRACES.verdict(ITEMS, response(200, body, kind)) == Verdict()


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"<html>log in</html>", "text/html"),
        (b"<html>", PROTOBUF),
        (b"{", JSON),
        (b"[]", JSON),
        (b'{"partialSuccess":{"rejectedSpans":"many"}}', JSON),
        (b"ok", ""),
        (b"[" * 100_000, JSON),
    ],
)
def test_a_success_that_is_none(body: bytes, kind: str) -> None:
    """A proxy's page is no delivery: again where that is harmless, else nobody knows."""
    assert reasons(TRACES.verdict(ITEMS, response(200, body, kind))) == ({"bad_response"}, set())
    assert reasons(METRICS.verdict(ITEMS, response(200, body, kind))) == (set(), {"outcome_unknown"})


@given(
    st.integers(100, 599),
    st.binary(max_size=60) | st.just(b"{}") | st.just(b'{"message":"no"}'),
    st.sampled_from([PROTOBUF, JSON, "text/html", ""]),
    st.sampled_from([TRACES, LOGS, METRICS]),
)
def test_any_answer_has_a_verdict(status: int, body: bytes, kind: str, made: OtlpChannel) -> None:
    """A law: nothing raises, positions are the batch's, and only a success of 2xx delivers anything."""
    verdict = made.verdict(ITEMS, response(status, body, kind))
    named = verdict.retry.keys() | verdict.rejected.keys()
    assert not verdict.retry.keys() & verdict.rejected.keys()
    assert named in ({0, 1}, set())
    assert named or 200 <= status < 300


@pytest.mark.parametrize("encoding", ["protobuf", "json"])
def test_what_a_refusal_says(encoding: str) -> None:
    """The message of its google.rpc.Status, in either encoding, is kept."""
    with Otlp(headers={"api-key": "k"}) as backend:
        (made,) = make_otlp("o", {"url": backend.url, "encoding": encoding, "signals": ["logs"]})
        items = list(made.items([log("a")]))
        verdict = made.verdict(items, HttpEdge().send(made.request(items)))
        assert verdict.retry == {0: Refusal("unauthorized", 401, "who are you?")}
        assert backend.accepted == Counter()
    plain = made.verdict(items, response(400, b"\xffno such tenant", "text/plain"))
    assert plain.rejected == {0: Refusal("bad_request", 400, "\ufffdno such tenant")}


def test_a_request_that_is_too_large() -> None:
    """The backend's limit is answered 413, which halves."""
    with Otlp(body_max_bytes=2000) as backend:
        (made,) = make_otlp("o", {"url": backend.url, "signals": ["spans"]})
        items = list(made.items([span(str(i)) for i in range(20)]))
        assert made.verdict(items, HttpEdge().send(made.request(items))).is_too_large
        assert made.verdict(items[:2], HttpEdge().send(made.request(items[:2]))) == Verdict()
