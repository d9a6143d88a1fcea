"""What functions and requests cost, by the lines that Lambda writes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from subscribers.config import EMPTY, Config, loads
from subscribers.insight.answer import Answer, Question, Table
from subscribers.insight.cold_starts import cold_starts
from subscribers.insight.cost import Cost, answer, cost
from subscribers.insight.cost_functions import FunctionCost, functions
from subscribers.insight.cost_words import monthly, percent, usd
from subscribers.parsers.prices import COMMON, REGIONS, Pricing
from subscribers.signals import Link, Signal
from subscribers.store import Store
from tests.subscribers.insight.invoked import T0_MS, entry, invoked, lines, request

#: What one second at 1,024 MB costs, with its request.
ONE = COMMON.x86_64 + COMMON.request


def stored(path: Path, *signals: Sequence[Signal] | Signal) -> Store:
    """A store of signals, and of lists of them."""
    store = Store(path / "store")
    store.append(one for part in signals for one in (part if isinstance(part, Sequence) else [part]))
    return store


def costs(store: Store, config: Config = EMPTY, **asked: object) -> Cost:
    """The costs in a store."""
    return cost(store.query, replace(Question(config=config), **asked))


def told(store: Store, config: Config = EMPTY, **asked: object) -> Answer:
    """The answer of a store."""
    return answer(store.query, replace(Question(config=config), **asked))


def table(found: Answer, name: str) -> Table:
    """One table of an answer."""
    return next(one for one in found.tables if one.name == name)


def texts(found: Answer) -> str:
    """All findings of an answer."""
    return "\n".join(one.text for one in found.findings)


def test_functions(tmp_path: Path) -> None:
    """A function costs its billed time at its size and its requests, by the prices of observe.yaml."""
    store = stored(tmp_path, invoked("a"), invoked("a", 2, 5, 500, 2048), invoked("b", 3))
    first, second = functions(store.query, Question())
    assert (first.function, first.invocations, first.billed_s, first.gb_s) == ("a", 2, 1.5, 2.0)
    assert first.usd == pytest.approx(2 * COMMON.x86_64 + 2 * COMMON.request)
    assert first.usd_per_million == pytest.approx(first.usd / 2 * 1e6)
    assert second.usd == pytest.approx(ONE)
    text = "version: 1\nservices:\n  a: {side: serverless, architecture: arm64}\n"
    config = loads(
        text + "  b: {side: serverless, price: {usd_per_gb_second: 1, usd_per_million_requests: 0}}\n"
    )
    by_name = {one.function: one.usd for one in costs(store, config).functions}
    assert by_name == {"a": pytest.approx(2 * COMMON.arm64 + 2 * COMMON.request), "b": pytest.approx(1.0)}
    assert "hold for a, b" in " ".join(told(store, config).notes)


@given(st.floats(0, 1e9), st.floats(128, 10_240), st.sampled_from(["", "eu-west-1", *REGIONS]))
def test_price_is_linear(billed_ms: float, size_mb: float, region: str) -> None:
    """A sum of billed time costs what its parts cost: the SQL multiplies sums by two numbers."""
    pricing = Pricing()
    per_request = pricing.usd(0, 1024, region)
    per_gb_s = pricing.usd(1000, 1024, region) - per_request
    linear = billed_ms / 1000 * size_mb / 1024 * per_gb_s + per_request
    assert linear == pytest.approx(pricing.usd(billed_ms, size_mb, region))


def test_memory(tmp_path: Path) -> None:
    """A function that uses less than half of its memory is told, if that is known and less there is."""
    many = [one for n in range(20) for one in invoked("large", n, n, used_mb=100)]
    small = [one for n in range(20, 40) for one in invoked("small", n, n, size_mb=128, used_mb=20)]
    full = [one for n in range(40, 60) for one in invoked("full", n, n, used_mb=900)]
    found = told(stored(tmp_path, many, small, full, invoked("new", 99, used_mb=1)))
    hints = {row[0]: row[-1] for row in table(found, "memory").rows}
    assert hints == {"large": "less memory may do", "small": None, "full": None, "new": None}
    (finding,) = (one for one in found.findings if one.text.startswith("large:"))
    assert finding.basis == "estimated"


def test_the_same_name_in_several_places(tmp_path: Path) -> None:
    """Functions of one name in two accounts or Regions are told apart, and so are their hints; else not."""
    here = [one for n in range(20) for one in invoked("f", n, n, used_mb=100)]
    there = [
        replace(one, origin=replace(one.origin, account="2", region="us-east-1"))
        for n in range(20, 40)
        for one in invoked("f", n, n, used_mb=900)
    ]
    same = told(stored(tmp_path / "one", here))
    assert table(same, "functions").rows[0][:3] == ("f", None, None)
    found = told(stored(tmp_path / "two", here, there))
    assert {row[:3] for row in table(found, "functions").rows} == {
        ("f", "123456789012", "eu-west-1"),
        ("f", "2", "us-east-1"),
    }
    hints = {row[:3]: row[-1] for row in table(found, "memory").rows}
    assert hints == {("f", "123456789012", "eu-west-1"): "less memory may do", ("f", "2", "us-east-1"): None}
    assert "f (123456789012, eu-west-1): less than half" in texts(found)


def test_restores_are_starts(tmp_path: Path) -> None:
    """A snapshot's restore costs what is billed of it, and cold-starts tells the same time of both kinds."""
    report = (
        f"REPORT RequestId: {request(1)}\tDuration: 56.63 ms\tBilled Duration: 239 ms\tMemory Size: 512 MB\t"
        "Max Memory Used: 106 MB\tRestore Duration: 457.42 ms\tBilled Restore Duration: 182 ms\t\n"
    )
    inited = (
        f"REPORT RequestId: {request(2)}\tDuration: 10.30 ms\tBilled Duration: 211 ms\tMemory Size: 512 MB\t"
        "Max Memory Used: 106 MB\tInit Duration: 200.20 ms\t\n"
    )
    store = stored(tmp_path, lines("snap", (0, report)), lines("init", (0, inited)))
    for found, start_ms, billed_ms in zip(
        functions(store.query, Question()), (182, 200.2), (239, 211), strict=True
    ):
        assert found.cold_starts == 1
        assert found.cold_starts_usd == pytest.approx(found.usd * start_ms / billed_ms)
    by_name = {one.function: one.billed_ms for one in cold_starts(store.query, Question()).functions}
    assert by_name == {"snap": 182, "init": pytest.approx(200.2)}


