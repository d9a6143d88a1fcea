"""Which places implement endpoints of observe.yaml, by its routes as everywhere else. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from subscribers.insight.answer import Question
from subscribers.insight.calls import Place
from subscribers.insight.routes import Routes


def endpoint_of(routes: Routes, place: Place) -> str:
    """Return the name in observe.yaml of the endpoint that a place implements, "" for none."""
    # A span's own name may be a method alone, which is no route.
    return routes.endpoint(place.side, place.service, place.operation) if " " in place.operation else ""


def asked_places(question: Question, places: Iterable[Place]) -> frozenset[Place]:
    """Return the places that a question is about: of the services and endpoints asked for, or all."""
    routes = Routes(question.config.endpoints)
    return frozenset(
        place
        for place in places
        if (not question.services or place.service in question.services)
        and (not question.endpoints or endpoint_of(routes, place) in question.endpoints)
    )
