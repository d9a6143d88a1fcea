"""Around a handler in this process: what it returns and raises is its own, whatever we do."""

from __future__ import annotations

import asyncio
import dataclasses
import inspect
import time
import traceback
from typing import Any

import pytest

import observe
from observe import capture, invocation
from observe import handler as handlers
from observe.testing import LambdaContext, Lines
from tests.observe.running import run, sqs_event

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def test_the_context_is_current_inside_and_gone_after(lines: Lines) -> None:
    """A handler sees its context; the next invocation sees nothing of it."""
    seen = []
    assert run({}, lambda event, context: seen.append(observe.current()) or "result") == "result"
    assert seen[0] is not None
    assert seen[0].span_id == lines.spans[0]["spanId"]
    assert observe.current() is None


def test_one_message_is_adopted(lines: Lines) -> None:
    """A batch of one goes on in its sender's trace."""
    run(sqs_event({"traceparent": f"00-{TRACE}-{'b' * 16}-01", "x-correlation-id": "CLM-1"}))
    (span,) = lines.spans
    assert (span["traceId"], span["parentSpanId"]) == (TRACE, "b" * 16)
    assert span["attributes"]["correlation_id"] == "CLM-1"


def test_one_trace_common_to_all_is_adopted(lines: Lines) -> None:
    """A batch whose messages are all of one trace goes on in it, with links to the other parents."""
    run(sqs_event(*({"traceparent": f"00-{TRACE}-{c * 16}-01"} for c in "bcd")))
    (span,) = lines.spans
    assert (span["traceId"], span["parentSpanId"]) == (TRACE, "b" * 16)
    assert sorted(link["spanId"] for link in span["links"]) == ["c" * 16, "d" * 16]


def test_a_mixed_batch_starts_a_trace_with_links(lines: Lines) -> None:
    """A batch of several traces is never the first one's: it links to each."""
    headers = [{"traceparent": f"00-{c * 32}-{c * 16}-01"} for c in "abc"]
    run(sqs_event(*headers, {}))
    (span,) = lines.spans
    assert "parentSpanId" not in span
    assert sorted(link["traceId"] for link in span["links"]) == ["a" * 32, "b" * 32, "c" * 32]
    assert span["traceId"] not in {link["traceId"] for link in span["links"]}
    assert {link["attributes"][0]["value"]["stringValue"] for link in span["links"]} == {
        "message m-0",
        "message m-1",
        "message m-2",
    }


def test_a_batch_with_one_message_without_context_is_mixed(lines: Lines) -> None:
    """A trace is common to all only if all have it."""
    run(sqs_event({"traceparent": f"00-{TRACE}-{'b' * 16}-01"}, {}))
    (span,) = lines.spans
    assert span["traceId"] != TRACE
    assert [link["traceId"] for link in span["links"]] == [TRACE]


def test_links_are_bounded(lines: Lines) -> None:
    """A batch of thousands has 128 links at most."""
    run(sqs_event(*({"x-correlation-id": f"C-{n}"} for n in range(1000))))
    assert len(lines.spans[0]["links"]) == capture.LINKS_MAX


