"""The edge: every event delivered, stored or dropped, and the ledger that says so."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from observe.ids import key_mark
from subscribers import handler as edge
from subscribers.config import EMPTY, Config, LogGroup, loads
from subscribers.envelope import LogBatch, encode
from subscribers.handler import make_handler
from subscribers.ledger import LedgerError
from subscribers.parse import FORMATS
from subscribers.parsers.page import Page, Parsed
from subscribers.signals import Log, Metric, Signal, Span
from subscribers.store import Store
from subscribers.store_errors import StoreError
from tests.subscribers.lambda_stream import COLD, END, NOW, START, batch
from tests.subscribers.sink import Memory

CONTEXT = SimpleNamespace(log_group_name="/aws/lambda/subscriber")


def handled(event: Any, sink: Memory, config: Config = EMPTY, context: Any = CONTEXT) -> dict[str, Any]:
    return make_handler(config, sink, lambda: NOW, region="eu-west-1")(event, context)


def ledger(received: int, delivered: int = 0, stored: int = 0, **dropped: int) -> dict[str, Any]:
    return {
        "sink": "store",
        "received": received,
        "delivered": delivered,
        "stored": stored,
        "dropped": dropped,
    }


def test_a_payload_is_delivered_and_accounted_for(capsys: pytest.CaptureFixture[str]) -> None:
    """The reply is the ledger, the sink has it too, and one line says what happened."""
    sink = Memory()
    assert handled(encode(batch(START, "hello", "", END, COLD)), sink) == ledger(5, 4, no_signal=1)
    assert len(sink.signals) == 4 + 9 + 1  # logs, metrics, the invocation
    (row,) = sink.ledgers
    assert (row["received"], row["delivered"], row["dropped"]) == (5, 4, 1)
    measured, dropped, said = map(json.loads, capsys.readouterr().out.splitlines())

    assert measured["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["sink"]]
    told = [measured[f"events_{word}"] for word in ("received", "delivered", "stored", "dropped")]
    assert (measured["sink"], told) == ("store", [5, 4, 0, 1])
    assert (dropped["reason"], dropped["events_dropped"]) == ("no_signal", 1)
    assert (said["level"], said["log_group"], said["signals"]) == ("INFO", "/aws/lambda/claims", 14)
    assert said["ledger"] == ledger(5, 4, no_signal=1)


def test_an_empty_batch_is_fine() -> None:
    """Nothing in, nothing out."""
    assert handled(encode(batch()), Memory()) == ledger(0)


def test_a_control_message_is_dropped_by_name() -> None:
    """CloudWatch only asks whether we are there."""
    control = msgspec.structs.replace(batch("CWL CONTROL MESSAGE"), message_type="CONTROL_MESSAGE")
    sink = Memory()
    assert handled(encode(control), sink) == ledger(1, control_message=1)
    assert not sink.signals


def test_its_own_log_group_is_refused() -> None:
    """Else its summary line would come back for ever."""
    own = encode(batch("x", group=CONTEXT.log_group_name))
    assert handled(own, Memory()) == ledger(1, own_log_group=1)
    assert handled(own, Memory(), context=None) == ledger(1, 1)


def gzipped(raw: bytes) -> dict[str, Any]:
    return {"awslogs": {"data": base64.b64encode(gzip.compress(raw)).decode()}}


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        ({"Records": []}, "not_awslogs"),
        ({"awslogs": {"data": "H4sI*"}}, "bad_base64"),
        ({"awslogs": {"data": base64.b64encode(gzip.compress(b"{}")[:-4]).decode()}}, "bad_gzip"),
        (gzipped(b"no json"), "bad_json"),
        (gzipped(b"{}"), "bad_shape"),
        (gzipped(b" " * ((64 << 20) + 1)), "too_large"),
    ],
)
def test_what_cannot_be_decoded_is_stored_raw(event: dict[str, Any], reason: str) -> None:
    """No retry can mend it: a dead letter, byte for byte what came in, counted as one event."""
    sink = Memory()
    assert handled(event, sink) == ledger(1, stored=1)
    ((why, document, detail),) = sink.dead
    assert (why, json.loads(document)) == (reason, event)
    assert detail["error"].startswith(reason)


def test_an_event_that_is_none_costs_only_itself() -> None:
    """Its payload is kept for it, and its neighbours are delivered."""
    document = json.loads(msgspec.json.encode(batch("a", "b", "c")))
    document["logEvents"][1]["timestamp"] = -1
    sink = Memory()
    assert handled(gzipped(json.dumps(document).encode()), sink) == ledger(3, 2, stored=1)
    assert [signal.message for signal in sink.signals.values() if isinstance(signal, Log)] == ["a", "c"]
    assert sink.dead[0][0] == "bad_shape"


def test_an_event_that_is_no_json_is_stored_by_its_type() -> None:
    """Lambda never sends one; a wrong test may."""
    sink = Memory()
    handled({1, 2, object()}, sink)
    assert sink.dead[0][1] == b"<class 'set'>"


@pytest.mark.parametrize("fault", [OSError("disk full"), StoreError("x"), ValueError("x")])
@pytest.mark.parametrize("event", [encode(batch("x")), {}], ids=["data", "dead letter"])
def test_what_the_sink_cannot_take_fails_the_invocation(
    fault: Exception, event: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    """Lambda retries a failed invocation; a swallowed fault would lose the lines."""
    with pytest.raises(type(fault)):
        handled(event, Memory(fault))
    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (said["level"], said["error"]["type"]) == ("ERROR", type(fault).__name__)
    assert (said["ledger"], said["unsettled"]) == (ledger(0), 1)


def test_a_large_payload_is_delivered_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that it needs little memory; what a fault of ours leaves unread is stored."""
    writes: list[int] = []

    class Counting(Memory):
        def append(self, signals: Iterable[Signal]) -> None:
            before = len(self.signals)
            super().append(signals)
            writes.append(len(self.signals) - before)

    payload = encode(batch(*(f"line {n}" for n in range(25_000)), group="/legacy/x"))
    assert handled(payload, Counting()) == ledger(25_000, 25_000)
    assert len(writes) == 2
    assert sum(writes) == 25_000
    read, pages = FORMATS["text"], iter(range(2))

    def trip(page: Page) -> Parsed:
        next(pages)
        return read(page)

    monkeypatch.setitem(FORMATS, "text", trip)
    config = loads("version: 1\nservices: {x: {side: legacy, format: text, log_groups: [/legacy/x]}}")
    sink = Memory()
    assert handled(payload, sink, config) == ledger(25_000, 16_384, stored=8_616)
    assert sink.dead[0][0] == "parser_fault"


