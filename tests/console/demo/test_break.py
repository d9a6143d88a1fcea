"""A running demo, broken on request: clients, verdicts and the ledger say what they should."""

from __future__ import annotations

import io
import json
import stat
import threading
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest
from rich.console import Console

from console import key_secret, trace
from console.cli_demo import _FAULTS
from console.demo import breaking, client, scenario, serve, session
from console.demo.breaking import Told
from console.demo.client import NoDemoError
from console.demo.faults import FAULTS
from console.demo.session import RUNNING
from subscribers.correlate import Story
from subscribers.store import Store
from tests.subscribers.samples import span

pytestmark = pytest.mark.runtime


class Served(NamedTuple):
    """A demo that is being served. alone: claims that were sent one after the other, so in no batch."""

    store: Path
    alone: list[str]


@pytest.fixture(scope="module")
def served(layer_zip: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A demo that is being served, with a few claims behind it."""
    path = tmp_path_factory.mktemp("served") / "store"
    path.mkdir()
    stop = threading.Event()
    talk = Console(file=io.StringIO(), width=100)
    with session.running(layer_zip, path) as running:
        # As when a demo has run before it is served: no cold start outlasts what is broken.
        running.send([scenario.submission(n) for n in islice(scenario.later, 8)], clients=breaking.CLIENTS)
        alone = []
        for n in islice(scenario.later, 4):
            running.settle()
            answers = running.send([scenario.submission(n)])
            alone += [str((answer.request.body or {})["number"]) for answer in answers]
        running.settle()
        running.deliver()
        serving = threading.Thread(target=serve.serve, args=(running, talk, stop))
        serving.start()
        while not (path / RUNNING).exists() or not (path / RUNNING).stat().st_size:
            assert serving.is_alive()
        yield Served(path, alone)
        stop.set()
        serving.join()
    assert not (path / RUNNING).exists()


@pytest.fixture(scope="module")
def store(served: Served) -> Path:
    """The store of a demo that is being served."""
    return served.store


def _shown(store: Path, told: Told) -> str:
    out = Console(file=io.StringIO(), width=100, color_system=None, _environ={})
    client.show(store, told, out)
    return out.file.getvalue()  # type: ignore[attr-defined,no-any-return]


def _balanced(told: Told) -> bool:
    return told.received == told.settled > 0 and told.pending == 0


def test_legacy_slow(store: Path) -> None:
    """Functions time out, and the verdict names the legacy side and what it waited for."""
    told = client.break_it(store, "legacy-slow")
    assert told.answers["500"] >= 1
    assert _balanced(told)
    shown = _shown(store, told)
    assert "why             legacy side: claims-legacy took" in shown
    assert "for table CLAIMS, locked by another job" in shown
    assert "so              submit-claim (serverless) ran out of time" in shown


def test_function_fails(store: Path) -> None:
    """The verdict names the serverless side and the call, though the legacy side has done its part."""
    told = client.break_it(store, "function-fails")
    assert told.answers["500"] >= 8
    assert _balanced(told)
    shown = _shown(store, told)
    assert (
        "why             serverless side: submit-claim failed in its call send claims-submitted-v2" in shown
    )
    assert "registered" in shown


@pytest.fixture(scope="module")
def sunk(store: Path) -> Told:
    """What happened while the store could not be written."""
    return client.break_it(store, "sink-down")


def test_sink_down(store: Path, sunk: Told) -> None:
    """Nobody outside notices, every payload fails and comes again, and nothing is lost."""
    assert set(sunk.answers) == {"200", "202"}
    assert sunk.failed_payloads >= 2
    assert _balanced(sunk)
    assert "failed while it was broken; they came again" in _shown(store, sunk)


#: What a claim that went all the way has been through, by service.
_WHOLE = {
    "submit-claim": {"POST /claims", "send claims-submitted", "send claim-events", "send claims"},
    "claims-legacy": {"POST /registrations"},
    "assess-claim": {"process claims-submitted"},
    "notify-customer": {"process claim-events"},
    "screen-claim": {"process ClaimSubmitted", "send claim-facts"},
    "measure-exposure": {"process claim-facts"},
}


def test_a_claim_is_one_trace_through_every_service(served: Served) -> None:
    """SQS, SNS, EventBridge and Kinesis, each hop in the trace that began at the front door."""
    opened, secret = Store(served.store), key_secret.secret_of(served.store, {})
    found = [trace.find_key(opened, "claim", number, secret).stories for number in served.alone]
    entries = [
        next(node.span for node in story.spans if node.span.name == "POST /claims")
        for stories in found
        for story in stories
        if _services(story) >= set(_WHOLE)
    ]
    assert len(entries) >= 2  # three of four claims go to the new implementation
    (story,) = trace.find(opened, entries[0].correlation_id)
    own = [node.span for node in story.spans if node.span.trace_id == entries[0].trace_id]
    for service, names in _WHOLE.items():
        assert {span.name for span in own if span.origin.service == service} >= names
    ids = {span.span_id for span in own}
    assert [span.name for span in own if span.parent_span_id not in ids] == ["POST /claims"]


def _services(story: Story) -> set[str]:
    return {node.span.origin.service for node in story.spans}


def test_layer_broken(store: Path) -> None:
    """Clients get what they always get; the layer says why it is off; keys still find both sides."""
    told = client.break_it(store, "layer-broken")
    assert set(told.answers) == {"200", "202"}
    assert _balanced(told)
    shown = _shown(store, told)
    assert "submit-claim: hybrid-observe: off, the bare handler runs" in shown
    assert "serverless submit-claim" in shown
    assert "Lines of no request that name it" in shown
    mended = client.break_it(store, "sink-down")
    assert "POST /claims\n  serverless" in _shown(store, mended)


def test_a_store_that_was_left_broken_is_brought_back(tmp_path: Path) -> None:
    """A demo that was ended in the middle of sink-down leaves a store that can be read."""
    store = Store(tmp_path / "store")
    store.append([span("entry", correlation_id="CLM-1")])
    tables = tmp_path / "store" / "tables"
    tables.rename(tmp_path / "store" / session.OFFLINE)
    tables.touch()
    session.bring_back(tmp_path / "store")
    assert len(store.query("SELECT * FROM spans")) == 1
    session.bring_back(tmp_path / "store")
    assert tables.is_dir()


def test_only_who_may_read_the_file_can_break_it(store: Path) -> None:
    """The control answers its token only, knows its faults, and its file is its owner's."""
    found = json.loads((store / RUNNING).read_text())
    assert stat.S_IMODE((store / RUNNING).stat().st_mode) == 0o600
    for token in ("", "guess", "é"):
        headers = {serve.TOKEN.encode(): token.encode()}
        assert httpx.post(f"{found['url']}/break/sink-down", headers=headers).status_code == 403
    headers = {serve.TOKEN.encode(): found["token"].encode()}
    for path in ("/break/nonsense", "/", "/break/", "/../etc"):
        assert httpx.post(f"{found['url']}{path}", headers=headers).status_code == 404


def test_the_commands_help_knows_every_fault() -> None:
    """The command names the faults without loading what they need."""
    assert tuple(FAULTS) == _FAULTS


@pytest.mark.parametrize(
    "content",
    [None, "", "{}", "[]", "\xff", '{"url": "http://127.0.0.1:1", "token": "t"}', '{"url": 3, "token": 4}'],
)
def test_without_a_running_demo_it_says_how_to_start_one(tmp_path: Path, content: str | None) -> None:
    """No file, a broken one, a demo that is gone: a sentence each."""
    if content is not None:
        (tmp_path / RUNNING).write_text(content, encoding="latin-1")
    with pytest.raises(NoDemoError, match="demo --serve"):
        client.break_it(tmp_path, "sink-down")
