"""observe.metrics: gathered in an invocation, written once, bounded, and never in a handler's way."""

from __future__ import annotations

import enum
import os
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable
from typing import Any

import pytest

import observe
from observe import invocation, metrics, settings, stdout
from observe.testing import Lines
from tests.observe.running import run


def configure(**variables: str) -> None:
    """Settings of these variables and no others."""
    settings.replace(settings.Settings(variables))


def inside(function: Callable[[], object]) -> None:
    """Run a function in an invocation."""
    run({}, lambda event, context: function())


def bare(lines: Lines) -> list[str]:
    """The metric lines; of MONITORING without the time."""
    return [line.split("|", 2)[2] if line.startswith("MONITORING|") else line for line in lines.metrics]


@pytest.fixture
def dogstatsd() -> None:
    """Datagrams, which show more than one value a line."""
    configure(OBSERVE_METRICS_FORMAT="dogstatsd")


def test_an_invocation_is_told_in_one_line_a_series(lines: Lines, dogstatsd: None) -> None:
    """Counts are summed, a gauge's last value stays, other kinds keep their values, sets their members."""

    def handler() -> None:
        for value in (1, 2, 3.5):
            metrics.increment("c", value, {"a": "b"})
            metrics.gauge("g", value)
            metrics.histogram("h", value)
            metrics.distribution("d", value, ["a:b", "flag"])
            metrics.timing("t", value)
            metrics.set("s", value > 1)
        metrics.decrement("c", 2, ["a:b"])
        metrics.count("c", 1, {"a": "other"})
        assert lines.metrics == []

    inside(handler)
    assert lines.metrics == [
        "c:4.5|c|#a:b",
        "g:3.5|g",
        "h:1:2:3.5|h",
        "d:1:2:3.5|d|#a:b,flag",
        "t:1:2:3.5|ms",
        "s:False|s",
        "s:True|s",
        "c:1|c|#a:other",
    ]


