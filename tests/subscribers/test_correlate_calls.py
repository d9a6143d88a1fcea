# ruff: noqa: E501 - tables of cases, one a line
"""Which call made which request: the one that is left when all else is ruled out, and else none."""

from __future__ import annotations

from time import process_time
from typing import Any

import pytest

from subscribers.correlate_forest import ROOT
from subscribers.correlate_inferred import infer
from subscribers.correlate_intervals import MOST
from tests.subscribers.samples import span, span_id
from tests.subscribers.test_correlate_inferred import (
    URL,
    answered,
    call,
    called,
    front,
    http,
    placed,
    request,
)


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        (called(), called("https://legacy.example/claims/8")),
        (called(), called("https://other.example/claims/7")),
        (called("https://other.example/claims/7"), called("https://legacy.example/claims/8")),
        (called("https://legacy.example/v1/claims/7"), called("https://other.example/v1/claims/7")),
        (called("https://other.example/v2/claims/7"), {}),
        (called(), {"url.full": URL}),
        (called("https://LEGACY.example/claims/7"), called("https://other.example/claims/7")),
    ],
)
def test_what_agrees_counts_more_than_what_is_smaller(better: dict[str, Any], worse: dict[str, Any]) -> None:
    """Method, path and host; method and path; method and host; the method."""
    told = request(attributes={**http(), "server.address": "legacy.example"})
    spans = [front(), call("right", 2, 90, better), call("wrong", 5, 30, worse), told]
    assert placed(*spans) == {"legacy": "right"}


@pytest.mark.parametrize(
    "other",
    [
        called(method="POST"),
        {"db.system.name": "postgresql"},
        {"aws.s3.bucket": "photos"},
        {"rpc.system": "grpc", "http.request.method": "GET"},
        {"faas.invoked_name": "assess"},
    ],
)
def test_another_call(other: dict[str, Any]) -> None:
    """Another method, a database, a service of AWS: it made no such request."""
    assert placed(front(), call("GET", 5, 30, other), request()) == {}


def test_nobody_tells_a_method() -> None:
    """Then time alone decides."""
    assert placed(front(), call("GET", 5, 30, {}), request(attributes={})) == {"legacy": "GET"}
    assert placed(front(), call("GET", 5, 30, {}), request()) == {"legacy": "GET"}
    assert placed(front(), call("GET", 5, 30), request(attributes={"url.path": 7})) == {"legacy": "GET"}


def test_the_smallest() -> None:
    """A call within a call, as of two tracers."""
    inner = call("inner", 6, 29, parent_span_id=span_id("outer"))
    assert placed(front(), call("outer", 5, 30), inner, request()) == {"legacy": "inner"}


def test_two_that_are_equally_good() -> None:
    """Two calls at a time: nobody knows which, not by what is shorter nor by what agrees less."""
    spans = [front(), call("one", 5, 30), call("two", 6, 31), request()]
    assert placed(*spans) == {}
    assert placed(front(), call("one", 5, 30), call("two", 6, 29), request()) == {}
    assert placed(*spans, call("three", 1, 99, called("https://legacy.example/x"))) == {}


def test_calls_that_cannot_both_have_been_going_on() -> None:
    """A second is too coarse to tell which of two, though one is shorter."""
    coarse = request(start=1000, end=1012.345)
    assert placed(front(9000), call("one", 1100.1, 1130.1), call("two", 1500.1, 1540.1), coarse) == {}


@pytest.mark.parametrize(("start", "ends"), [(0, (95, 75)), (1000, (95.123, 75.123))])
def test_parallel_calls_in_seconds(start: float, ends: tuple[float, float]) -> None:
    """Neither gets the other's request, and none of the requests becomes the other's child."""
    calls = [call("to-b", 10, 110), call("to-c", 20, 100)]
    rows = [request(name, start, start + took, service=name) for name, took in zip("bc", ends, strict=True)]
    assert placed(front(), *calls, *rows) == {}


def test_what_is_left_when_all_else_is_ruled_out() -> None:
    """A call makes one request: what only one of them can have made leaves the other for the next."""
    calls = [call("long", 10, 510), call("short", 20, 120), call("other", 30, 60)]
    rows = [request("a", 0, 490.123), request("b", 0, 95.123), request("c", 0, 25.123)]
    assert placed(front(), *calls, *rows) == {"a": "long", "b": "short", "c": "other"}
    assert placed(front(), *calls, *rows[1:]) == {}
    told = request("a", 0, 490.123, parent_span_id=span_id("long"))
    assert placed(front(), *calls[:2], told, rows[1]) == {"b": "short"}


def test_what_may_lie_in_a_request_is_no_other_calls() -> None:
    """It may have come through a proxy, unless that one tells its calls."""
    calls = [call("long", 10, 510), call("short", 20, 120)]
    long, inner = request("a", 0, 490.123, service="a"), request("b", 0, 95.123, service="b")
    assert placed(front(), *calls, long, inner) == {"a": "long"}
    telling = span("of a", 30, 31, "a", kind="client", parent_span_id=span_id("a"), attributes=called(method="PUT"))  # fmt: skip
    assert placed(front(), *calls, long, inner, telling) == {"a": "long", "b": "short"}


def test_a_request_behind_a_proxy_of_which_nobody_knows_the_call() -> None:
    """The call that is left for it is not its own: the proxy may have been called by it."""
    calls = [call("one", 10, 110), call("two", 20, 100)]
    direct = request("direct", 0, 60.123, service="claims", parent_span_id=span_id("two"))
    proxy, behind = (
        request("proxy", 0, 80.123, service="nginx"),
        request("behind", 0, 70.123, service="claims"),
    )
    assert placed(front(), *calls, direct, behind) == {"behind": "one"}
    other = call("three", 30, 120)
    assert "behind" not in placed(front(), *calls, other, direct, proxy, behind)