def test_waste(tmp_path: Path) -> None:
    """Retries, timeouts, errors and cold starts have their part of the cost; a retry has its request's ID."""
    store = stored(
        tmp_path,
        invoked("a", 1, 0, status="Status: error\tError Type: E\t"),
        invoked("a", 1, 60, status="Status: timeout\t"),
        invoked("a", 2, 120, 1000, init_ms=400),
        invoked("a", 3, 180),
    )
    (found,) = functions(store.query, Question())
    assert (found.invocations, found.retries, found.errors, found.timeouts, found.cold_starts) == (
        4,
        1,
        2,
        1,
        1,
    )
    assert found.retries_usd == found.timeouts_usd == pytest.approx(ONE)
    assert found.errors_usd == pytest.approx(2 * ONE)
    assert found.cold_starts_usd == pytest.approx(0.4 * ONE)
    said = [one for one in told(store).findings if "Retries" in one.text]
    assert [(one.level, one.basis) for one in said] == [("warning", "estimated")]


def test_failure_told_by_another_line(tmp_path: Path) -> None:
    """A traceback before the report makes its invocation an error, and not the retry in the same stream."""
    raised = (
        '[ERROR] ValueError: no\nTraceback (most recent call last):\n  File "/var/task/a.py", line 1, in f\n'
    )
    store = stored(tmp_path, invoked("a", 1, 0, said=raised), invoked("a", 1, 60, 3000))
    (found,) = functions(store.query, Question())
    assert (found.errors, found.retries) == (1, 1)
    assert found.errors_usd == pytest.approx(ONE)
    assert found.retries_usd == pytest.approx(3 * COMMON.x86_64 + COMMON.request)


