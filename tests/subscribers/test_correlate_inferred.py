# ruff: noqa: E501 - tables of cases, one a line
"""Parents that nobody told: found by time where that is sure enough, and nowhere else."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from observe.ids import derive_trace_id
from observe.semconv import CLOCK_SKEW_MS
from subscribers.correlate import stories
from subscribers.correlate_tree import Node
from subscribers.parse import custom, parse
from subscribers.signals import Span
from tests.subscribers.lambda_stream import NOW, batch, spans
from tests.subscribers.samples import MS, TRACE, log, span, span_id
from tests.subscribers.test_correlate import OTHER, SESSION, caused_by, lost, names, only

URL = "https://legacy.example/claims/7?full=1"


def http(path: str = "/claims/7") -> dict[str, Any]:
    """What an access log tells of a request."""
    return {"http.request.method": "GET", "url.path": path}


def answered(status: int | str) -> dict[str, Any]:
    """What it tells of one with this answer."""
    return {**http(), "http.response.status_code": status}


def called(url: str = URL, method: str = "GET", **more: Any) -> dict[str, Any]:
    """What a client's span tells of a call, as the layer writes it."""
    host = url.partition("://")[2].partition("/")[0]
    return {"http.request.method": method, "url.full": url, "server.address": host, **more}


def call(name: str, start: float, end: float, attributes: dict[str, Any] | None = None, **more: Any) -> Span:
    """A call out of a function."""
    fields = {"kind": "client", "parent_span_id": span_id("front"), "attributes": called()}
    given = {} if attributes is None else {"attributes": attributes}
    return span(name, start, end, "submit", "serverless", **{**fields, **given, **more})


def front(end: float = 1000) -> Span:
    """The function, of which nobody told who called it."""
    return span("front", 0.1, end, "submit", "serverless")


def request(name: str = "legacy", start: float = 10.001, end: float = 20.001, **more: Any) -> Span:
    """A request in an access log that knows microseconds."""
    return span(name, start, end, **{"attributes": http(), **more})


def placed(*spans: Span, asked: str = TRACE) -> dict[str, str]:
    """Name of each span that got a parent by time -> its parent's name."""
    found: dict[str, str] = {}
    for story in stories(asked, spans, []):
        for node in story.spans:
            if node.inferred:
                found[node.span.name] = story.spans[node.parent].span.name
    return found


def node_of(name: str, *spans: Span) -> Node:
    """The node of a span."""
    return next(n for n in only(stories(TRACE, spans, [])).spans if n.span.name == name)


def test_a_request_within_a_call() -> None:
    """It is the call's child, and says that this was inferred."""
    spans = [front(), call("GET", 5, 30), request()]
    assert names(only(stories(TRACE, spans, []))) == ["front", ".GET", "..legacy"]
    node = node_of("legacy", *spans)
    assert (node.inferred, node.parent_missing) == (True, False)
    assert not node_of("GET", *spans).inferred


def test_what_is_told_stays() -> None:
    """A parent that was told, or a receipt, is not replaced, whatever contains the span."""
    spans = [front(), call("GET", 5, 30), request(parent_span_id=span_id("front"))]
    assert placed(*spans) == {}
    assert names(only(stories(TRACE, spans, []))) == ["front", ".GET", ".legacy"]


@pytest.mark.parametrize(
    ("start", "end", "found"),
    [(10.001, 20.001, True), (5.0, 30.0, True), (4.0, 30.0, True), (3.9, 12, False), (28, 31.0, True), (28, 31.5, False), (5.001, 60.001, False), (31.5, 32.5, False)],
)  # fmt: skip
def test_within_the_resolution(start: float, end: float, found: bool) -> None:
    """Of a log of milliseconds: as much as a millisecond before or after, and no more."""
    spans = [
        front(),
        call("GET", 5, 30),
        request(start=start, end=end, attributes=http("/rewritten/claims/7")),
    ]
    assert placed(*spans) == ({"legacy": "GET"} if found else {})


@pytest.mark.parametrize(
    ("start", "found"), [(9_000, True), (10_000, True), (8_000, False), (11_000, True), (12_000, False)]
)
def test_seconds(start: float, found: bool) -> None:
    """Apache's %t is the second in which a request began."""
    spans = [span("front", 0.1, 20_000, "submit", "serverless"), call("GET", 9_950.1, 10_050.1)]
    assert placed(*spans, request(start=start, end=start + 42.123)) == ({"legacy": "GET"} if found else {})


def test_nothing_fits_into_what_is_shorter() -> None:
    """A duration is exact, whatever the time of day is to."""
    long = request(start=1000, end=1500.123)
    assert placed(front(5000), call("GET", 1100.1, 1300.1), long) == {}
    assert placed(front(5000), call("GET", 1100.1, 1599.1), long) == {"legacy": "GET"}