def test_behind_a_proxy_of_a_call_that_is_known() -> None:
    """It lies in what that call made, and in no smaller request that another one made."""
    calls = [call("one", 0.5, 83.5), call("two", 21.5, 105)]
    other = request("other", 0, 83, service="a", parent_span_id=span_id("one"))
    proxy = request("proxy", 21.6, 104.9, service="nginx", parent_span_id=span_id("two"))
    assert placed(front(), *calls, other, proxy, request("app", 22, 104.8, service="b")) == {"app": "proxy"}


def test_many_answers_of_many_calls() -> None:
    """What a call made is summed up once: ninety answers take no longer than one."""
    calls = [call(f"call-{n}", 0, 1_000_000 + n, parent_span_id="") for n in range(100)]
    open = [request(f"open-{n}", 3 + n / 1000, 4 + n / 1000) for n in range(1000)]

    def took_s(answers: int) -> float:
        made = [
            request(f"{n}.{m}", 1, 2, attributes=answered(503)) for n in range(100) for m in range(answers)
        ]
        parents = [ROOT] * 100 + [n // answers for n in range(len(made))] + [ROOT] * len(open)
        began = process_time()
        assert infer([*calls, *made, *open], parents, ["one"] * len(parents)) == set()
        return process_time() - began

    assert took_s(90) < 5 * max(took_s(1), took_s(1))


def test_other_calls() -> None:
    """Where path and host are told and neither agrees, or there is a host and no method, it is another one."""
    elsewhere = called("https://api.stripe.example/v1/charges")
    assert placed(front(), call("GET", 5, 30, elsewhere), request()) == {}
    hosted = {**http(), "server.address": "legacy.example"}
    assert placed(front(), call("GET", 5, 30, elsewhere), request(attributes=hosted)) == {}
    assert placed(front(), call("GET", 5, 30, {"server.address": "db.internal"}), request()) == {}
    moved = called("https://gateway.example/api/v2/claims/7")
    assert placed(front(), call("GET", 5, 30, moved), request(attributes=hosted)) == {"legacy": "GET"}


def test_calls_and_requests_in_a_row() -> None:
    """Exact times tell each one's own."""
    spans = [front()]
    for n in range(20):
        spans += [call(f"call-{n:02}", 20 * n + 1, 20 * n + 18), request(f"request-{n:02}", 20 * n + 4.001, 20 * n + 15.001)]  # fmt: skip
    assert placed(*spans) == {f"request-{n:02}": f"call-{n:02}" for n in range(20)}


def test_a_call_makes_one_request() -> None:
    """Of two that fit nobody knows which; one that has its own gets no other."""
    spans = [front(), call("GET", 5, 30)]
    assert placed(*spans, request("a", 6.001, 12.001), request("b", 13.001, 28.001)) == {}
    told = request("a", 6.001, 12.001, parent_span_id=span_id("GET"))
    assert placed(*spans, told, request("b", 13.001, 28.001)) == {}


@pytest.mark.parametrize(("status", "found"), [(302, True), (307, True), (503, True), (429, True), (304, False), (200, False), (404, False), ("302", False)])  # fmt: skip
def test_redirects_and_retries(status: int | str, found: bool) -> None:
    """A client asks again, on another path maybe, and has one span for all of it."""
    first = request("a", 6.001, 12.001, attributes=answered(status))
    again = request("b", 13.001, 28.001, attributes=answered(200))
    moved = request("c", 13.001, 28.001, attributes=http(path="/new/claims/7"))
    both = {"a": "GET", "b": "GET"} if found else {}
    assert placed(front(), call("GET", 5, 30), first, again) == both
    elsewhere = {"a": "GET", "c": "GET"} if found else {"a": "GET"}
    assert placed(front(), call("GET", 5, 30), first, moved) == elsewhere


def test_retries_come_one_after_another() -> None:
    """Together they take no longer than the call."""
    one, two = (request(n, 6.001, 29.001, attributes=answered(503)) for n in "ab")
    assert placed(front(), call("GET", 5, 30), one, two) == {}


def test_who_called_gave_up() -> None:
    """The call failed before its request ended: the beginning is enough, if the path agrees."""
    slow = request(start=10.001, end=700.001)
    late = call("GET", 5, 30, status="error")
    assert placed(front(), late, slow) == {"legacy": "GET"}
    assert placed(front(), call("GET", 5, 30), slow) == {}
    assert placed(front(), late, request(start=40.001, end=700.001)) == {}
    assert placed(front(), late, request(start=10.001, end=700.001, attributes=http(path="/x"))) == {}


@pytest.mark.parametrize(("end", "found"), [(31.001, True), (45.001, True), (51.0, True), (52.001, False)])
def test_a_server_that_goes_on_behind_its_answer(end: float, found: bool) -> None:
    """Its log counts that, its caller does not wait for it: a little is allowed, if the path agrees."""
    assert placed(front(), call("GET", 5, 30), request(end=end)) == ({"legacy": "GET"} if found else {})
    elsewhere = request(end=end, attributes=http("/x"))
    assert placed(front(), call("GET", 5, 30), elsewhere) == ({"legacy": "GET"} if end <= 31 else {})


def test_too_many_to_look_at() -> None:
    """What more than a hundred calls contain is not guessed."""
    calls = [
        call(f"call-{n}", 5 - n / 1000, 30 + n / 1000, parent_span_id=span_id(f"call-{n + 1}"))
        for n in range(MOST + 1)
    ]
    assert placed(front(), *calls[:-1], request()) == {"legacy": "call-0"}
    assert placed(front(), *calls, request()) == {}