def test_an_unsampled_trace_is_written_only_if_it_is_worth_it(
    lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not sampled: a cold, failed or slow invocation is still told; an ordinary one is not."""
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")
    function = observe.instrument(lambda event, context: 1 / event["by"])
    function({"by": 1}, LambdaContext())
    assert len(lines.spans) == 1
    function({"by": 1}, LambdaContext())
    assert len(lines.spans) == 1
    with pytest.raises(ZeroDivisionError):
        function({"by": 0}, LambdaContext())
    assert len(lines.spans) == 2


@pytest.mark.parametrize(
    "raised", [ValueError("x"), KeyboardInterrupt(), SystemExit(3), BaseException("odd")]
)
def test_what_a_handler_raises_is_the_same_object(lines: Lines, raised: BaseException) -> None:
    """Any exception passes through as it is, and the span tells its type."""

    def function(event: Any, context: Any) -> None:
        raise raised

    with pytest.raises(type(raised)) as caught:
        run({}, function)
    assert caught.value is raised
    assert lines.spans[0]["attributes"]["error.type"] == type(raised).__name__


def test_a_5xx_reply_is_an_error(lines: Lines) -> None:
    """A proxy reply of 5xx marks the span as failed."""
    run({"httpMethod": "GET", "requestContext": {}}, lambda event, context: {"statusCode": 503})
    assert lines.spans[0]["status"] == {"code": 2}
    assert lines.spans[0]["attributes"]["error.type"] == "503"


def test_decorating_twice_is_decorating_once(lines: Lines) -> None:
    """A handler that is decorated and under the exec wrapper has one span."""
    function = observe.instrument(lambda event, context: 1)
    assert observe.instrument(function) is function


@pytest.mark.parametrize("place", ["open_invocation", "close_invocation"])
def test_our_own_fault_is_said_and_the_handler_runs(
    lines: Lines, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """A fault before or after the handler changes nothing for it and leaves nothing behind."""

    def broken(*args: object) -> None:
        raise RuntimeError("ours")

    monkeypatch.setattr(invocation, place, broken)
    assert run({}) == "done"
    assert "RuntimeError: ours" in lines.logs[0]["message"]
    assert observe.current() is None
    assert invocation.active is None


class _Hostile:
    """A context object that raises at every touch."""

    def __getattribute__(self, name: str) -> Any:
        raise RuntimeError(name)


def test_a_hostile_context_object_is_no_problem(lines: Lines) -> None:
    """Whatever the runtime hands over, the handler gets it."""
    given = _Hostile()
    assert observe.instrument(lambda event, context: context is given)({}, given) is True


def test_an_event_that_the_handler_mutates_is_its_own(lines: Lines) -> None:
    """The handler gets the very event, and may change it."""
    event: dict[str, Any] = {"headers": {"x-correlation-id": "C"}, "httpMethod": "GET", "requestContext": {}}
    run(event, lambda event, context: event.clear())
    assert event == {}
    assert lines.spans[0]["attributes"]["correlation_id"] == "C"


def test_settings_that_cannot_be_used_are_said_once(lines: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    """A typo in a variable falls back to the default, in one WARN line that names it."""
    monkeypatch.setenv("OBSERVE_TRUST", "everybody")
    monkeypatch.setenv("OBSERVE_SLOW_MS", "soon")
    run({})
    run({})
    (line,) = lines.logs
    assert line["level"] == "WARN"
    assert "OBSERVE_TRUST='everybody'" in line["message"]
    assert "OBSERVE_SLOW_MS='soon'" in line["message"]


def test_a_handler_keeps_its_name() -> None:
    """Frameworks that look at the handler see its own name."""

    def lookup(event: Any, context: Any) -> None:
        """Docs."""

    observed = observe.instrument(lookup)
    assert (observed.__name__, observed.__doc__) == ("lookup", "Docs.")
    assert isinstance(handlers.instrument(print), type(lookup))


def test_hops_count_up_and_debug_travels(lines: Lines) -> None:
    """A hop is added at every function; debug from a trusted source makes it log at DEBUG."""
    seen = []

    def function(event: Any, context: Any) -> None:
        observe.log.debug("told")
        seen.append(observe.current())

    run(sqs_event({"x-correlation-id": "C", "baggage": "observe.hops=4,observe.debug=1"}), function)
    assert (seen[0].hops, seen[0].debug) == (5, True)
    assert lines.logs[0]["message"] == "told"
    assert observe.inject(seen[0])["baggage"] == "observe.debug=1,observe.hops=5"


def test_disabled_is_the_very_function(monkeypatch: pytest.MonkeyPatch) -> None:
    """OBSERVE_DISABLED=1 leaves a decorated handler what it was."""
    monkeypatch.setenv("OBSERVE_DISABLED", "1")

    def lookup(event: Any, context: Any) -> None: ...

    assert observe.instrument(lookup) is lookup
    assert observe.instrument(len) is len


def test_a_decorated_handler_keeps_its_signature(lines: Lines) -> None:
    """Defaults, keywords, methods and attributes work as they did."""

    def lookup(event: Any, lambda_context: Any = None) -> Any:
        return event

    lookup.retries = 3  # type: ignore[attr-defined]
    observed: Any = observe.instrument(lookup)
    assert observed({"a": 1}) == {"a": 1}
    assert observed({"a": 2}, lambda_context=LambdaContext()) == {"a": 2}
    assert observed.retries == 3
    assert list(inspect.signature(observed).parameters) == ["event", "lambda_context"]

    class App:
        @observe.instrument
        def handle(self: Any, event: Any, context: Any) -> Any:  # type: ignore[misc]
            return event["requestContext"]

    app: Any = App()
    event = {"httpMethod": "GET", "requestContext": {}, "headers": {"x-correlation-id": "M-1"}}
    assert app.handle(event, LambdaContext()) == {}
    assert lines.spans[-1]["attributes"]["correlation_id"] == "M-1"


def test_a_handler_that_calls_another(lines: Lines) -> None:
    """After the inner one has returned, the outer one is the current one again."""
    inner = observe.instrument(lambda event, context: observe.log.info("inner"))

    def function(event: Any, context: Any) -> None:
        inner({}, LambdaContext("r-inner"))
        observe.log.info("outer")
        with observe.span("after"):
            pass

    run({}, function, aws_request_id="r-outer")
    assert [(line["message"], line["requestId"]) for line in lines.logs] == [
        ("inner", "r-inner"),
        ("outer", "r-outer"),
    ]
    names = [span["name"] for span in lines.spans]
    assert names[-1] == "after"
    assert lines.spans[-1]["parentSpanId"] == lines.spans[-2]["spanId"]


@pytest.mark.parametrize("remaining", [0, -5, 10, None, "soon", float("nan")])
def test_no_time_left_is_no_timeout_yet(lines: Lines, remaining: Any) -> None:
    """A context object that tells no usable time is not watched: no false timeout is told."""
    assert run({}, lambda event, context: time.sleep(0.01), remaining_ms=remaining) is None
    assert "status" not in lines.spans[0]


def test_a_handler_that_returns_after_all_is_told_as_it_ended(lines: Lines) -> None:
    """The watchdog told of a timeout; the last line with the same span ID is right."""

    def function(event: Any, context: Any) -> str:
        with observe.span("slow"):
            time.sleep(0.25)
        return "late"

    assert run({}, function, remaining_ms=150) == "late"
    told, last = [span for span in lines.spans if "parentSpanId" not in span]
    assert (told["spanId"], told["attributes"]["error.type"]) == (last["spanId"], "timeout")
    assert "status" not in last
    assert "status" not in [span for span in lines.spans if span["name"] == "slow"][-1]
    assert int(last["endTimeUnixNano"]) > int(told["endTimeUnixNano"])


@pytest.mark.parametrize(
    ("reply", "failed"),
    [
        ({"batchItemFailures": [{"itemIdentifier": "m-1"}]}, True),
        ({"batchItemFailures": []}, False),
        ({"batchItemFailures": "m-1"}, False),
        ({}, False),
        (None, False),
    ],
)
def test_a_partial_batch_failure_is_a_failure(lines: Lines, reply: object, failed: bool) -> None:
    """An invocation that gives records back to the queue has succeeded for Lambda, not for whoever looks."""
    assert run(sqs_event({}, {}, {}), lambda event, context: reply) is reply
    (span,) = lines.spans
    assert span.get("status", {}) == ({"code": 2, "message": "1 of 3 records failed"} if failed else {})
    assert span["attributes"].get("error.type") == ("batch_item_failures" if failed else None)


class _Odd(dict):  # type: ignore[type-arg]
    def get(self, *_: object) -> object:
        raise RuntimeError


def test_an_odd_reply_costs_its_status_not_the_span(lines: Lines) -> None:
    """Whatever a handler returns is its own, and the invocation is told."""
    odd = _Odd()
    assert run(sqs_event({}), lambda event, context: odd) is odd
    assert len(lines.spans) == 1


def test_a_topic_heeds_no_failed_records(lines: Lines) -> None:
    """SNS takes such a reply for success, and so do we."""
    event = {"Records": [{"EventSource": "aws:sns", "Sns": {"MessageId": "m"}}]}
    run(event, lambda event, context: {"batchItemFailures": [{"itemIdentifier": "m"}]})
    assert "error.type" not in lines.spans[0]["attributes"]


def test_no_more_records_failed_than_there_were(lines: Lines) -> None:
    """A reply may name anything."""
    run(sqs_event({}), lambda event, context: {"batchItemFailures": [None] * 5})
    assert lines.spans[0]["status"]["message"] == "1 of 1 records failed"


def test_only_a_batch_has_failed_records(lines: Lines) -> None:
    """The same reply to a direct invocation means nothing."""
    run({}, lambda event, context: {"batchItemFailures": [{"itemIdentifier": "m-1"}]})
    assert "error.type" not in lines.spans[0]["attributes"]


@dataclasses.dataclass(frozen=True)
class _FrozenError(Exception):
    claim: str


def _refuses(event: Any, context: Any) -> None:
    raise _FrozenError("CLM-1")


_KEPT: list[Exception] = []


def _raises_again(event: Any, context: Any) -> None:
    if not _KEPT:
        try:
            event["no such claim"]
        except KeyError as error:
            _KEPT.append(error)
    raise _KEPT[0]


async def _awaits(event: Any, context: Any) -> None:
    _refuses(event, context)


def _runs_a_loop(event: Any, context: Any) -> None:
    asyncio.run(observe.instrument(_awaits)(event, context))


@pytest.mark.parametrize("nested", [0, 1, 2])
@pytest.mark.parametrize(
    "function", [_refuses, _raises_again, _runs_a_loop, lambda event: None, observe.instrument(_refuses)]
)
def test_the_stack_is_the_handlers_own(lines: Lines, function: Any, nested: int) -> None:
    """No frame of ours is in it, looked at inside a handler around ours, or outside of all."""

    def stack(observe_it: Any) -> list[str]:
        _KEPT.clear()

        def around(within: Any) -> Any:
            return lambda event, context: within(event, context)

        called = observe_it(function)
        for _ in range(nested):
            called = observe_it(around(called))
        try:
            called({}, LambdaContext())
        except Exception as error:
            return [f"{frame.name}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)]
        raise AssertionError

    assert stack(observe.instrument) == stack(lambda bare: bare)
    assert [line["message"] for line in lines.logs] == []


@pytest.mark.parametrize(
    "call",
    [
        lambda f, event, context: f(event, context),
        lambda f, event, context: f(event=event, context=context),
        lambda f, event, context: f(context=context, event=event),
        lambda f, event, context: f(event, context=context),
        lambda f, event, context: f(event, context, "more"),
    ],
)
def test_the_event_is_found_however_it_is_given(lines: Lines, call: Any) -> None:
    """By position or by name, in any order, with more behind it: whose request it is, is captured."""
    observed = observe.instrument(lambda event, context, more=None: "done")
    event = {"httpMethod": "GET", "requestContext": {}, "headers": {"x-correlation-id": "CLM-77"}}
    assert call(observed, event, LambdaContext()) == "done"
    assert lines.spans[-1]["attributes"]["correlation_id"] == "CLM-77"
