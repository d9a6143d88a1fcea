"""Routes that differ in names only are one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscribers.insight.routes import Routes, canonical, endpoint_of
from tests.subscribers.insight.traffic import config


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("GET /claims/{id}", "GET /claims/{number}"),
        ("GET /claims/{id}", "GET /claims/:id"),
        ("GET /claims/{id}/notes", "GET /claims/<int:id>/notes/"),
        ("ANY /{proxy+}", "ANY /{rest+}"),
        ("GET /", "GET "),
    ],
)
def test_the_same_route(a: str, b: str) -> None:
    """Names of parameters, how frameworks write them, and a slash at the end make no difference."""
    assert canonical(a) == canonical(b)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("GET /claims/{id}", "POST /claims/{id}"),
        ("GET /claims/{id}", "GET /claims/{id+}"),
        ("GET /claims", "GET /claims/{id}"),
        ("GET /a:b", "GET /a{}"),
    ],
)
def test_another_route(a: str, b: str) -> None:
    """Methods, paths and how much a parameter takes do."""
    assert canonical(a) != canonical(b)


@given(st.text(max_size=40))
def test_any_text_is_some_route(text: str) -> None:
    """Whatever a stranger calls a route, it has one canonical form."""
    method, path = canonical(text)
    assert canonical(f"{method} {path}") == (method, path)


def test_the_endpoint_of_a_request() -> None:
    """By the side's own route or the endpoint's, whatever the method where it is ANY; else it is nobody's."""
    settings = config(
        "  status:\n    route: ANY /claims/{id}\n    legacy: {service: old, route: 'GET /app/claim.do'}\n"
        "    serverless: {service: new}\n"
    )
    routes = Routes(settings.endpoints)
    assert routes.endpoint("legacy", "old", "GET /app/claim.do") == "status"
    assert routes.endpoint("serverless", "new", "PUT /claims/:number") == "status"
    assert routes.endpoint("serverless", "new", "GET /app/claim.do") == ""
    assert routes.endpoint("serverless", "other", "GET /claims/{id}") == ""
    assert routes.stray_of("GET /claims/{id}") == "status"
    assert routes.stray_of("GET /claims") == ""
    assert endpoint_of(settings.endpoints, "legacy", "old", "PUT /claims/7") == ""
    assert endpoint_of(settings.endpoints, "legacy", "old", "PUT /claims/{n}") == "status"
