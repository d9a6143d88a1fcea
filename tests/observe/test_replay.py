"""An invocation made again: the client context marks it, and wins over what the event carries."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import observe
from observe import semconv, testing
from observe.testing import LambdaContext, Lines, events
from tests.observe.running import sqs_event

TRACE, SPAN, REQUEST = (
    "4bf92f3577b34da6a3ce929d0e0e4736",
    "00f067aa0ba902b7",
    "8f5b7f3e-0000-4000-8000-000000000000",
)
MARK = {
    semconv.REPLAY: REQUEST,
    "traceparent": f"00-{TRACE}-{SPAN}-01",
    "x-correlation-id": "desk-1",
}


def run(event: Any, custom: Any, function: Any = None) -> Any:
    """Run a handler that was called with a client context."""
    context = LambdaContext()
    context.client_context = SimpleNamespace(custom=custom, env=None, client=None)  # type: ignore[assignment]
    return observe.instrument(function or (lambda event, context: event))(event, context)


def links(span: dict[str, Any]) -> set[tuple[str, str, str]]:
    """(trace ID, span ID, kind) of a span's links."""
    return {
        (link["traceId"], link["spanId"], link["attributes"][0]["value"]["stringValue"])
        for link in span.get("links", ())
    }


OTHER = {"traceparent": f"00-{'c' * 32}-{'d' * 16}-01", "x-correlation-id": "other"}


@pytest.mark.parametrize(
    "event",
    [
        {"claim": 1},
        "text",
        sqs_event({}),
        sqs_event(OTHER),
        sqs_event(OTHER, {}),
        events.http_api(headers=OTHER),
        events.http_api(),
        {"_observe": OTHER, "claim": 1},
    ],
    ids=["plain", "text", "queue", "message", "batch", "api with a caller", "api", "payload"],
)
def test_a_replay_goes_on_below_what_failed(lines: Lines, event: Any) -> None:
    """In its trace and with its correlation ID, whatever the event carries; linked to it, and marked."""
    run(event, MARK)
    (span,) = lines.spans
    assert (span["traceId"], span["parentSpanId"]) == (TRACE, SPAN)
    assert span["attributes"][semconv.CORRELATION_ID] == "desk-1"
    assert span["attributes"][semconv.REPLAY_OF] == REQUEST
    assert (TRACE, SPAN, "replay") in links(span)


def test_what_the_event_carries_is_linked(lines: Lines) -> None:
    """A batch of several traces keeps its links."""
    run(sqs_event(OTHER, {}), MARK)
    (span,) = lines.spans
    assert {link[0] for link in links(span)} >= {TRACE, "c" * 32}


def test_records_of_a_batch_keep_their_own_context(lines: Lines) -> None:
    """What is sent for a record goes on in the record's trace, as it did the first time."""
    seen = []

    def handler(event: Any, _context: Any) -> None:
        for record in observe.records(event):
            with record:
                seen.append(observe.current())

    run(sqs_event(OTHER, {}), MARK, handler)
    assert seen[0] is not None
    assert (seen[0].trace_id, seen[0].correlation_id) == ("c" * 32, "other")


def test_the_handler_gets_the_event_that_it_had(lines: Lines) -> None:
    """The very same: the mark is nowhere in it."""
    event = {"Records": [], "claim": [1, {"a": None}]}
    assert run(event, MARK) is event


def test_without_a_trace_the_event_decides(lines: Lines) -> None:
    """A destination's record tells no trace: then the replay is marked, and goes on where its event does."""
    run(sqs_event(OTHER), {semconv.REPLAY: REQUEST})
    (span,) = lines.spans
    assert (span["traceId"], span["attributes"][semconv.REPLAY_OF]) == ("c" * 32, REQUEST)
    assert {kind for _, _, kind in links(span)} <= {"correlation_id"}


def test_debug_goes_all_the_way_down(lines: Lines) -> None:
    """The operator may ask for it, of an API's event, too: who may invoke is no stranger."""
    seen = []
    mark = {**MARK, "baggage": "observe.debug=1"}
    run(events.http_api(), mark, lambda event, context: seen.append(observe.current()))
    assert seen[0] is not None
    assert seen[0].debug


def test_what_is_called_is_no_replay(lines: Lines) -> None:
    """The mark is of this invocation: what goes out has the context, and not the mark."""
    seen: list[dict[str, str]] = []
    run({}, MARK, lambda event, context: seen.append(observe.inject(observe.current())))
    assert seen[0]["x-correlation-id"] == "desk-1"
    assert REQUEST not in str(seen[0])


@pytest.mark.parametrize(
    "mark",
    ["", " ", "x" * 129, "<script>", "a b", 3, None, {"a": 1}],
)
def test_a_mark_that_is_no_id_marks_nothing(lines: Lines, mark: Any) -> None:
    """It is looked at as any ID at the trust edge."""
    run(sqs_event(OTHER), {**MARK, semconv.REPLAY: mark})
    (span,) = lines.spans
    assert semconv.REPLAY_OF not in span["attributes"]
    assert span["traceId"] == "c" * 32


TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=6,
)
NAMES = st.sampled_from([semconv.REPLAY, "traceparent", "x-correlation-id", "baggage"]) | st.text(max_size=9)


@given(TREES | st.dictionaries(NAMES, TREES | st.sampled_from(list(MARK.values())), max_size=5))
def test_any_client_context_is_survived(custom: Any) -> None:
    """Law: whoever may invoke may send anything, and the handler's result is its own."""
    with testing.capture() as captured:
        assert run({"claim": 1}, custom) == {"claim": 1}
    assert len(captured.spans) == 1


def test_an_invocation_without_a_mark_does_not_load_it(lines: Lines) -> None:
    """Cold starts do not pay for what few invocations are."""
    sys.modules.pop("observe.replay", None)
    run({}, {"x-correlation-id": "desk-1"})
    run({}, None)
    assert "observe.replay" not in sys.modules