def test_everything_is_written_at_once_at_the_end() -> None:
    """Metrics, spans and whatever else an invocation has to tell cost one write."""
    code = """
    import os, observe
    read, write = os.pipe()
    os.dup2(write, 1)
    writes = []
    real = os.write
    os.write = lambda fd, data: writes.append(bytes(data)) or real(fd, data)
    def handler(event, context):
        observe.metrics.increment("a")
        observe.metrics.gauge("b", 2)
    observe.instrument(handler)({}, None)
    assert len(writes) == 1, writes
    assert writes[0].count(b"MONITORING|") == 2 and b"resourceSpans" in writes[0]
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True, timeout=60)


def test_the_next_invocation_begins_anew(lines: Lines) -> None:
    """Nothing is told twice."""
    inside(lambda: metrics.increment("a"))
    inside(lambda: metrics.increment("b"))
    inside(lambda: None)
    assert bare(lines) == ["1|count|a|#", "1|count|b|#"]


def test_what_was_told_at_a_timeout_is_not_told_again(lines: Lines) -> None:
    """The watchdog asks for the lines, and the handler goes on after all."""

    def handler() -> None:
        metrics.increment("a", 3)
        active = invocation.active
        assert active is not None
        assert active.metrics is not None
        stdout.write_all(active.metrics.lines(failed=True))
        metrics.increment("a", 4)

    inside(handler)
    assert bare(lines) == ["3|count|a|#", "4|count|a|#"]


def test_outside_of_an_invocation_a_metric_is_written_at_once(lines: Lines) -> None:
    """At import time, and by a thread that outlives its invocation."""
    metrics.increment("early")
    assert bare(lines) == ["1|count|early|#"]
    go = threading.Event()
    late = threading.Thread(target=lambda: go.wait(10) and metrics.gauge("late", 1))
    inside(late.start)
    go.set()
    late.join(10)
    assert bare(lines)[1:] == ["1|gauge|late|#"]


def test_a_thread_that_is_late_by_a_moment_loses_nothing(lines: Lines) -> None:
    """It has got hold of the invocation that ends meanwhile."""
    kept: list[invocation.Invocation] = []

    def handler() -> None:
        metrics.increment("a")
        assert invocation.active is not None
        kept.append(invocation.active)

    inside(handler)
    invocation.active = kept[0]  # as the thread has read it
    metrics.increment("a", 2)
    assert bare(lines) == ["1|count|a|#", "2|count|a|#"]


def test_threads_lose_nothing(lines: Lines) -> None:
    """Eight threads count together, through many gatherings."""

    def work() -> None:
        for n in range(3000):
            metrics.increment("a", tags={"n": str(n % 3)})
            metrics.set("s", n % 5)

    def handler() -> None:
        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    inside(handler)
    assert sorted(bare(lines)) == sorted(
        [*(f"8000|count|a|#n:{n}" for n in range(3)), *(f"s:{n}|s" for n in range(5))]
    )


def test_much_is_written_before_the_end(lines: Lines, dogstatsd: None) -> None:
    """Memory stays bounded, and the sum over all lines is what was measured."""

    def handler() -> None:
        for n in range(40_000):
            metrics.increment("c")
            metrics.histogram("h", n)
        assert len(lines.raw) > 1
        active = invocation.active
        assert active is not None
        assert len(active.metrics.pending) <= 513  # type: ignore[union-attr]

    inside(handler)
    parts = [line.split("|")[0].split(":") for line in lines.metrics]
    assert sum(int(count) for name, *counts in parts if name == "c" for count in counts) == 40_000
    assert [int(v) for name, *values in parts if name == "h" for v in values] == list(range(40_000))


def test_datapoints_with_a_time_stay_apart(lines: Lines) -> None:
    """Each is a line of its own, in every format; a time of 0 is now."""
    for form, expected in (
        ("dogstatsd", ["g:1|g|#a:b|T1713804588", "g:2|g|#a:b|T1713804588", "c:3|c|T1713804588", "c:4|c"]),
        ("monitoring", ["MONITORING|1713804588|1|gauge|g|#a:b"]),
        ("datadog", ['{"m":"g","v":1,"e":1713804588,"t":["a:b"]}']),
        ("emf", ['{"_aws":{"Timestamp":1713804588000,']),
    ):
        configure(OBSERVE_METRICS_FORMAT=form)
        lines.raw.clear()

        def handler() -> None:
            metrics.count_with_timestamp("c", 4)
            metrics.gauge_with_timestamp("g", 1, 1713804588, {"a": "b"})
            metrics.gauge_with_timestamp("g", 2, 1713804588.7, {"a": "b"})
            metrics.count_with_timestamp("c", 3, 1713804588)

        inside(handler)
        told = [line.decode().rstrip("\n") for line in lines.raw if b"resourceSpans" not in line]
        if form == "dogstatsd":
            assert told == [expected[3], *expected[:3]]
        else:
            assert told[1].startswith(expected[0])


def test_events_and_service_checks_are_written_when_they_happen(lines: Lines) -> None:
    """They are datagrams in any format, with the constant tags."""
    configure(DD_ENV="prod", DATADOG_TAGS=" team:a b, ,")

    def handler() -> None:
        metrics.event("Man down", "needs\nhelp", "error", "k|ey", "src", 5, "low", ["a:b"], "host", "low")
        metrics.service_check("db.up", metrics.CRITICAL, timestamp=7, hostname="h", message="m: no\nway")
        assert lines.metrics == [
            "_e{8,11}:Man down|needs\\nhelp|d:5|h:host|k:k_ey|p:low|s:src|t:error"
            "|#a:b,team:a_b,env:prod|card:low",
            "_sc|db.up|2|d:7|h:h|#team:a_b,env:prod|m:m\\: no\\nway",
        ]

    inside(handler)


def test_a_long_event_is_cut() -> None:
    """Its message ends with a mark, and its lengths are right."""
    with observe.testing.capture() as lines:
        metrics.event("ti\ntle", "é\n" * 9000, tags=["a:b"])
        metrics.event("t" * 9000, "message")
    (datagram,) = lines.metrics
    assert len(datagram) <= 8192
    head, _, rest = datagram.partition(":")
    title, text = (int(length) for length in head[3:-1].split(","))
    raw = rest.encode()
    assert raw[:title].decode() == "ti\\ntle"
    assert raw[title + 1 : title + 1 + text].decode().endswith("…")
    assert raw[title + 1 + text :] == b"|#a:b"
    assert "are too many" in lines.logs[0]["message"]


def test_constant_tags_of_the_environment(lines: Lines) -> None:
    """DATADOG_TAGS, then DD_ENV, DD_SERVICE and DD_VERSION as the datadog client has them, then DD_TAGS."""
    configure(
        DATADOG_TAGS="team:claims, cost centre:7,,",
        DD_ENV="prod",
        DD_SERVICE="claims",
        DD_VERSION="1.2",
        DD_TAGS="a:b,c:d env:prod",
    )
    inside(lambda: metrics.increment("x", tags={"k": "v"}))
    assert bare(lines) == [
        "1|count|x|#k:v,team:claims,cost_centre:7,env:prod,service:claims,version:1.2,a:b,c:d"
    ]


@pytest.mark.parametrize("variables", [{"OBSERVE_MODE": "propagate"}, {"OBSERVE_DISABLED": "1"}])
def test_nothing_is_written_where_metrics_are_off(lines: Lines, variables: dict[str, str]) -> None:
    """Neither in an invocation nor outside."""
    configure(**variables)

    def everything() -> None:
        metrics.increment("a")
        metrics.gauge_with_timestamp("g", 1, 5)
        metrics.event("t", "m")
        metrics.service_check("c", 0)

    everything()
    inside(everything)
    assert lines.metrics == []


def test_metrics_are_written_beside_another_tracer(lines: Lines) -> None:
    """Passive is about spans."""
    configure()
    found = settings.get()
    found.mode, found.passive = "propagate", "ddtrace"
    inside(lambda: metrics.increment("a"))
    assert bare(lines) == ["1|count|a|#"]


def test_a_replay_is_not_told(lines: Lines) -> None:
    """What a durable function has done before was told then."""

    def handler() -> None:
        assert invocation.active is not None
        invocation.active.muted = True
        metrics.increment("replayed")
        metrics.gauge_with_timestamp("replayed", 1, 5)
        metrics.event("replayed", "m")
        invocation.active.muted = False
        metrics.increment("new")

    inside(handler)
    assert bare(lines) == ["1|count|new|#"]


def test_a_forked_child_tells_its_own(lines: Lines, tmp_path: Any) -> None:
    """Nobody asks a child at the end: it writes at once, and nothing that its parent will write."""
    told = tmp_path / "child"

    def handler() -> None:
        metrics.increment("parent")
        child = os.fork()
        if not child:
            lines.raw.clear()
            metrics.increment("child", 2)
            told.write_bytes(b"".join(lines.raw))
            os._exit(0)
        os.waitpid(child, 0)

    inside(handler)
    assert bare(lines) == ["1|count|parent|#"]
    assert told.read_text().split("|", 2)[2] == "2|count|child|#\n"


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: metrics.increment("a.b", None), "its value, NoneType None, is no number"),  # type: ignore[arg-type]
        (lambda: metrics.gauge("a.b", 1, tags=5), "its tags, int 5, are no mapping"),  # type: ignore[arg-type]
        (lambda: metrics.gauge("a.b", 1, sample_rate="x"), "its sample rate, str x"),  # type: ignore[arg-type]
        (lambda: metrics.set("a.b", None), "None is no member of a set"),
    ],
)
def test_a_mistake_is_a_sentence_that_names_the_metric(lines: Lines, call: Any, said: str) -> None:
    """What cannot be written is left out; the warning says of which metric, and why."""
    call()
    (line,) = lines.logs
    assert line["message"].startswith("hybrid-observe: metric 'a.b' failed and was left out: ")
    assert said in line["message"]
    assert lines.metrics == []


class _Colour(str, enum.Enum):  # noqa: UP042  # as most are written
    RED = "red"


@pytest.mark.parametrize("first", ["red", _Colour.RED])
def test_a_tag_of_an_enumeration_of_texts_is_its_text(lines: Lines, first: str) -> None:
    """Whichever comes first: both are equal, and so is what is written."""
    for value in (first, _Colour.RED, "red"):
        metrics.increment("a.b", tags={"c": value})
    assert [line.rpartition("#")[2] for line in lines.metrics] == ["c:red"] * 3