@pytest.mark.parametrize(("skews", "found"), [((0, 0), False), ((300, 0), True), ((0, 300), True), ((150, 150), True), ((100, 100), False), ((True, "500"), False)])  # fmt: skip
def test_clock_skew(skews: tuple[Any, Any], found: bool) -> None:
    """Both services' clocks may be off; what is shown stays as it was told."""
    one = call("GET", 5, 30, {**called(), CLOCK_SKEW_MS: skews[0]})
    other = request(start=290.001, end=300.001, attributes={**http(), CLOCK_SKEW_MS: skews[1]})
    assert placed(front(), one, other) == ({"legacy": "GET"} if found else {})
    assert node_of("legacy", front(), one, other).span == other


def test_proxies() -> None:
    """Of requests within each other the call made the outermost, and the next ones are in it."""
    proxy = request("proxy", 8.001, 28.001, service="nginx")
    app = request("app", 9.001, 27.001, service="claims")
    deep = request("deep", 10.001, 26.001, service="policies", attributes=http(path="/policies"))
    expected = {"proxy": "GET", "app": "proxy", "deep": "app"}
    assert placed(front(), call("GET", 5, 30), proxy, app, deep) == expected
    told = request("proxy", 8.001, 28.001, service="nginx", parent_span_id=span_id("GET"))
    assert placed(front(), call("GET", 5, 30), told, app, deep) == {"app": "proxy", "deep": "app"}


def test_requests_that_may_have_come_one_after_another() -> None:
    """In seconds nobody can tell these from one within the other, unless they are the same request."""
    one = request("one", 1000, 1200.5, service="nginx")
    other = request("other", 1000, 1100.5, service="claims", attributes=http(path="/policies"))
    same = request("same", 1000, 1100.5, service="claims")
    assert placed(one, other) == {}
    assert placed(one, same) == {"same": "one"}


def test_proxies_beside_each_other() -> None:
    """A request within two that are not within each other is in neither."""
    one, two = (request(n, at, at + 50, service=n) for n, at in (("one", 1.001), ("two", 5.001)))
    assert placed(one, two, request()) == {}
    assert placed(one, request("two", 5.001, 45.001, service="two"), request()) == {
        "two": "one",
        "legacy": "two",
    }


def test_what_a_layer_tells_is_no_proxy() -> None:
    """A service that tells its calls itself made none that it does not tell."""
    assert placed(front(), request()) == {}
    telling = span("inside", 40, 50, "nginx", kind="client", parent_span_id=span_id("proxy"))
    assert placed(request("proxy", 8.001, 58.001, service="nginx"), telling, request()) == {}


def test_an_uninstrumented_function() -> None:
    """Called by name, or over HTTP; and what it called itself."""
    function = span("assess", 10, 40, "assess", "serverless", told_by="platform", request_id="r-9")
    by_name = call("invoke assess", 5, 300, {"faas.invoked_name": "assess"})
    inside = request(start=15.001, end=30.001)
    assert placed(front(), by_name, call("POST", 8, 50), function) == {"assess": "invoke assess"}
    over_http = call("POST", 8, 50, called("https://x.lambda-url.eu-west-1.on.aws/", "POST"))
    assert placed(front(), over_http, function, inside) == {"assess": "POST", "legacy": "assess"}
    assert placed(front(), call("x", 5, 300, {"faas.invoked_name": "other"}), function) == {}


def test_the_told_parent_never_came() -> None:
    """The platform's span of the invocation contains it: that is its place, and the parent is missing all the same."""
    function = span("submit", 0, 40, "submit", "serverless", told_by="platform", request_id="r-9")
    orphan = request(parent_span_id="f" * 16)
    node = node_of("legacy", function, orphan)
    assert (node.inferred, node.parent_missing, node.depth) == (True, True, 1)
    outside = node_of("legacy", function, request(start=35.001, end=50.001, parent_span_id="f" * 16))
    assert (outside.inferred, outside.parent_missing, outside.depth) == (False, True, 0)


def test_siblings_whose_parent_never_came() -> None:
    """What names the same missing parent, or is below what does, is beside it."""
    named = {"parent_span_id": "f" * 16}
    function = span("submit", 0, 40, "submit", "serverless", told_by="platform", request_id="r-9", **named)
    inner = span("inner", 1, 39, "inner", "serverless", told_by="platform", request_id="r-8", parent_span_id=span_id("submit"))  # fmt: skip
    assert placed(function, request(**named)) == {}
    assert placed(function, inner, request(**named)) == {}
    assert placed(function, request(parent_span_id="e" * 16)) == {"legacy": "submit"}


