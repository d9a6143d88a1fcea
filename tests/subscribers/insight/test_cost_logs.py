"""What log lines cost, which functions are idle, and pressure on connections."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from observe import wire
from subscribers.config import Config, load, loads
from subscribers.insight.answer import Question
from subscribers.insight.cost import answer
from subscribers.insight.cost_connections import pressure
from subscribers.insight.cost_idle import idle
from subscribers.insight.cost_logs import groups
from subscribers.insight.line_templates import grouped, line_templates
from subscribers.signals import Log, Metric, Span
from subscribers.store import Store
from tests.subscribers.insight.invoked import T0_MS, entry, invoked, lines
from tests.subscribers.insight.test_cost import stored, table, texts
from tests.subscribers.samples import T0, log, metric, origin, span

NS = 1_000_000_000
MINUTE_MS = 60_000


def line(n: int, message: str, at_ms: float = 0, **more: Any) -> Log:
    """A line of the legacy service `claims`."""
    return log(f"{n}-{message[:20]}", at_ms, message=message, **more)


def test_templates(tmp_path: Path) -> None:
    """Lines that differ in IDs are one template; most bytes come first, and all bytes are accounted for."""
    many = [line(n, f"claim CLM-{n:06} took {n * 7} ms") for n in range(30)]
    store = stored(tmp_path, many, line(0, "x" * 100, level="DEBUG"))
    found = line_templates(store.query, Question())
    first, second = found.templates
    assert (first.template, first.lines) == ("claim CLM-<*> took <*> ms", 30)
    assert (second.bytes, second.level) == (100, "DEBUG")
    assert found.bytes == found.looked_at_bytes == sum(len(one.message) for one in many) + 100
    assert (found.lines, found.looked_at, found.kinds) == (31, 2, 2)


def test_templates_are_bounded(tmp_path: Path) -> None:
    """Of more kinds of lines than are looked at, those with most bytes are, and that is told."""
    kinds = [line(n, "ghijklmnop"[: n + 1] * 9) for n in range(9)]
    found = line_templates(stored(tmp_path, kinds).query, Question(), looked_at_max=2)
    assert (len(found.templates), found.looked_at, found.kinds) == (2, 2, 9)
    assert found.looked_at_bytes == 81 + 72 < found.bytes


def test_templates_by_group() -> None:
    """The same text in two groups, or at two levels, is two templates."""
    row = {"message": "a 1", "log_group": "g", "service": "s", "level": "INFO", "lines": 1, "bytes": 3}
    rows = [row, {**row, "message": "a 2"}, {**row, "log_group": "h"}, {**row, "level": "DEBUG"}]
    assert sorted(one.lines for one in grouped(rows)) == [1, 1, 2]


def test_bytes_by_group(tmp_path: Path) -> None:
    """Bytes are those of the lines, the layer's own told apart; what comes through S3 asks nothing."""
    front: dict[str, Any] = {"service": "front", "side": "serverless"}
    receipt: dict[str, Any] = {"dataset": "observe", "attributes": {"event": "observe.receipt"}}
    store = stored(
        tmp_path,
        line(1, "a" * 1000),
        line(2, "b" * 500, level="DEBUG"),
        line(3, "d" * 70, service="nightly"),
        line(4, "c" * 100, **front),
        line(5, "receipt", **front, **receipt),
        replace(entry("front", 1, 1), origin=origin("front", "serverless")),
    )
    text = "version: 1\nservices: {nightly: {side: legacy, log_groups: [/app/nightly]}}\n"
    text += "archives: [{prefix: N., kind: file, log_group: /app/nightly}]\n"
    found = {one.service: one for one in groups(store.query, Question(config=loads(text)))}
    assert (found["claims"].bytes, found["claims"].debug_bytes, found["claims"].own_bytes) == (1500, 500, 0)
    assert found["claims"].usd == pytest.approx(1500 / 1e9 * 0.5)
    assert found["nightly"].usd is None
    assert found["front"].lines == 3
    assert found["front"].bytes - found["front"].own_bytes == 100


def test_bytes_of_spans(tmp_path: Path) -> None:
    """What is estimated for the layer's lines of spans is near what the layer writes."""
    written, read = 0, []
    for n in range(1, 20):
        told = [
            wire.Span("a" * 32, f"{n:08}{i:08}", "b" * 16, f"send queue-{i}", 3, T0) for i in range(n % 5 + 1)
        ]
        for one in told:
            one.attributes |= {"messaging.system": "aws_sqs", "faas.invocation_id": "r" * 36, "n": n}
        told[0].links.append(("c" * 32, "d" * 16, {"observe.link": "batch"}))
        (raw,) = wire.span_lines("front", told)
        written += len(raw)
        read += lines("front", (n, raw.decode()))
    (group,) = groups(stored(tmp_path, read).query, Question())
    assert group.lines == 19
    assert group.own_bytes == group.bytes == pytest.approx(written, rel=0.2)


def test_findings_of_logs(tmp_path: Path) -> None:
    """Logs dearer than functions, debug lines and a template with most bytes are told, as estimates."""
    store = stored(
        tmp_path,
        invoked("a", billed_ms=1, size_mb=128),
        line(1, "x" * 99_999, level="DEBUG", service="a", side="serverless"),
    )
    found = answer(store.query, Question())
    told = [one for one in found.findings if "log" in one.text or "line" in one.text]
    assert [(one.level, one.basis) for one in told] == [("warning", "estimated")] * 2 + [
        ("info", "estimated")
    ]
    assert "costs more than running them" in texts(found)


