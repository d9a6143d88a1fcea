"""What the configuration adds to signals: marks of business keys, routes of endpoints, clock skew."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from observe.ids import key_mark
from subscribers.config import loads
from subscribers.enrich import MARKS_MAX, SEARCHED_MAX, Enrichment
from subscribers.parsers.page import Parsed
from subscribers.routes import Routes
from subscribers.signals import Log, Span
from tests.subscribers.samples import log, metric, span

SECRET = "s3cret"
CONFIG = loads(
    """
version: 1
services:
  claims: {side: legacy}
  submit: {side: serverless}
endpoints:
  notes: {route: "GET /claims/{id}/notes", legacy: {service: claims, route: "GET /old/{number}/notes.do"}}
  claim: {route: "GET /claims/{id}", legacy: {service: claims}, serverless: {service: submit}}
  mine: {route: "ANY /claims/mine", legacy: {service: claims}}
  write: {route: "ANY /claims/{id}", legacy: {service: claims}}
  rest: {route: "ANY /{proxy+}", legacy: {service: claims}}
  pdf: {route: "GET /docs/{name}.pdf", legacy: {service: claims}}
  doc: {route: "GET /docs/{name}", legacy: {service: claims}}
keys:
  claim: "CLM-[0-9]+"
  policy: "policy(?: no)? ([A-Z0-9]*)"
