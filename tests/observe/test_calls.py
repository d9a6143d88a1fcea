"""observe.log, observe.metrics and observe.span: what they write, and that they never raise."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from typing import Any

import pytest

import observe
from observe.testing import Lines
from tests.observe.running import run


def test_a_thread_in_the_handler_logs_with_the_requests_identity(lines: Lines) -> None:
    """observe.log in a thread that user code started carries the IDs."""

    def function(event: Any, context: Any) -> None:
        thread = threading.Thread(target=lambda: observe.log.info("from a thread"))
        thread.start()
        thread.join()

    run({}, function, aws_request_id="r-1")
    (line,) = lines.logs
    assert (line["requestId"], line["trace_id"]) == ("r-1", lines.spans[0]["traceId"])


def test_log_binds_fields_and_tells_exceptions(lines: Lines) -> None:
    """Bound fields are on their logger's lines only; exception() has type, message and stack."""

    def function(event: Any, context: Any) -> None:
        bound = observe.log.bind(claim="C-1")
        try:
            raise KeyError("k")
        except KeyError:
            bound.exception("failed")
        observe.log.warning("after %d", 2)

    run({}, function)
    failed, after = lines.logs
    assert (failed["level"], failed["claim"], failed["error"]["type"]) == ("ERROR", "C-1", "KeyError")
    assert "Traceback" in failed["error"]["stack"]
    assert (after["level"], after["message"]) == ("WARN", "after 2")
    assert "claim" not in after


def test_a_span_may_be_left_in_another_context(lines: Lines) -> None:
    """A generator that executors enter and leave in different contexts is no problem of the handler's."""

    def session() -> Iterator[str]:
        with observe.span("session"):
            yield "open"

    async def main() -> str:
        generator = session()
        opened = await asyncio.to_thread(next, generator)
        await asyncio.to_thread(lambda: next(generator, None))
        return opened

    assert run({}, lambda event, context: asyncio.run(main())) == "open"
    assert [span["name"] for span in lines.spans][1:] == ["session"]


@pytest.mark.parametrize(
    "call",
    [
        lambda: observe.log.info("50% off", "x"),
        lambda: observe.log.info("%s and %s", "one"),
        lambda: observe.log.log(25, "told"),
        lambda: observe.log.log("nonsense", "told"),
        lambda: observe.log.info("told", event="mine"),
        lambda: observe.log.info("told", n=10**5000),
        lambda: observe.log.exception("nothing raised"),
        lambda: observe.log.info(),
        lambda: observe.log.info({"a": 1}, {"b": 2}),
        lambda: observe.metrics.decrement("x", None),  # type: ignore[arg-type]
        lambda: observe.metrics.gauge("x", "3\nERROR forged"),  # type: ignore[arg-type]
        lambda: observe.metrics.gauge("x", object()),  # type: ignore[arg-type]
        lambda: observe.metrics.increment("x", tags=5),  # type: ignore[arg-type]
        lambda: observe.metrics.increment("x", tags={"k": "v" * 300_000}),
        lambda: observe.span("s", kind="motor", name="n", context=1).__enter__().__exit__(None, None, None),
    ],
)
def test_odd_calls_never_raise_and_never_break_a_line(lines: Lines, call: Any) -> None:
    """Whatever log, metrics and span are given, the handler goes on and each line is whole."""
    run({}, lambda event, context: call())
    assert all(line.count(b"\n") == 1 and len(line) <= 204_800 for line in lines.raw)
    assert lines.spans[0]["name"]
    assert lines.logs or lines.metrics or len(lines.spans) > 1


def test_numbers_of_any_kind_are_numbers(lines: Lines) -> None:
    """A metric's value is a plain number; a text is one tag; repeated tags stay."""
    import decimal

    observe.metrics.increment("x", True, tags="product:motor")
    observe.metrics.gauge("y", decimal.Decimal("1.5"), tags=["a:1", "a:2", "flag"])  # type: ignore[arg-type]
    assert [line.split("|", 2)[2] for line in lines.metrics] == [
        "1|count|x|#product:motor",
        "1.5|gauge|y|#a:1,a:2,flag",
    ]


def test_a_big_integer_in_a_span_loses_no_other_span(lines: Lines) -> None:
    """An attribute that cannot be written is text; its siblings and the invocation are told."""

    def function(event: Any, context: Any) -> None:
        with observe.span("odd", n=10**5000, deep=[[[[[[[["\ud800"]]]]]]]]):
            pass

    run({}, function)
    assert [span["name"] for span in lines.spans][1:] == ["odd"]


def test_contexts_that_say_they_suppress_nothing() -> None:
    """`use` outside of an invocation works alone."""
    with contextlib.ExitStack() as stack:
        context = stack.enter_context(observe.use(observe.Context("a" * 32, "b" * 16)))
        assert observe.current() == context