TEMPLATE = """
Resources:
  Forgotten: {Type: "AWS::Serverless::Function", Properties: {FunctionName: forgotten}}
  Known: {Type: "AWS::Serverless::Function", Properties: {FunctionName: used}}
"""


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """Three functions of observe.yaml, and one more in a template."""
    (tmp_path / "template.yaml").write_text(TEMPLATE, encoding="utf-8")
    (tmp_path / "observe.yaml").write_text(
        "version: 1\ntemplates: [template.yaml, gone.yaml]\nservices:\n"
        "  used: {side: serverless}\n"
        "  group: {side: serverless, functions: [rare, never]}\n"
        "  old: {side: legacy, log_groups: [/old]}\n",
        encoding="utf-8",
    )
    return load(tmp_path / "observe.yaml")


def test_idle_functions(tmp_path: Path, config: Config) -> None:
    """Functions that nobody invoked in the time, with their last invocation; a template's, too."""
    store = stored(tmp_path, invoked("rare", 1, 0), invoked("used", 2, 100))
    found, problems = idle(store.query, Question(config=config, first_unix_nano=(T0_MS + 50_000) * 1_000_000))
    told = {one.function: (one.service, one.named_by, one.last_unix_nano is not None) for one in found}
    assert told == {
        "rare": ("group", "observe.yaml", True),
        "never": ("group", "observe.yaml", False),
        "forgotten": ("", "template.yaml", False),
    }
    (problem,) = problems
    assert "gone.yaml cannot be read" in problem


def test_idle_finding(tmp_path: Path, config: Config) -> None:
    """Not to be invoked in a week is a warning, in less it is told that it is less."""
    for days, level in ((8, "warning"), (1, "info")):
        store = stored(tmp_path / level, invoked("used", 1, 0), invoked("used", 2, days * 86_400))
        found = answer(store.query, Question(config=config))
        (finding,) = (one for one in found.findings if one.text.startswith("Nobody invoked"))
        assert finding.level == level
        assert ("less than a week" in finding.text) is (level == "info")
        assert {row[0] for row in table(found, "idle").rows} == {"rare", "never", "forgotten"}


def gauge(name: str, value: float, at_ms: float = 0) -> Metric:
    """A gauge of the legacy service."""
    return replace(metric(name, value), kind="gauge", time_unix_nano=T0 + round(at_ms * 1e6))


def call(n: int, start_ms: float, end_ms: float) -> Span:
    """A call over HTTP from a function."""
    return span(
        f"c{n}",
        start_ms,
        end_ms,
        "front",
        "serverless",
        kind="client",
        attributes={"http.request.method": "GET"},
    )


EXHAUSTED = [
    "HikariPool-1 - Connection is not available, request timed out after 30000ms.",
    "QueuePool limit of size 5 overflow 10 reached, connection timed out",
    "FATAL: remaining connection slots are reserved for non-replication superuser connections",
    "ERROR 1040 (HY000): Too many connections",
    "Cannot get a connection, pool error Timeout waiting for idle object",
    "ORA-12516: TNS:listener could not find available handler",
    "no database connection after 503 ms (pool of 2)",
    "could not get JDBC connection",
    "The pool is exhausted",
    "waited 420 ms for a database connection (pool of 2)",
]


@pytest.mark.parametrize("message", EXHAUSTED)
def test_words_of_exhausted_pools(tmp_path: Path, message: str) -> None:
    """What pools and databases say when connections are short is known."""
    assert len(pressure(stored(tmp_path, line(1, message)).query, Question())) == 1


@pytest.mark.parametrize(
    "message", ["connection pool of 5 created", "pool opened", "connection closed", "5 open"]
)
def test_words_of_healthy_pools(tmp_path: Path, message: str) -> None:
    """What they say otherwise is no pressure."""
    assert not pressure(stored(tmp_path, line(1, message)).query, Question())


def test_pressure_with_callers(tmp_path: Path) -> None:
    """Minutes in which connections were short are told with the calls that functions had open."""
    busy = [call(n, 10 * MINUTE_MS, 10 * MINUTE_MS + 100 + n) for n in range(6)]
    calm = [call(100 + n, n * MINUTE_MS, n * MINUTE_MS + 1) for n in range(5)]
    short = line(1, "pool exhausted", 10 * MINUTE_MS + 50, correlation_id="c-1")
    store = stored(tmp_path, busy, calm, short, gauge("hikaricp.connections.active", 9, 10 * MINUTE_MS))
    store.append([gauge("hikaricp.connections.max", 10, 10 * MINUTE_MS)])
    (one,) = pressure(store.query, Question())
    assert (one.lines, one.in_use, one.most, one.calls, one.usual_calls) == (1, 9, 10, 6, 1)
    (finding,) = (f for f in answer(store.query, Question()).findings if "Connections" in f.text)
    assert (finding.level, finding.basis, finding.correlation_ids) == ("bad", "inferred", ("c-1",))


def test_gauges_alone(tmp_path: Path) -> None:
    """A pool that is nearly full is a warning without a line that says so; a half full one is none."""
    store = stored(tmp_path, gauge("db.pool.in_use", 8), gauge("db.pool.max", 10))
    assert [(one.in_use, one.most) for one in pressure(store.query, Question())] == [(8, 10)]
    other = Store(tmp_path / "other")
    other.append([gauge("db.pool.in_use", 5), gauge("db.pool.max", 10)])
    assert not pressure(other.query, Question())
