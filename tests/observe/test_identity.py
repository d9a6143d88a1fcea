"""What every line starts with, encoded as it is told."""

from __future__ import annotations

import json
from contextvars import copy_context
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

import observe
from observe import identity, settings
from observe.context import Context
from observe.testing import Lines
from tests.observe.running import run

CONTEXTS = st.none() | st.builds(
    Context, st.just("a" * 32), st.sampled_from(["", "b" * 16]), correlation_id=st.text()
)


@given(CONTEXTS, st.text(st.characters(exclude_categories=["Cs", "Cc"])))
def test_the_encoded_fields_are_the_fields(context: Context | None, service: str) -> None:
    """In the same order, whatever the service and the correlation ID are called."""
    before = settings.replace(settings.Settings({"OBSERVE_SERVICE": service, "DD_ENV": '"prod"'}))
    try:
        found = identity.of(None, context)
        told = json.loads("{" + identity.encoded(None, context) + "}")
    finally:
        settings.replace(before)
    assert list(told.items()) == list(found.items())


def test_the_request_is_told_inside_an_invocation_alone(lines: Lines) -> None:
    """The request ID is on the lines of the invocation that runs, also of one inside another."""
    inner = observe.instrument(lambda event, context: observe.log.info("inner"))

    def function(event: Any, context: Any) -> None:
        found, current = identity.request(), observe.current()
        assert json.loads("{" + identity.encoded(found, current) + "}") == identity.of(found, current)
        inner({}, type("C", (), {"aws_request_id": "r-2"})())
        observe.log.info("outer")

    run({}, function, aws_request_id="r-1")
    assert [(line["message"], line["requestId"]) for line in lines.logs] == [
        ("inner", "r-2"),
        ("outer", "r-1"),
    ]
    assert identity.request() is None


def test_fields_are_taken_away_by_whoever_added_them() -> None:
    """The innermost first, as blocks do; who comes out of turn takes nothing of another's."""

    def in_order() -> None:
        first = identity.with_fields({"a": 1})
        second = identity.with_fields({"b": 2})
        assert identity.more() == {"a": 1, "b": 2}
        second()
        assert identity.more() == {"a": 1}
        first()
        assert identity.more() == {}

    def out_of_turn() -> None:
        first = identity.with_fields({"a": 1})
        identity.with_fields({"b": 2})
        first()
        assert identity.more() == {"a": 1, "b": 2}

    copy_context().run(in_order)
    copy_context().run(out_of_turn)
