"""Several sinks at once: each has its own fate and its own ledger."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from subscribers.config import EMPTY, loads
from subscribers.configured import SHIPPED, deliverers, outlets_of
from subscribers.dead_letter import FolderKeeper
from subscribers.delivery import Policy
from subscribers.envelope import LogBatch, encode
from subscribers.handler import make_handler
from subscribers.http import Edge
from subscribers.kept import decode
from subscribers.outlets import ALL_KINDS, Local, Missed, Outlet, Outlets, Shipped
from subscribers.settings_error import SettingsError
from subscribers.shipping import Shipper
from subscribers.signals import Log, Metric, Signal
from subscribers.sinks.bulk import Names
from subscribers.sinks.channel import HttpRequest, Item, Request, Response
from subscribers.sinks.elasticsearch import make_elasticsearch
from tests.backends.elastic import Elastic
from tests.subscribers.delivered import Words, item
from tests.subscribers.lambda_stream import COLD, END, NOW, START, batch
from tests.subscribers.sink import Memory

METRIC = "MONITORING|1795231810|1|count|claims.accepted|#side:new"


class Scripted:
    """An edge that answers by event ID: those that begin so are `retry` or `bad`, the others are taken."""

    def __init__(self, **fates: tuple[str, ...]) -> None:
        self._fates = fates
        self.taken: list[str] = []

    def send(self, request: Request, timeout_s: float | None = None) -> Response:
        assert isinstance(request, HttpRequest)
        ids = json.loads(request.body)
        told = {fate: [id for id in ids if id.startswith(begins)] for fate, begins in self._fates.items()}
        self.taken += [id for id in ids if not any(id in some for some in told.values())]
        return Response(status=200, body=json.dumps(told).encode())

    def refresh(self, request: Request) -> None:
        """It has no secrets."""


def shipped(name: str, edge: Scripted, kinds: frozenset[type] = ALL_KINDS) -> Shipped:
    return Shipped(name, Shipper(name, [Words()], edge, Policy(attempts=1)), kinds)


def handled(outlets: Outlets, *lines: str, config: Any = EMPTY) -> dict[str, Any]:
    return make_handler(config, outlets, lambda: NOW)(encode(batch(*lines)), None)


def ids(sink: Memory) -> dict[str, str]:
    """Event IDs by message."""
    return {s.message.strip(): s.event_id for s in sink.signals.values() if isinstance(s, Log)}


def kept(folder: Path, kind: str) -> list[str]:
    """The event IDs that are kept."""
    found = [decode(path.read_bytes()) for path in (folder / kind).rglob("*.ndjson.gz")]
    return sorted(left.item.event_id for one in found for left in one.leftovers)


def test_each_sink_has_its_own_fate(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One takes all, one refuses a line for good, one has no time: three ledgers, nothing is sent twice."""
    store = Memory()
    handled(Outlets([Local("store", store)], store), "one", "two", "three")
    known = ids(store)
    keeper = FolderKeeper(tmp_path)
    whole, picky = Scripted(), Scripted(bad=(known["two"],), retry=(known["three"],))
    outlets: list[Outlet] = [Local("store", Memory()), shipped("whole", whole), shipped("picky", picky)]
    capsys.readouterr()
    told = handled(Outlets(outlets, keeper, keeper), "one", "two", "three")
    assert (told["sink"], told["delivered"], told["stored"]) == ("store", 3, 0)
    others = [(one["sink"], one["received"], one["delivered"], one["stored"]) for one in told["others"]]
    assert others == [("whole", 3, 3, 0), ("picky", 3, 1, 2)]
    assert (kept(tmp_path, "retries"), kept(tmp_path, "dead_letters")) == ([known["three"]], [known["two"]])
    assert (sorted(whole.taken), picky.taken) == (sorted(known.values()), [known["one"]])
    *measured, said = map(json.loads, capsys.readouterr().out.splitlines())
    assert {
        one["reason"]: one["events_stored"] for one in measured if "events_stored" in one and "reason" in one
    } == {
        "bad": 1,
        "busy": 1,
    }
    assert said["delivery"]["picky"] == {"requests": 1, "bytes_sent": 108}