def consumed(n: int, trace: int, message: str, at_s: float, **more: Any) -> Signal:
    """A span of `a` processing a message of the queue `q`."""
    attributes = {"messaging.message.id": message, "messaging.destination.name": "q"}
    return entry("a", n, trace, at_s, kind="consumer", attributes=attributes, **more)


def test_messages_processed_again(tmp_path: Path) -> None:
    """A message in a later invocation counts with its part of the batch."""
    batch: dict[str, Any] = {"links": (Link(f"{9:032x}", "b" * 16, {"observe.link": "batch"}),)}
    store = stored(
        tmp_path,
        invoked("a", 1),
        invoked("a", 2, 60),
        consumed(1, 1, "m-1", 0),
        consumed(2, 1, "m-1", 60, **batch, span_id="1" * 16, name="x"),
        consumed(2, 2, "m-2", 60, **batch, span_id="2" * 16, name="y"),
    )
    (found,) = functions(store.query, Question())
    assert (found.retries, found.redeliveries) == (0, 1)
    assert found.redeliveries_usd == pytest.approx(ONE / 2)


def test_no_price(tmp_path: Path) -> None:
    """Managed instances tell no billed time: their invocations count, have no price, and that is said."""
    store = stored(tmp_path, lines("a", (0, f"REPORT RequestId: {request(1)}\tDuration: 5.00 ms\n")))
    (found,) = functions(store.query, Question())
    assert (found.invocations, found.unpriced, found.usd, found.usd_per_million) == (1, 1, 0, None)
    assert "1 invocations tell no billed time" in " ".join(told(store).notes)


def test_month(tmp_path: Path) -> None:
    """What a month would cost is said of an hour of data and more, and is an estimate."""
    hour, less = 3600, 3599
    for seconds, month in ((hour, 730 * 2 * ONE), (less, None)):
        store = stored(tmp_path / str(seconds), invoked("a"), invoked("a", 2, seconds - 1))
        found = costs(store)
        assert monthly(2 * ONE, Question(), found.extent) == (month and pytest.approx(month))
        assert ("A month like this" in texts(told(store))) is bool(month)


def test_only_the_time_and_services_asked_for(tmp_path: Path) -> None:
    """Invocations outside of the time, or of other services, cost nothing here."""
    store = stored(tmp_path, invoked("a", 1, 0), invoked("a", 2, 100), invoked("b", 3, 100))
    later = costs(store, first_unix_nano=(T0_MS + 50_000) * 1_000_000, services=("a",))
    assert [(one.function, one.invocations) for one in later.functions] == [("a", 1)]


def test_empty(tmp_path: Path) -> None:
    """An empty store has tables that say so, and no finding."""
    store = Store(tmp_path / "store")
    store.record([])
    found = told(store, by="tenant")
    assert not found.findings
    assert all(one.empty and not one.rows for one in found.tables)


def test_most(tmp_path: Path) -> None:
    """A table has no more rows than asked for, and says how many are left out."""
    store = stored(tmp_path, *(invoked(f"f{n}", n) for n in range(5)))
    shown = table(told(store, most=2), "functions")
    assert (len(shown.rows), shown.more) == (2, 3)


def test_amounts_in_words() -> None:
    """Amounts are said in few digits, never with an exponent."""
    said = {
        1234.5: "~1,234 USD",
        0.5: "~0.50 USD",
        0.00023: "~0.00023 USD",
        1e-9: "~0.0000000010 USD",
        0: "~0 USD",
    }
    assert {amount: usd(amount) for amount in said} == said
    assert [percent(1, 3), percent(1, 400), percent(1, 0)] == ["33%", "0.2%", "0%"]


def test_values_of_a_function() -> None:
    """A changed memory is no base of a hint."""
    fields: dict[str, Any] = dict.fromkeys(FunctionCost.__struct_fields__, 0)
    known: dict[str, Any] = {"invocations": 99, "size_mb": 1024.0, "used_p99_mb": 10.0}
    one = FunctionCost(
        **{
            **fields,
            "function": "a",
            "service": "a",
            "region": "",
            "account": "",
            "was_resized": True,
            **known,
        }
    )
    assert not one.has_much_memory
    assert replace(one, was_resized=False).has_much_memory
