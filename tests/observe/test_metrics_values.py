"""What observe.metrics keeps of sampled values, what it leaves out, and what it measures itself."""

from __future__ import annotations

import asyncio
import functools
import threading
from collections.abc import Callable
from typing import Any

import pytest

from observe import guard, invocation, metrics
from observe.testing import Lines
from tests.observe.test_metrics import bare, configure, inside

# --- Sampling -------------------------------------------------------------------------------


def test_sampled_values_are_kept_by_chance_and_scaled(lines: Lines) -> None:
    """Of 20,000 about a quarter is kept; in expectation the count is what was counted."""
    inside(lambda: [metrics.increment("a", sample_rate=0.25) for _ in range(20_000)])
    (line,) = bare(lines)
    assert 18_000 < float(line.split("|")[0]) < 22_000


def test_the_rate_is_told(lines: Lines) -> None:
    """A datagram's reader scales by itself; other rates are other series."""
    configure(OBSERVE_METRICS_FORMAT="dogstatsd")

    def handler() -> None:
        while not len(invocation.active.metrics.pending if invocation.active.metrics else ()):  # type: ignore[union-attr,attr-defined]
            metrics.increment("a", sample_rate=0.5, tags=["a:b"])
        metrics.increment("a", 5, ["a:b"])
        metrics.increment("a", sample_rate=0)
        metrics.increment("b", sample_rate=1)

    inside(handler)
    assert lines.metrics == ["a:1|c|@0.5|#a:b", "a:5|c|#a:b", "b:1|c"]


@pytest.mark.parametrize("rate", [2, -1, float("nan"), "half"])
def test_a_rate_that_is_none(lines: Lines, rate: Any) -> None:
    """Said once; a value is told that would have been."""
    inside(lambda: metrics.increment("a", sample_rate=rate))
    assert bare(lines) == ([] if rate == "half" else ["1|count|a|#"])
    assert len(lines.logs) == 1


# --- What cannot be written -----------------------------------------------------------------


@pytest.mark.parametrize(
    "call",
    [
        lambda: metrics.gauge("g", float("inf")),
        lambda: metrics.gauge("g", "x"),  # type: ignore[arg-type]
        lambda: metrics.gauge("g", None),  # type: ignore[arg-type]
        lambda: metrics.gauge("g", 10**400),
        lambda: metrics.increment(""),
        lambda: metrics.increment("g", tags=5),  # type: ignore[arg-type]
        lambda: metrics.increment("g", tags={"k": "v" * 9000}),
        lambda: metrics.increment("g" * 9000),
        lambda: metrics.set("s", ""),
        lambda: metrics.set("s", "x" * 300_000),
        lambda: metrics.service_check("c", 0, message="x" * 300_000),
        lambda: metrics.service_check("c", 7),
        lambda: metrics.event("t", "m", date_happened="soon"),  # type: ignore[arg-type]
        lambda: metrics.count_with_timestamp("c", 1, "soon"),  # type: ignore[arg-type]
        lambda: metrics.timed().__enter__().__exit__(None, None, None),
        lambda: metrics.timed("t").stop(),
    ],
)
def test_what_cannot_be_written_is_left_out_and_said(lines: Lines, call: Callable[[], object]) -> None:
    """Nothing raises, nothing else is lost, and the reason is told once."""

    def handler() -> None:
        call()
        call()
        metrics.increment("fine")

    inside(handler)
    assert bare(lines) == ["1|count|fine|#"]
    assert len([line for line in lines.logs if line["event"] == "observe.fault"]) == 1
    assert list(guard.faults.values()) == [2]


@pytest.mark.parametrize("odd", [True, 1, 1.0, "1"])
def test_tags_that_are_equal_but_not_the_same(lines: Lines, odd: object) -> None:
    """True, 1 and "1" are looked up alike and written as what they are."""
    inside(lambda: [metrics.increment("a", tags={"k": tag}) for tag in (True, 1, 1.0, "1", odd)])
    values = {"True": 1, "1": 2, "1.0": 1}
    values[str(odd)] += 1
    assert bare(lines) == [f"{count}|count|a|#k:{text}" for text, count in values.items()]


def test_an_unknown_cardinality(lines: Lines) -> None:
    """Left out and said; a known one is told."""
    configure(OBSERVE_METRICS_FORMAT="dogstatsd")
    inside(lambda: [metrics.increment("a", cardinality=asked) for asked in ("low", "huge")])
    assert lines.metrics == ["a:1|c|card:low", "a:1|c"]
    assert "'huge' is none of" in lines.logs[0]["message"]


def test_a_sum_that_is_too_large(lines: Lines) -> None:
    """Infinity cannot be written: the value that makes it is left out."""
    inside(lambda: [metrics.increment("a", 1.7e308) for _ in range(2)])
    assert bare(lines) == ["1.7e+308|count|a|#"]
    assert "is too large" in lines.logs[0]["message"]


# --- Timers ---------------------------------------------------------------------------------


def timings(lines: Lines) -> list[tuple[str, str, float]]:
    """(name, kind, value) of each line."""
    parts = (line.split("|") for line in bare(lines))
    return [(name, kind, float(value)) for value, kind, name, *_ in parts]


def test_timed_as_block_and_decorator(lines: Lines) -> None:
    """Functions, coroutines and blocks are measured, failures included; results and names stay."""

    @metrics.timed("sync", tags=["a:b"])
    def double(n: int) -> int:
        return 2 * n

    @metrics.distributed()
    async def pause(n: int) -> int:
        await asyncio.sleep(0)
        return n

    @metrics.timed("failed")
    def fail() -> None:
        raise KeyError("mine")

    def handler() -> None:
        assert (double(2), asyncio.run(pause(3)), double.__name__) == (4, 3, "double")
        with pytest.raises(KeyError, match="mine"):
            fail()
        with metrics.timed("block") as outer, outer:
            pass
        assert outer.elapsed is not None
        assert asyncio.iscoroutinefunction(pause)
        assert asyncio.run(metrics.timed("partial")(functools.partial(pause, 1))()) == 1
        timer = metrics.timed("hand")
        timer.start()
        timer.stop()

    inside(handler)
    told = timings(lines)
    name = f"{__name__}.pause"
    assert [(metric, kind) for metric, kind, _ in told] == [
        ("sync", "timing"),
        (name, "distribution"),
        (name, "distribution"),
        ("failed", "timing"),
        ("block", "timing"),
        ("block", "timing"),
        ("partial", "timing"),
        ("hand", "timing"),
    ]
    assert all(0 <= value < 60_000 for _, _, value in told)


@pytest.mark.parametrize(
    ("use_ms", "least", "most"), [(None, 9.9, 9e3), (True, 10, 9e3), (False, 0.0099, 9.0)]
)
def test_the_unit_of_a_timer(lines: Lines, use_ms: bool | None, least: float, most: float) -> None:
    """Milliseconds, unless seconds are asked for as the datadog client has them."""
    with metrics.timed("t", use_ms=use_ms):
        threading.Event().wait(0.0101)
    ((_, _, value),) = timings(lines)
    assert least <= value < most
    assert use_ms is not True or value == int(value)
