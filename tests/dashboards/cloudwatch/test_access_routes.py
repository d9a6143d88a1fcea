"""Requests of an access log are counted for one route each, by patterns that CloudWatch documents."""

from __future__ import annotations

import itertools

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.cloudwatch.access_routes import field_of, told_apart
from dashboards.cloudwatch.filters import Filter, access_filters
from dashboards.cloudwatch.metrics import Absent
from dashboards.resources import EndpointView, Implementation, System
from subscribers.config import loads
from tests.dashboards.cloudwatch.filter_patterns import PatternError, matches, read

ROUTES = (
    "POST /claims",
    "GET /policies",
    "GET /policies/{number}",
    "GET /policies/{number}/statement",
    "GET /policies/search",
    "ANY /policies/{number}/claims/{claim}",
    "DELETE /policies/{number}",
    "ANY /policies/{id}",
    "GET /quotes/:id",
    "ANY /{proxy+}",
)
#: Request -> the route that is the nearest.
REQUESTS = {
    "POST /claims": "POST /claims",
    "POST /claims?dry=1": "POST /claims",
    "GET /policies": "GET /policies",
    "GET /policies?page=2": "GET /policies",
    "GET /policies/7": "GET /policies/{number}",
    "GET /policies/7?next=/a/b": "GET /policies/{number}",
    "GET /policies/statements": "GET /policies/{number}",
    "GET /policies/7/statement": "GET /policies/{number}/statement",
    "GET /policies/7/statement?next=/statement": "GET /policies/{number}/statement",
    "GET /policies/search": "GET /policies/search",
    "GET /policies/search?q=claims": "GET /policies/search",
    "PUT /policies/7/claims/9": "ANY /policies/{number}/claims/{claim}",
    "GET /policies/7/claims/9": "ANY /policies/{number}/claims/{claim}",
    "DELETE /policies/7": "DELETE /policies/{number}",
    "PATCH /policies/7": "ANY /policies/{id}",
    "GET /quotes/12": "GET /quotes/:id",
    "GET /health": "ANY /{proxy+}",
    "POST /policies": "ANY /{proxy+}",
    "GET /claims": "ANY /{proxy+}",
}
LINE = (
    '203.0.113.7 - frank [22/Nov/2026:05:40:12 +0000] "{} HTTP/1.1" {} 1043 '
    '"https://shop.example/" "Mozilla/5.0 (X11)"'
)
COMMON = '203.0.113.7 - - [22/Nov/2026:05:40:12 +0000] "{} HTTP/2.0" {} -'


def _patterns(route: str, routes: tuple[str, ...] = ROUTES) -> tuple[str, ...]:
    found = told_apart(route, routes)
    assert not isinstance(found, str), found
    return tuple(f"[ip, identity, user, time, {field}, status, ...]" for field in field_of(found))


@pytest.mark.parametrize("line", [LINE, COMMON], ids=["combined", "common"])
@pytest.mark.parametrize("request_line", REQUESTS)
def test_a_request_is_counted_once_and_for_its_own_route(request_line: str, line: str) -> None:
    """By one filter of one route, whatever else the log has."""
    text = line.format(request_line, 200)
    counted = [route for route in ROUTES for pattern in _patterns(route) if matches(pattern, text)]
    assert counted == [REQUESTS[request_line]]


_WORD = st.sampled_from(["a", "b", "claims", "{x}", "{y}"])
_ROUTE = st.builds(
    lambda method, words: f"{method} /{'/'.join(words)}",
    st.sampled_from(["GET", "POST", "ANY"]),
    st.lists(_WORD, max_size=4),
)
_REQUEST = st.builds(
    lambda method, words, query: f"{method} /{'/'.join(words)}{query}",
    st.sampled_from(["GET", "POST"]),
    st.lists(st.sampled_from(["a", "b", "claims", "7"]), max_size=5),
    st.sampled_from(["", "?a=1", "?next=/a/b"]),
)