def test_a_fault_of_a_parser_is_stored_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    """A payload that trips us must not block its stream, and is kept for the day we are mended."""

    def trip(page: Page) -> Parsed:
        raise RuntimeError("ours")

    monkeypatch.setitem(FORMATS, "lambda", trip)
    sink = Memory()
    assert handled(encode(batch("a", "b")), sink) == ledger(2, stored=2)
    assert sink.dead[0][0] == "parser_fault"


def test_a_ledger_that_does_not_balance_fails_the_invocation(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault of ours is never passed off as success."""
    monkeypatch.setitem(FORMATS, "lambda", lambda page: Parsed(silent=-1))
    with pytest.raises(LedgerError):
        handled(encode(batch("a")), Memory())


def origin(group: str, config: Config = EMPTY) -> tuple[str, str, str]:
    sink = Memory()
    handled(encode(batch('{"level":"INFO","message":"m"}', group=group)), sink, config)
    (log,) = sink.signals.values()
    assert isinstance(log, Log)
    assert (log.origin.account, log.origin.region) == ("123456789012", "eu-west-1")
    return log.origin.service, log.origin.side, log.dataset


def test_a_group_without_configuration_names_its_service() -> None:
    """Functions by their name, anything else by its last segment, on the legacy side."""
    assert origin("/aws/lambda/claims-check") == ("claims-check", "serverless", "lambda.json")
    assert origin("/legacy/claims/") == ("claims", "legacy", "json")
    assert origin("plain") == ("plain", "legacy", "json")


CONFIG = loads(
    """
version: 1
services:
  web: {side: legacy, format: text, log_groups: ["/legacy/web*"]}
  claims: {side: serverless, log_groups: ["/custom/claims"]}
  mainframe: {side: legacy, log_groups: ["/mf"]}
"""
)
# No file can say so: a format of that name is a mistake there.
CONFIG.services["mainframe"] = msgspec.structs.replace(
    CONFIG.services["mainframe"], groups=(LogGroup("/mf", "klingon"),)
)


def test_configuration_names_service_side_and_format(capsys: pytest.CaptureFixture[str]) -> None:
    """A serverless service is read as functions write; a format we lack is detected, and said."""
    assert origin("/legacy/web/1", CONFIG) == ("web", "legacy", "text")
    assert origin("/custom/claims", CONFIG) == ("claims", "serverless", "lambda.json")
    assert origin("/mf", CONFIG) == ("mainframe", "legacy", "json")
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["notes"] == {"format_unknown": 1}


@pytest.mark.parametrize("format", ["", "format: lambda, "])
def test_an_invocation_costs_what_its_service_pays(format: str) -> None:
    """By the service's own price, else by the list's for its architecture."""
    costs = {}
    for price in (
        "",
        "architecture: arm64, ",
        "price: {usd_per_gb_second: 1, usd_per_million_requests: 0}, ",
    ):
        sink = Memory()
        text = f"{{side: serverless, {format}{price}log_groups: [/aws/lambda/claims]}}"
        handled(encode(batch(START, END, COLD)), sink, loads(f"version: 1\nservices: {{c: {text}}}"))
        (costs[price],) = (
            signal.value
            for signal in sink.signals.values()
            if isinstance(signal, Metric) and signal.name == "aws.lambda.estimated_cost"
        )
    listed, arm, own = costs.values()
    assert arm < listed < own
    assert own == pytest.approx(0.010 * 128 / 1024)


HYBRID = loads(
    """
version: 1
services:
  claims-legacy:
    side: legacy
    timezone: Europe/Paris
    correlation_field: vorgang
    log_groups:
      - {name: /legacy/app, format: {log4j: "%d %-5p [%X{vorgang}] %m%n"}}
      - {name: /legacy/access, format: apache}
endpoints:
  claim:
    route: GET /claims/{id}
    legacy: {service: claims-legacy, route: "GET /old/{number}"}
keys: {claim: "CLM-([0-9]+)"}
"""
)
APP = "2026-11-21 04:30:10,123 ERROR [V-1] CLM-889123 refused"


def test_log4j_lines_are_joined_and_accounted_for(capsys: pytest.CaptureFixture[str]) -> None:
    """Zone, correlation field and keys are the configuration's; a joined line is delivered with its log."""
    sink = Memory()
    lines = ("\tat of.Before(A.java:1)", APP, "java.lang.Error: no", "\tat a.B.c(B.java:1)", "", APP)
    make = make_handler(HYBRID, sink, lambda: NOW, key_secret="s")
    assert make(encode(batch(*lines, group="/legacy/app")), CONTEXT) == ledger(6, 5, no_signal=1)
    (_, log, _) = sink.signals.values()
    assert isinstance(log, Log)
    assert (log.time_unix_nano, log.correlation_id) == (1_795_231_810_123_000_000, "V-1")
    assert (log.error_type, log.keys) == ("java.lang.Error", (key_mark("claim", "889123", "s"),))
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["notes"] == {"unparsed": 1}


@given(
    st.lists(st.sampled_from([APP, "java.lang.Error: no", "\tat a.B.c(B.java:1)", "", "x\ny", f"{APP}\nz"]))
)
def test_the_ledger_conserves_lines_that_are_joined(lines: list[str]) -> None:
    """Every line is delivered, with a log of its own or as part of one, or blank."""
    told = handled(encode(batch(*lines, group="/legacy/app")), Memory(), HYBRID)
    assert told["delivered"] + told["dropped"].get("no_signal", 0) == told["received"] == len(lines)


def test_a_joined_line_is_delivered_only_with_its_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """The ledger counts from what was written."""
    monkeypatch.setitem(FORMATS, "lambda", lambda page: Parsed(joined={"b": "a"}))
    with pytest.raises(LedgerError):
        handled(encode(batch("a")), Memory())


def test_a_legacy_request_is_of_its_endpoint() -> None:
    """The span is named by the endpoint's route, whatever path the implementation sees."""
    sink = Memory()
    access = '127.0.0.1 - - [21/Nov/2026:03:30:10.123 +0000] "GET /old/7 HTTP/1.1" 200 57 1 "CLM-1" "-"'
    handled(encode(batch(access, group="/legacy/access")), sink, HYBRID)
    log, span = sink.signals.values()
    assert isinstance(span, Span)
    assert (span.name, span.attributes["http.route"]) == ("GET /claims/{id}", "/claims/{id}")
    assert (span.attributes["url.path"], isinstance(log, Log)) == ("/old/7", True)


lines = st.sampled_from(["", "x", START, END, COLD, "MONITORING|bad", '{"resourceSpans":[]}', "a:1|c"])
payloads = st.one_of(
    st.lists(lines, max_size=6).map(lambda some: encode(batch(*some))),
    st.binary(max_size=50).map(gzipped),
    st.dictionaries(st.text(), st.text(), max_size=2),
)


@given(payloads)
def test_the_ledger_conserves_events(event: dict[str, Any]) -> None:
    """Delivered, stored and dropped add up to what came in, and what is delivered is in the sink."""
    sink = Memory()
    told = handled(event, sink)
    assert told["delivered"] + told["stored"] + sum(told["dropped"].values()) == told["received"]
    assert len({event_id.partition(":")[0] for event_id in sink.signals}) == told["delivered"]
    assert len(sink.dead) == (told["stored"] > 0)


# --- With the real store --------------------------------------------------------------------


@pytest.fixture
def store_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The handler of the module, as Lambda would start it."""
    (tmp_path / "observe.yaml").write_text(
        "version: 1\nservices:\n  claims-api: {side: serverless, log_groups: [/aws/lambda/claims]}\n"
    )
    monkeypatch.setenv("OBSERVE_CONFIG", str(tmp_path / "observe.yaml"))
    monkeypatch.setenv("OBSERVE_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    edge._from_environment.cache_clear()
    yield tmp_path / "store"
    edge._from_environment.cache_clear()


def test_the_module_delivers_to_the_store_once(store_path: Path) -> None:
    """Lambda retries a payload: the second time changes nothing."""
    payload: LogBatch = batch(START, "hello", END, COLD)
    first = edge.handler(encode(payload), CONTEXT)
    assert edge.handler(encode(payload), CONTEXT) == first == ledger(4, 4)
    store = Store(store_path)
    counts = {
        table: store.query(f"SELECT count(*) AS n FROM {table}")[0]["n"]
        for table in ("logs", "metrics", "ledger")
    }
    assert counts == {"logs": 4, "metrics": 9, "ledger": 1}
    assert store.query("SELECT DISTINCT service, region FROM logs") == [
        {"service": "claims-api", "region": "eu-west-1"}
    ]


def test_the_module_stores_dead_letters(store_path: Path) -> None:
    """The raw payload lies in the store's folder of its reason."""
    assert edge.handler({"awslogs": {"data": "?"}}, CONTEXT) == ledger(1, stored=1)
    assert [json.loads(path.read_bytes()) for path in store_path.rglob("*.bin")] == [
        {"awslogs": {"data": "?"}}
    ]
