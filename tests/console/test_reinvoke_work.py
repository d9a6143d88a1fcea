"""The work of a plan: what an interrupt, a broken store and a key do."""

from __future__ import annotations

import json
import os
import signal
import threading
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from msgspec.structs import replace

from console import key_secret
from console.cli import cli
from console.local.invocation import InvokeResult
from console.reinvoke import Asked, Ended, Pace, carry_out, find
from observe.ids import key_mark
from subscribers.config import EMPTY, loads
from subscribers.reinvoke import Wish, plan
from subscribers.reinvoke_aws import Aws
from subscribers.store import Store
from tests.console.invoke_api import InvokeApi
from tests.console.test_reinvoke import ACCOUNT, ARN, CONFIG, NAME, ok, replays
from tests.subscribers.samples import T0
from tests.subscribers.test_reinvoke import FAILED, event_line, span_of_line


def run(tmp_path: Path, api: InvokeApi, *arguments: str) -> Result:
    """The command with a configuration that declares the function idempotent."""
    (tmp_path / "observe.yaml").write_text(CONFIG)
    environment = {
        "AWS_ENDPOINT_URL": api.url,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
    }
    own = ["--store", str(tmp_path / "store"), "--config", str(tmp_path / "observe.yaml")]
    return CliRunner(env=environment).invoke(cli, ["reinvoke", *arguments, *own])


def test_an_interrupt_lets_what_runs_end_and_begins_no_more(tmp_path: Path) -> None:
    """What ran is recorded with its end, what did not begin is not recorded, and the exit code says so."""
    store = Store(tmp_path / "store")
    lines = [event_line(f"req-{n}", function=NAME, at_ms=n) for n in range(8)]
    store.append([*lines, *map(span_of_line, lines)])
    interrupted = threading.Event()

    def slow(event: bytes, context: str | None) -> InvokeResult:
        if not interrupted.is_set():
            interrupted.set()
            os.kill(os.getpid(), signal.SIGINT)
        threading.Event().wait(0.3)
        return ok(event, context)

    with InvokeApi({ARN: slow}, ACCOUNT) as api:
        done = run(tmp_path, api, "--function", NAME, "--apply", "--rate", "20", "--parallel", "2")
    assert done.exit_code == 1
    assert "interrupted" in done.stderr
    assert 1 <= len(api.calls) < 8
    assert replays(store) == [("succeeded", "new-request")] * len(api.calls)


def test_an_output_that_nobody_reads_begins_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`| head` ends the work, and what ran is recorded."""
    store = Store(tmp_path / "store")

    def slow(event: bytes, context: str | None) -> InvokeResult:
        threading.Event().wait(0.2)
        return ok(event, context)

    def gone(_ended: Ended) -> None:
        raise BrokenPipeError

    failed = [replace(FAILED, request_id=f"req-{n}") for n in range(8)]
    decisions = plan(failed, loads(CONFIG.replace(NAME, "assess")), Wish(), FAILED.time_unix_nano)
    with InvokeApi({decisions[0].arn: slow}, ACCOUNT) as api:
        monkeypatch.setenv("AWS_ENDPOINT_URL", api.url)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        with pytest.raises(BrokenPipeError):
            carry_out(decisions, Aws(), store, Pace(1_000), gone, parallel=2)
    assert 1 <= len(api.calls) < 8
    assert replays(store) == [("succeeded", "new-request")] * len(api.calls)


def test_what_cannot_be_recorded_is_not_made_again(tmp_path: Path) -> None:
    """Without the record the next run would make it twice."""
    record = {"requestContext": {"requestId": "req-1", "functionArn": ARN}, "requestPayload": {}}
    (tmp_path / "record.json").write_text(json.dumps(record))
    (tmp_path / "store").mkdir()
    (tmp_path / "store/somebody's").write_text("other files")
    with InvokeApi({ARN: ok}, ACCOUNT) as api:
        done = run(tmp_path, api, "--destination", str(tmp_path / "record.json"), "--apply")
    assert done.exit_code == 1
    assert "store" in done.output
    assert api.calls == []


def test_a_business_key_finds_the_failures_of_its_traces(tmp_path: Path) -> None:
    """By its mark, with the secret of the store; other traces stay out."""
    store = Store(tmp_path / "store")
    marked = replace(
        event_line("mark", function=NAME), attributes={}, keys=(key_mark("claim", "CLM-1", "s"),)
    )
    other = replace(event_line("req-2", function=NAME, at_ms=5), trace_id="c" * 32, correlation_id="")
    store.append([marked, event_line("req-1", function=NAME, at_ms=1), other])
    key_secret.keep(tmp_path / "store", "s")
    with InvokeApi({}, ACCOUNT) as api:
        (found,) = json.loads(run(tmp_path, api, "--key", "claim=CLM-1", "--json").stdout)
        assert found["request_id"] == "req-1"
        assert run(tmp_path, api, "--key", "claim=CLM-2").exit_code == 1


@pytest.mark.parametrize("id", ["req-1", "a" * 32, "desk-7", f"1-{'a' * 8}-{'a' * 24}"])
def test_every_id_finds_its_failures(tmp_path: Path, id: str) -> None:
    """Request ID, trace ID, correlation ID, X-Ray Root; and nothing without a failure."""
    store = Store(tmp_path / "store")
    store.append([replace(event_line("req-1", function=NAME), correlation_id="desk-7")])
    assert [one.request_id for one in find(store, Asked(id=id), EMPTY).failed] == ["req-1"]
    assert find(store, Asked(id="unknown"), EMPTY).failed == []
    assert find(store, Asked(until_unix_nano=T0 - 1), EMPTY).failed == []


def test_a_pace_that_is_stopped_lets_nobody_begin() -> None:
    """Nor does it let anybody wait."""
    pace = Pace(rate=0.001)
    assert pace.wait()
    pace.stop.set()
    assert not pace.wait()