def test_names_of_sinks_that_begin_alike(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each has its own reasons, whatever the other is called."""
    keeper = FolderKeeper(tmp_path)
    outlets: list[Outlet] = [shipped("a", Scripted()), shipped("a.b", Scripted(bad=("",)))]
    handled(Outlets(outlets, keeper, keeper), "one", "two")
    *measured, said = map(json.loads, capsys.readouterr().out.splitlines())
    stored = [(one["sink"], one["reason"], one["events_stored"]) for one in measured if "reason" in one]
    assert stored == [("a.b", "bad", 2)]
    assert (said["kept"], said["level"]) == ({"a.b": {"bad": 2}}, "WARN")


def test_a_sink_for_some_signals(tmp_path: Path) -> None:
    """The events of the others are `no_signal` there, on purpose."""
    keeper, edge = FolderKeeper(tmp_path), Scripted()
    outlets = Outlets([shipped("m", edge, frozenset([Metric]))], keeper, keeper)
    told = handled(outlets, "one", METRIC, "", START, END, COLD)
    assert (told["received"], told["delivered"], told["dropped"]) == (6, 2, {"no_signal": 4})
    assert len(edge.taken) == 1 + 9


def test_an_event_is_delivered_when_all_of_it_is(tmp_path: Path) -> None:
    """The report's metrics are its own: when one of them is stored, the event is."""
    store = Memory()
    handled(Outlets([Local("store", store)], store), START, END, COLD)
    metric = next(s.event_id for s in store.signals.values() if isinstance(s, Metric))
    keeper = FolderKeeper(tmp_path)
    told = handled(Outlets([shipped("s", Scripted(bad=(metric,)))], keeper, keeper), START, END, COLD)
    assert (told["delivered"], told["stored"]) == (2, 1)


class Choosy(Words):
    """Makes no item of logs."""

    def items(self, signals):  # type: ignore[no-untyped-def]
        return super().items(signal for signal in signals if not isinstance(signal, Log))


def test_what_no_channel_takes_is_counted(tmp_path: Path) -> None:
    """A channel that leaves signals out cannot do so in silence."""
    keeper = FolderKeeper(tmp_path)
    one = Shipped("s", Shipper("s", [Choosy()], Scripted()))
    told = handled(Outlets([one], keeper, keeper), "one", METRIC)
    assert (told["delivered"], told["dropped"]) == (1, {"not_taken": 1})


class Full:
    """A keeper that is full."""

    def retry(self, *_: object) -> None:
        raise OSError("no space left on device")

    bury = dead_letter = retry


def test_what_cannot_be_kept_fails_upward() -> None:
    """The stream has it still."""
    full = Full()
    outlets = Outlets([shipped("s", Scripted(retry=("",)))], full, full)
    with pytest.raises(OSError, match="no space left"):
        handled(outlets, "one")


def test_a_local_sink_that_fails_sends_nothing(tmp_path: Path) -> None:
    """All of it comes again: then it is not doubled elsewhere."""
    keeper, edge = FolderKeeper(tmp_path), Scripted()
    outlets = Outlets([shipped("s", edge), Local("store", Memory(OSError("full")))], keeper, keeper)
    with pytest.raises(OSError, match="full"):
        handled(outlets, "one")
    assert edge.taken == []


class Unsure(Memory):
    """A local sink that wants lines with an `o`, and cannot keep them."""

    def append(self, signals: Iterable[Signal]) -> Missed:  # type: ignore[override]
        wanted = [s.event_id for s in signals if isinstance(s, Log) and "o" in s.message]
        return Missed(frozenset(wanted), "state_unavailable")


def test_a_local_sink_may_do_without(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What says so itself stops nobody: the others get everything, and its ledger says what it missed."""
    keeper, edge = FolderKeeper(tmp_path), Scripted()
    outlets: list[Outlet] = [Local("alerts state", Unsure(), has_ledger=False), shipped("s", edge)]
    told = handled(Outlets(outlets, keeper, keeper), "one", "two", "three")
    assert len(edge.taken) == 3
    assert (told["delivered"], told["dropped"]) == (0, {"not_taken": 1, "state_unavailable": 2})
    assert told["others"][0]["delivered"] == 3
    measured = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [m["events_dropped"] for m in measured if m.get("reason") == "state_unavailable"] == [2]


def test_a_damaged_state_does_not_stop_logs(tmp_path: Path) -> None:
    """As it is configured: the file of OBSERVE_STATE is no database, the store gets the line."""
    state = tmp_path / "a.sqlite"
    state.write_bytes(b"garbage" * 1_000)
    environ = {"OBSERVE_STORE": str(tmp_path / "s"), "OBSERVE_STATE": str(state)}
    told = handled(outlets_of(EMPTY, environ), "[ERROR]\t2026-11-21T03:30:10.500Z\tabc\tboom", "fine")
    by_sink = {one["sink"]: one for one in (told, *told["others"])}
    assert by_sink["store"]["delivered"] == 2
    assert by_sink["alerts state"]["delivered"] == 0


def test_a_keeper_is_needed() -> None:
    """It is said before anything is delivered."""
    with pytest.raises(ValueError, match="kept"):
        Outlets([shipped("s", Scripted())], Memory())


@given(
    st.lists(st.sampled_from(["a line", METRIC, "", START, END, COLD, "another"]), max_size=12),
    st.lists(st.sampled_from("0123456789abcdef"), max_size=8),
    st.lists(st.sampled_from("0123456789abcdef"), max_size=4),
)
@settings(max_examples=60)
def test_every_ledger_balances(lines: list[str], busy: list[str], bad: list[str]) -> None:
    """Whatever is refused: delivered, stored and dropped are what came in, and stored is what is kept."""

    class Kept:
        def __init__(self) -> None:
            self.events: set[str] = set()

        def retry(self, sink: str, channel: str, leftovers: Any) -> None:
            self.events |= {left.item.event_id.partition(":")[0] for left in leftovers}

        bury = retry

        def dead_letter(self, *_: object) -> None:
            raise AssertionError("nothing of the input is broken")

    keeper = Kept()
    edge = Scripted(retry=tuple(busy), bad=tuple(bad))
    told = handled(Outlets([shipped("s", edge)], keeper, keeper), *lines)
    assert (
        told["delivered"] + told["stored"] + sum(told["dropped"].values()) == told["received"] == len(lines)
    )
    assert told["stored"] == len(keeper.events)


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        ({}, Names()),
        ({"index": "claims"}, Names("claims")),
        ({"data_stream": True, "namespace": "prod"}, Names(is_stream=True, namespace="prod")),
    ],
)
def test_the_fast_lane_and_the_general_way_agree(
    tmp_path: Path, settings: dict[str, Any], names: Names
) -> None:
    """The same documents in Elasticsearch, and the same ledger, with and without signals in between."""
    lines = [
        START,
        "a print",
        METRIC,
        json.dumps({"level": "INFO", "message": "m", "requestId": "x"}),
        END,
        COLD,
        "",
    ]
    found = []
    for is_bulk in (True, False):
        with Elastic() as elastic:
            keeper = FolderKeeper(tmp_path / str(is_bulk))

            shipper = Shipper("e", make_elasticsearch("e", {"url": elastic.url, **settings}), Edge())
            outlets = Outlets([Shipped("e", shipper, names=names if is_bulk else None)], keeper, keeper)
            assert (outlets.names is not None) is is_bulk
            told = handled(outlets, *lines)
            there = {name: dict(sorted(index.documents.items())) for name, index in elastic.indices.items()}
            found.append((told, there))
    assert found[0] == found[1]
    assert sum(map(len, found[0][1].values())) == 7


def test_a_refused_document_of_the_fast_lane_is_accounted_for(tmp_path: Path) -> None:
    """By the ID in its text."""
    with Elastic() as elastic:
        config = loads(
            json.dumps({"version": 1, "sinks": {"e": {"type": "elasticsearch", "url": elastic.url}}})
        )
        outlets = outlets_of(config, {"OBSERVE_DEAD_LETTERS": str(tmp_path)})
        assert outlets.names == Names()
        elastic.blocks = {"observe-lambda.text-2026.11.21": (403, "x")}
        apply = elastic._apply

        def busy(op: str, pipeline: str, name: str, id: str, document: bytes | None) -> dict[str, Any]:
            if document is not None and b"number 3" in document:
                error = {"type": "document_parsing_exception", "reason": "no"}
                return {op: {"_index": name, "_id": id, "status": 400, "error": error}}
            return apply(op, pipeline, name, id, document)

        elastic._apply = busy  # type: ignore[method-assign]
        told = handled(outlets, START, *(f"number {n}" for n in range(8)), END, COLD, config=config)
    assert (told["received"], told["delivered"], told["stored"]) == (11, 10, 1)
    assert len(kept(tmp_path, "dead_letters")) == 1


# Configuration.


def test_without_sinks_there_is_the_store(tmp_path: Path) -> None:
    """As ever."""
    (only,) = outlets_of(EMPTY, {"OBSERVE_STORE": str(tmp_path)}).outlets
    assert (only.name, isinstance(only, Local)) == ("store", True)


def sinks(**trees: dict[str, Any]) -> Any:
    return loads(json.dumps({"version": 1, "sinks": trees}))


def test_every_type_of_the_schema_can_be_made(tmp_path: Path) -> None:
    """What may be written may be used."""
    schema = json.loads(Path("subscribers/observe-v1.schema.json").read_text())
    types = {one["properties"]["type"]["const"] for one in schema["$defs"]["sink"]["oneOf"]}
    assert types == {*SHIPPED, "store", "stdout"}


def test_disabled_sinks_are_not_used(tmp_path: Path) -> None:
    """But what was kept for them can be redriven; when all are, it is said."""
    config = sinks(
        a={"type": "logstash", "url": "http://127.0.0.1:1", "enabled": False},
        b={"type": "store", "path": str(tmp_path / "s")},
    )
    assert [one.name for one in outlets_of(config, {"OBSERVE_DEAD_LETTERS": str(tmp_path)}).outlets] == ["b"]
    assert set(deliverers(config, {})) == {"a"}
    with pytest.raises(SettingsError, match="nowhere"):
        outlets_of(sinks(a={"type": "stdout", "enabled": False}), {})


def test_on_lambda_the_place_of_dead_letters_must_be_named() -> None:
    """A folder there is gone with its environment."""
    config = sinks(a={"type": "logstash", "url": "http://127.0.0.1:1"})
    with pytest.raises(SettingsError, match="OBSERVE_DEAD_LETTERS"):
        outlets_of(config, {"AWS_LAMBDA_FUNCTION_NAME": "f"})


def test_items_and_signals_are_as_they_are() -> None:
    """The test's own channel makes an item of each signal."""
    signals: list[Signal] = []
    assert list(Words().items(signals)) == []
    assert item("a") == Item("a", b'"' + b"x" * 8 + b'"')
    assert msgspec.json.decode(item("a").body) == "x" * 8


def test_what_there_is_no_time_for_comes_again(tmp_path: Path) -> None:
    """A part is settled or not: the one before is, the one that is cut and those behind come again."""
    left = [60_000]

    class Slow(Scripted):
        def send(self, request: Request, timeout_s: float | None = None) -> Response:
            left[0] = 1_000
            return super().send(request, timeout_s)

    keeper, edge = FolderKeeper(tmp_path), Slow()
    outlets = Outlets([shipped("s", edge)], keeper, keeper)
    context = SimpleNamespace(get_remaining_time_in_millis=lambda: left[0])
    first = [f"line {n} " + "x" * 900 for n in range(5_000)]
    event = kinesis_event({"b": batch("second"), "a": batch(*first), "c": batch("third")})
    reply = make_handler(EMPTY, outlets, lambda: NOW)(event, context)
    assert reply == {"batchItemFailures": [{"itemIdentifier": "a"}]}
    assert len(edge.taken) == 5_001


def kinesis_event(batches: dict[str, LogBatch]) -> dict[str, Any]:
    """An event of Kinesis, by sequence number."""
    return {
        "Records": [
            {
                "eventSource": "aws:kinesis",
                "eventSourceARN": "arn:aws:kinesis:eu-west-1:1:stream/logs",
                "kinesis": {"sequenceNumber": name, "data": encode(one)["awslogs"]["data"]},
            }
            for name, one in batches.items()
        ]
    }