def test_the_same_service() -> None:
    """No service is its own caller: by its name, or by its stream where the layer calls it another."""
    own = span("own", 10.001, 20.001, "submit", attributes=http())
    assert placed(front(), call("GET", 5, 30), own) == {}
    caller = call("GET", 5, 30)
    renamed = span("own", 10.001, 20.001, "other-name", "serverless", origin=caller.origin, attributes=http())
    assert placed(front(), caller, renamed) == {}


@pytest.mark.parametrize("kind", ["consumer", "client", "internal", "producer"])
def test_only_requests(kind: Any) -> None:
    """What is received later is in nobody's time."""
    assert placed(front(), call("GET", 5, 30), request(kind=kind)) == {}


def test_two_ids_one_request() -> None:
    """The legacy side knows the correlation ID only: another trace, the same request."""
    first = span("front", 0.1, 100, "submit", "serverless", correlation_id=SESSION, links=lost())
    legacy = request(trace_id=derive_trace_id(SESSION), correlation_id=SESSION)
    for asked in (TRACE, SESSION):
        assert placed(first, call("GET", 5, 30), legacy, asked=asked) == {"legacy": "GET"}


def test_a_recurring_id_is_still_not_merged() -> None:
    """A session's requests are stories of their own, whatever contains what."""
    one = span("one", 0.1, 100, "submit", "serverless", correlation_id=SESSION, links=lost())
    two = span("two", 500, 600, "submit", "serverless", trace_id=OTHER, correlation_id=SESSION, links=lost())
    legacy = request(trace_id=derive_trace_id(SESSION), correlation_id=SESSION)
    found = stories(SESSION, [one, call("GET", 5, 30), two, legacy], [log("a", correlation_id=SESSION)])
    assert len(found) == 3
    assert all(story.recurring for story in found)
    assert not any(node.inferred for story in found for node in story.spans)


def test_another_request_of_the_story() -> None:
    """A batch is of the story of each of its records; the requests of one are not within calls of another."""
    mine = request("mine", trace_id=OTHER)
    sent = span("sent", 1, 2, "submit", "serverless", kind="producer", parent_span_id=span_id("front"))
    other = span("other", 1, 2, "api", "serverless", trace_id=OTHER, kind="producer")
    batch = span("batch", 500, 600, "assess", "serverless", kind="consumer", trace_id="d" * 32, links=caused_by(sent, other))  # fmt: skip
    rows = [front(), call("GET", 5, 30), sent, other, mine, batch]
    assert len(only(stories("d" * 32, rows, [])).spans) == 6
    assert placed(*rows, asked="d" * 32) == {}


@pytest.mark.parametrize(
    ("format", "lines"),
    [
        ("apache", ['10.0.0.1 - - [21/Nov/2026:03:30:10 +0000] "GET /claims/7 HTTP/1.1" 200 5 42123 "CLM-1" "-"']),
        ({"nginx": '$remote_addr [$time_local] "$request" $status $request_time $http_x_correlation_id'}, ['10.0.0.1 [21/Nov/2026:03:30:10 +0000] "GET /claims/7 HTTP/1.1" 200 0.042 CLM-1']),
        ("iis", ["#Fields: date time cs-method cs-uri-stem c-ip sc-status time-taken cs(X-Correlation-ID)", "2026-11-21 03:30:10 GET /claims/7 10.0.0.1 200 42 CLM-1"]),
    ],
    ids=["apache", "nginx", "iis"],
)  # fmt: skip
def test_real_lines(format: Any, lines: list[str]) -> None:
    """Whatever end of the request a server stamps, and though it does so in seconds."""
    made = format if isinstance(format, str) else custom(format)
    assert made is not None
    origin = span("x", service="legacy").origin
    (legacy,) = spans(parse(batch(*lines), origin, made, now_unix_nano=NOW))
    began = 1_795_231_810_700_000_123
    times = {"start_unix_nano": began, "end_unix_nano": began + 50 * MS}
    derived = {"trace_id": derive_trace_id("CLM-1"), "correlation_id": "CLM-1"}
    rows = [
        span("front", service="submit", side="serverless", **derived, **times),  # type: ignore[arg-type]
        replace(call("GET", 0, 1), trace_id=derived["trace_id"], **times),
        legacy,
    ]
    (story,) = stories("CLM-1", rows, [])
    assert [(n.span.name, n.depth, n.inferred) for n in story.spans][-1] == ("GET /claims/7", 2, True)


def test_no_cycle() -> None:
    """A request that a call lies in is not put within that call."""
    legacy = request(start=0, end=1000.5)
    inside = span("GET", 200.1, 1199.1, "submit", "serverless", kind="client", parent_span_id=legacy.span_id, attributes=called())  # fmt: skip
    assert placed(legacy, inside) == {}
