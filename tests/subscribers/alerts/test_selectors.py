"""Which signals a selector means, and how a Router tells it fast."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscribers.alerts.model import Selector
from subscribers.alerts.selectors import Endpoints, Router, is_request, matcher, nested
from subscribers.config import Config, loads
from subscribers.patterns import PatternError
from subscribers.signals import Link, Signal
from tests.subscribers.alerts.test_values import CLOUD, ORIGIN, log, metric, span

CONFIG: Config = loads("""
version: 1
services:
  claims-legacy: {side: legacy, log_groups: [/legacy/app]}
  submit: {side: serverless, log_groups: [/aws/lambda/submit]}
  both: {side: serverless, log_groups: [/aws/lambda/one, /aws/lambda/two]}
endpoints:
  submit:
    route: POST /claims
    legacy: {service: claims-legacy, route: POST /old/claims.do}
    serverless: {service: submit}
  claim:
    route: GET /claims/{number}
    legacy: {service: claims-legacy, route: "ANY /old/claims/{id}"}
  files:
    route: GET /files/{path+}
    serverless: {service: both}
""")
ENDPOINTS = Endpoints(CONFIG)


def http(method: str, route: str = "", path: str = "") -> dict[str, Any]:
    """Attributes of a request."""
    told = {"http.request.method": method, "http.route": route, "url.path": path}
    return {name: value for name, value in told.items() if value}


def test_each_side_has_its_own_route_of_an_endpoint() -> None:
    """The endpoint's route serves as well: a subscriber writes it into access logs' spans."""
    cases: list[tuple[Signal, str]] = [
        (span(origin=ORIGIN, attributes=http("POST", "/old/claims.do")), "submit"),
        (span(origin=ORIGIN, attributes=http("POST", "/claims")), "submit"),
        (span(attributes=http("POST", "/claims")), "submit"),
        (span(attributes=http("POST", "POST /claims")), "submit"),
        (span(attributes=http("GET", "/claims")), ""),
        (span(attributes=http("POST", "/old/claims.do")), ""),
        (span(origin=ORIGIN, attributes=http("GET", "/claims/{id}")), "claim"),
        (span(origin=ORIGIN, attributes=http("PATCH", "/old/claims/{whatever}")), "claim"),
        (span(origin=ORIGIN, attributes=http("PATCH", "/claims/{id}")), ""),
        (span(attributes=http("POST", "$default", "/claims")), "submit"),
        (span(origin=ORIGIN, attributes=http("GET", "", "/old/claims/CLM-1")), "claim"),
        (span(kind="client", attributes=http("POST", "/claims")), ""),
        (log(attributes=http("GET", "", "/old/claims/CLM-1")), "claim"),
        (log(), ""),
        (metric(tags=http("POST", "/claims")), "submit"),
        (metric(tags={"endpoint": "claim"}), "claim"),
        (metric(tags={"endpoint": "unknown"}), ""),
    ]
    assert [ENDPOINTS.of(signal) for signal, _ in cases] == [name for _, name in cases]


def test_what_only_the_platform_tells_is_of_the_one_endpoint_a_function_has() -> None:
    """A killed invocation names no route, and is the failure that counts."""
    killed = span(told_by="platform", status="error", attributes={})
    assert ENDPOINTS.of(killed) == "submit"
    assert ENDPOINTS.of(metric(name="aws.lambda.timeouts")) == "submit"
    assert ENDPOINTS.of(metric(name="claims.found")) == ""
    two = type(CLOUD)("1", "eu-west-1", "/aws/lambda/one", "s", "both", "serverless")
    assert ENDPOINTS.of(span(origin=two, told_by="platform")) == ""  # it may be the other function


def test_a_request_is_an_entry_and_no_record_of_a_batch() -> None:
    """As the summary of requests counts them."""
    batch = Link("4" * 32, "6" * 16, {"observe.link": "batch"})
    assert is_request(span())
    assert is_request(span(kind="consumer"))
    assert is_request(span(told_by="platform"))
    assert is_request(span(links=(Link("4" * 32, "6" * 16, {"observe.link": "xray"}),)))
    assert not is_request(span(kind="internal"))
    assert not is_request(span(kind="consumer", links=(batch,)))
    assert not is_request(log())


def test_a_handler_called_by_a_handler_is_no_request_of_its_own() -> None:
    """The payload tells it; a span of the same IDs in another invocation is another thing."""
    outer = span(event_id="outer", request_id="r")
    inner = span(event_id="inner", request_id="r", span_id="6" * 16, parent_span_id=outer.span_id)
    other = span(event_id="other", request_id="q", span_id="7" * 16, parent_span_id=outer.span_id)
    assert nested([inner, other, outer, log()]) == {"inner"}


CASES: list[tuple[dict[str, Any], Signal, bool]] = [
    ({"signal": "log"}, log(), True),
    ({"signal": "log"}, span(), False),
    ({"signal": "log", "services": ("claims-legacy", "x")}, log(), True),
    ({"signal": "log", "services": ("x",)}, log(), False),
    ({"signal": "log", "side": "serverless"}, log(), False),
    ({"signal": "log", "levels": ("WARN", "ERROR")}, log(level="ERROR"), True),
    ({"signal": "log", "levels": ("WARN", "ERROR")}, log(level=""), False),
    ({"signal": "log", "contains": "registered"}, log(), True),
    ({"signal": "log", "contains": "refused"}, log(), False),
    ({"signal": "log", "contains": "refused"}, log(error_message="refused: no money"), True),
    ({"signal": "log", "matches": r"CLM-[0-9]{6} reg"}, log(), True),
    ({"signal": "log", "matches": r"^CLM"}, log(), False),
    ({"signal": "log", "fields": {"fixed_width.record": ("D",)}}, log(), False),
    ({"signal": "log", "fields": {"code": (500, 503)}}, log(attributes={"code": "503"}), True),
    ({"signal": "log", "fields": {"code": ("500",)}}, log(attributes={"code": 500}), True),
    ({"signal": "log", "fields": {"new": (True,)}}, log(attributes={"new": True}), True),
    ({"signal": "log", "fields": {"new": (True,)}}, log(attributes={"new": 1}), False),
    ({"signal": "log", "status": "error"}, log(), False),
    ({"signal": "log", "name": "x"}, log(), False),
    ({"signal": "log", "is_request": True}, log(), False),
    ({"signal": "log", "endpoint": "claim"}, log(attributes=http("GET", "", "/old/claims/1")), True),
    ({"signal": "span", "status": "error"}, span(status="error"), True),
    ({"signal": "span", "status": "error"}, span(), False),
    ({"signal": "span", "kinds": ("server", "consumer")}, span(), True),
    ({"signal": "span", "kinds": ("client",)}, span(), False),
    ({"signal": "span", "name": "POST /claims"}, span(), True),
    ({"signal": "span", "name": "POST"}, span(), False),
    ({"signal": "span", "levels": ("ERROR",)}, span(), False),
    ({"signal": "span", "contains": "gone"}, span(status_message="database gone"), True),
    ({"signal": "span", "above": 249.0}, span(), True),
    ({"signal": "span", "above": 250.0}, span(), False),
    ({"signal": "span", "is_request": True}, span(kind="client"), False),
    (
        {"signal": "span", "endpoint": "submit", "is_request": True},
        span(attributes=http("POST", "/claims")),
        True,
    ),
    ({"signal": "span", "endpoint": "claim"}, span(attributes=http("POST", "/claims")), False),
    ({"signal": "span", "fields": {"endpoint": ("submit",)}}, span(attributes=http("POST", "/claims")), True),
    ({"signal": "metric", "metric": "claims.found"}, metric(), True),
    ({"signal": "metric", "metric": "claims"}, metric(), False),
    ({"signal": "metric", "metric": "claims.found", "fields": {"kind.of": ("fire",)}}, metric(), False),
    ({"signal": "metric", "metric": "claims.found", "above": 1.0}, metric(), True),
    ({"signal": "metric", "metric": "claims.found", "above": 2.0}, metric(), False),
    ({"signal": "metric", "metric": "claims.found", "contains": "a"}, metric(), False),
]


@pytest.mark.parametrize(("conditions", "signal", "is_meant"), CASES)
def test_every_condition_must_hold(conditions: dict[str, Any], signal: Signal, is_meant: bool) -> None:
    """A condition that a kind of signal cannot meet is not met."""
    selector = Selector(**conditions)
    assert matcher(selector, ENDPOINTS)(signal) is is_meant
    assert Router([selector], ENDPOINTS).wanted(signal) == ((0,) if is_meant else ())


@given(st.lists(st.sampled_from(CASES)), st.lists(st.sampled_from([signal for _, signal, _ in CASES])))
def test_a_router_says_what_each_matcher_says(
    cases: list[tuple[dict[str, Any], Signal, bool]], signals: list[Signal]
) -> None:
    """In the order of the selectors, whatever was asked before."""
    selectors = [Selector(**conditions) for conditions, _, _ in cases]
    router, matchers = Router(selectors, ENDPOINTS), [matcher(s, ENDPOINTS) for s in selectors]
    for signal in signals:
        assert router.wanted(signal) == tuple(n for n, match in enumerate(matchers) if match(signal))


def test_a_router_forgets_rather_than_grow() -> None:
    """Services may have any number of names, as those of log groups that nobody configured."""
    router = Router([Selector(signal="log", levels=("ERROR",))], ENDPOINTS)
    for n in range(10_050):
        origin = type(ORIGIN)("1", "eu-west-1", "g", "s", f"service-{n}", "legacy")
        assert router.wanted(log(origin=origin, level="ERROR")) == (0,)
    assert len(router._left) <= 10_000


def test_an_expression_that_re2_refuses_is_told_at_once() -> None:
    """Not when the first signal comes."""
    with pytest.raises(PatternError):
        Router([Selector(signal="log", matches="(?=a)")], ENDPOINTS)