"""
)


def enriched(*signals: Log | Span, secret: str = SECRET) -> Parsed:
    """What the configuration makes of signals."""
    parsed = Parsed(signals=[*signals])
    Enrichment(CONFIG, secret).apply(parsed)
    return parsed


def keys(message: str, **more: Any) -> tuple[str, ...]:
    """The keys of a log with this message."""
    (found,) = enriched(log("a", message=message, **more)).signals
    assert isinstance(found, Log)
    return found.keys


def mark(name: str, value: str) -> str:
    return key_mark(name, value, SECRET)


def test_keys_are_found_in_messages() -> None:
    """The whole match or group 1, each once, beside what the line brought."""
    assert keys("CLM-1 and CLM-2, again CLM-1; policy no P7") == (
        mark("claim", "CLM-1"),
        mark("claim", "CLM-2"),
        mark("policy", "P7"),
    )
    assert keys("CLM-1", keys=("a=b", mark("claim", "CLM-1"))) == ("a=b", mark("claim", "CLM-1"))
    assert keys("nothing, policy ") == ()


def test_the_secret_decides() -> None:
    """Another secret, another mark."""
    (found,) = enriched(log("a", message="CLM-1"), secret="other").signals
    assert isinstance(found, Log)
    assert found.keys == (key_mark("claim", "CLM-1", "other"),) != (mark("claim", "CLM-1"),)


def test_the_limits_of_one_line() -> None:
    """The first 16 KiB, 16 marks; one more is counted, the same again is not."""
    assert keys("x" * (SEARCHED_MAX - 5) + "CLM-1") == (mark("claim", "CLM-1"),)
    assert keys("x" * SEARCHED_MAX + "CLM-1") == ()
    sixteen = " ".join(f"CLM-{n}" for n in range(MARKS_MAX))
    for more, notes in [(" CLM-3", {}), (" CLM-99 CLM-100", {"too_many_keys": 1})]:
        parsed = enriched(log("a", message=sixteen + more), log("b"))
        assert isinstance(parsed.signals[0], Log)
        assert (len(parsed.signals[0].keys), parsed.notes) == (MARKS_MAX, notes)


def request(method: str, path: str, service: str = "claims", **more: Any) -> Span:
    """The span of a request, enriched."""
    attributes = {"http.request.method": method, "url.path": path}
    fields = {"name": f"{method} {path}", "attributes": attributes, **more}
    one = replace(span("a", service=service), **fields)
    (found,) = enriched(one).signals
    assert isinstance(found, Span)
    assert attributes == {"http.request.method": method, "url.path": path}  # its log has the same
    return found


@pytest.mark.parametrize(
    ("method", "path", "route"),
    [
        ("GET", "/claims/7", "/claims/{id}"),
        ("GET", "/claims/mine", "/claims/mine"),
        ("PUT", "/claims/7", "/claims/{id}"),
        ("GET", "/claims/7/notes", "/{proxy+}"),
        ("GET", "/old/7/notes.do", "/claims/{id}/notes"),
        ("GET", "/a/b", "/{proxy+}"),
        ("GET", "/claims/", "/{proxy+}"),
        ("GET", "/docs/a.b.pdf", "/docs/{name}.pdf"),
        ("GET", "/docs/a.pdf", "/docs/{name}.pdf"),
        ("GET", "/docs/a", "/docs/{name}"),
    ],
)
def test_a_request_gets_its_route(method: str, path: str, route: str) -> None:
    """Exact over {name} over {proxy+}; the endpoint's text, as API Gateway's route keys have it."""
    found = request(method, path)
    assert (found.attributes["http.route"], found.name) == (route, f"{method} {route}")
    assert found.attributes["url.path"] == path


def test_spans_that_stay_as_they_are() -> None:
    """Of another service, of no endpoint, no server span, with a route, or without method or path."""
    assert "http.route" not in request("GET", "/claims/7", service="other").attributes
    assert "http.route" not in request("GET", "/", service="claims").attributes
    assert "http.route" not in request("GET", "/claims/7", kind="client").attributes
    told = {"http.request.method": "GET", "url.path": "/claims/7", "http.route": "/x"}
    assert request("GET", "/claims/7", attributes=told).attributes == told
    assert request("GET", "/claims/7", attributes={"url.path": 5}).attributes == {"url.path": 5}


def test_a_name_of_its_own_stays() -> None:
    """Only a name made of method and path becomes one of method and route."""
    assert request("GET", "/claims/7", service="submit", name="GET").name == "GET /claims/{id}"
    assert request("GET", "/claims/7", name="lookup").name == "lookup"


SKEWED = loads(
    "version: 1\nservices: {claims: {side: legacy, clock_skew_ms: 250, log_groups: [/app/access]},"
    " submit: {side: serverless}}"
)


@pytest.mark.parametrize(
    ("service", "log_group", "expected"),
    [("claims", "", 250), ("renamed", "/app/access", 250), ("submit", "", None), ("unknown", "/app/x", None)],
)
def test_spans_know_how_far_their_clock_may_be_off(
    service: str, log_group: str, expected: int | None
) -> None:
    """Whatever the service calls itself in its lines; the log of the line stays as it is."""
    attributes = {"url.path": "/a"}
    origin = replace(span("a", service=service).origin, log_group=log_group)
    parsed = Parsed(
        signals=[
            log("a", origin=origin, attributes=attributes),
            span("a", origin=origin, attributes=attributes),
        ]
    )
    Enrichment(SKEWED).apply(parsed)
    told, found = parsed.signals
    assert isinstance(told, Log)
    assert isinstance(found, Span)
    assert found.attributes.get("observe.clock_skew_ms") == expected
    assert told.attributes == attributes == {"url.path": "/a"}


def test_other_signals_pass() -> None:
    """A metric has neither."""
    parsed = Parsed(signals=[metric("m")])
    Enrichment(CONFIG).apply(parsed)
    assert parsed.signals == [metric("m")]


@given(st.text(max_size=50))
def test_any_path_and_any_message(text: str) -> None:
    """Nothing raises, and every path of one segment or more is of the catch-all at least."""
    found = Routes(CONFIG.endpoints.values()).template("claims", "GET", f"/{text}")
    assert bool(found) == bool(text)
    keys(text)


def test_a_hostile_path_is_scanned_once() -> None:
    """The suite's time limit is the judge."""
    routes = Routes(loads(
        "version: 1\nservices: {c: {side: legacy}}\n"
        "endpoints: {e: {route: 'GET /{a}.{b}.{c}/{proxy+}/x', legacy: {service: c}}}"
    ).endpoints.values())  # fmt: skip
    assert routes.template("c", "GET", "/" + "a." * 500_000) == ""
    assert routes.template("c", "GET", "/a.b.c/d/x") == "/{a}.{b}.{c}/{proxy+}/x"