@given(st.lists(_ROUTE, max_size=5, unique_by=lambda one: one.replace("y", "x")), _REQUEST)
def test_no_request_is_ever_counted_twice(routes: list[str], request_line: str) -> None:
    """Of whatever routes: those that cannot be told apart are not counted at all."""
    text = LINE.format(request_line, 200)
    counted = [
        route
        for route in routes
        for found in [told_apart(route, routes)]
        if not isinstance(found, str)
        for field in field_of(found)
        if matches(f"[ip, identity, user, time, {field}, status, ...]", text)
    ]
    assert len(counted) <= 1


@pytest.mark.parametrize(
    ("route", "other"),
    [
        ("GET /a/{x}", "GET /a/{x}/{y}"),
        ("GET /a/{x}", "GET /a/{proxy+}"),
        ("ANY /{proxy+}", "$default"),
        ('GET /"a"', "GET /b"),
    ],
)
def test_what_cannot_be_told_apart_is_said(route: str, other: str) -> None:
    """Both routes say so: a number that has the other's requests in it would be wrong."""
    found = told_apart(route, (route, other))
    assert isinstance(found, str)
    assert route in found


def test_routes_that_differ_by_the_names_of_parameters_are_one() -> None:
    """None excludes the other."""
    assert field_of(told_apart("GET /a/{x}", ("GET /a/{y}",))) == ('request="GET /a/*"',)  # type: ignore[arg-type]


def _system(*routes: str) -> System:
    text = "version: 1\nservices: {old: {side: legacy, log_groups: [{name: /old/access, format: apache}]}}\n"
    endpoints = {
        f"e{index}": EndpointView(
            name=f"e{index}",
            route=route,
            legacy=Implementation(side="legacy", service="old", route=route),
        )
        for index, route in enumerate(routes)
    }
    return System(title="Old shop", config=loads(text), endpoints=endpoints)


def test_errors_and_requests_of_a_service_have_filters_of_their_own() -> None:
    """Requests answered 5xx count as errors; the metric has the name of the system in it."""
    system = _system(*ROUTES)
    errors = access_filters("errors", "e2/legacy", "old", ROUTES[2], system)
    assert not isinstance(errors, Absent)
    (one,) = errors
    assert isinstance(one, Filter)
    assert one.metric == "old-shop.errors.e2-legacy"
    assert matches(one.pattern, LINE.format("GET /policies/7", 503))
    assert not matches(one.pattern, LINE.format("GET /policies/7", 404))
    assert not matches(one.pattern, LINE.format("GET /policies/7/statement", 503))
    other = msgspec.structs.replace(system, title="New shop")
    named = access_filters("errors", "e2/legacy", "old", ROUTES[2], other)
    assert not isinstance(named, Absent)
    assert named[0].metric != one.metric


def test_a_pattern_that_would_be_too_long_is_none() -> None:
    """A catch-all beside thirty routes needs more than 1,024 characters."""
    routes = [f"GET /some/long/path/of/{index}/{{id}}" for index in range(30)]
    found = access_filters("requests", "all", "old", "ANY /{proxy+}", _system("ANY /{proxy+}", *routes))
    assert isinstance(found, Absent)
    assert "longer than a filter pattern" in found.reason


@pytest.mark.parametrize("pattern", ["[a, b", "[a=1 && b=2]", "[a=x*y]", "[a=1 && a=2 || a=3]", '[a="b]'])
def test_what_is_no_pattern_is_refused(pattern: str) -> None:
    """Wildcards within a text, fields and operators that are mixed."""
    with pytest.raises(PatternError):
        read(pattern)


def test_all_pairs_of_the_routes_stay_apart() -> None:
    """Two routes alone, without the others that were in the way."""
    for one, other in itertools.permutations(ROUTES, 2):
        for request_line in REQUESTS:
            text = LINE.format(request_line, 200)
            found = [
                route
                for route in (one, other)
                for apart in [told_apart(route, (one, other))]
                if not isinstance(apart, str)
                for field in field_of(apart)
                if matches(f"[ip, identity, user, time, {field}, status, ...]", text)
            ]
            assert len(found) <= 1, (one, other, request_line)
