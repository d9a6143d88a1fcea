"""`observe redrive`: plans first, delivers with --apply, to a real HTTP sink."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from console.cli import cli
from console.local.moto_server import MotoServer
from subscribers.dead_letter import FolderKeeper, S3Keeper
from subscribers.dead_letter_storage import BucketStorage, FolderStorage
from subscribers.envelope import encode
from subscribers.sinks.channel import Leftover, Refusal
from subscribers.sinks.elasticsearch import make_elasticsearch
from subscribers.store import Store
from tests.backends.elastic import Elastic
from tests.subscribers.lambda_stream import END, START, batch
from tests.subscribers.redriving import kept_in, keys_in
from tests.subscribers.samples import log

NAMES = ("a", "b", "c")


@pytest.fixture
def elastic() -> Iterator[Elastic]:
    with Elastic() as backend:
        yield backend


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, elastic: Elastic) -> Path:
    """A folder with observe.yaml, whose sink is the backend."""
    monkeypatch.chdir(tmp_path)
    for name in ("OBSERVE_STORE", "OBSERVE_CONFIG", "OBSERVE_DEAD_LETTERS"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "observe.yaml").write_text(
        f"version: 1\nsinks:\n  logs: {{type: elasticsearch, url: '{elastic.url}', timeout: 2s}}\n"
    )
    return tmp_path


def leftovers(*names: str, reason: str = "throttled") -> list[Leftover]:
    (channel,) = make_elasticsearch("logs", {"type": "elasticsearch", "url": "http://x"})
    return [Leftover(item, Refusal(reason, 429)) for item in channel.items(log(name) for name in names)]


def channel_name() -> str:
    return make_elasticsearch("logs", {"type": "elasticsearch", "url": "http://x"})[0].name


def kept(folder: Path, *names: str, reason: str = "throttled", path: str = ".observe/kept") -> FolderStorage:
    keeper = FolderKeeper(folder / path)
    keeper.bury("logs", channel_name(), leftovers(*names, reason=reason))
    storage = keeper.storage
    assert isinstance(storage, FolderStorage)
    return storage


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["redrive", *arguments])


def told(*arguments: str, exit_code: int = 0) -> dict[str, Any]:
    result = run(*arguments, "--json")
    assert result.exit_code == exit_code, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def test_it_plans_first(folder: Path, elastic: Elastic) -> None:
    """What there is, by sink and reason; nothing is sent and nothing is changed."""
    storage = kept(folder, *NAMES)
    kept(folder, "d", reason="outcome_unknown")
    before = keys_in(storage)
    result = run()
    assert result.exit_code == 0
    assert [line.split()[:5] for line in result.stdout.splitlines()[1:]] == [
        ["logs", channel_name(), "outcome_unknown", "1", "1"],
        ["logs", channel_name(), "throttled", "1", "3"],
    ]
    assert "left out: may have been delivered" in result.stdout
    assert result.stderr == "nothing was changed; --apply delivers 3 items\n"
    made = told()["plan"]
    assert (made["items"], made["objects"], made["source"]) == (3, 1, str(folder / ".observe/kept"))
    assert (keys_in(storage), elastic.documents()) == (before, {})


def test_it_delivers(folder: Path, elastic: Elastic) -> None:
    """Over HTTP, to the sink of observe.yaml; what was delivered is removed, what was not named stays."""
    storage = kept(folder, *NAMES)
    kept(folder, "d", reason="outcome_unknown")
    result = run("--config", "observe.yaml", "--apply")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.splitlines()[-1] == "delivered 3 items; 1 object removed"
    assert set(elastic.documents()) == {f"log-{name}" for name in NAMES}
    assert kept_in(storage) == {"log-d": 1}
    last = told("--config", "observe.yaml", "--apply", "--reason", "outcome_unknown")
    assert last["redriven"]["delivered"] == 1
    assert keys_in(storage) == []


def test_what_is_refused_again_is_left_and_told(folder: Path, elastic: Elastic) -> None:
    """With exit code 1 and the reasons."""
    storage = kept(folder, "a")
    with elastic.refusing():
        found = told("--config", "observe.yaml", "--apply", "--deadline", "1s", exit_code=1)
    assert found["redriven"]["delivered"] == 0
    assert sum(found["redriven"]["left"].values()) == 1
    assert kept_in(storage) == {"log-a": 1}
    assert told("--config", "observe.yaml", "--apply")["redriven"]["delivered"] == 1


@pytest.mark.parametrize(
    ("options", "items"),
    [
        (("--sink", "logs"), 3),
        (("--sink", "other"), 0),
        (("--channel", "other"), 0),
        (("--reason", "throttled", "--reason", "x"), 3),
        (("--since", "1h"), 3),
        (("--since", "2999-01-01"), 0),
        (("--until", "2h"), 0),
        (("--until", "2999-01-01T00:00:00+01:00"), 3),
    ],
)
def test_filters_are_those_of_the_plan(folder: Path, options: tuple[str, ...], items: int) -> None:
    """Each option, in the forms that its help names."""
    kept(folder, *NAMES)
    assert told(*options)["plan"]["items"] == items


def test_one_event_alone(folder: Path, elastic: Elastic) -> None:
    """The others of its object are written back; so are those beyond a limit."""
    storage = kept(folder, *NAMES)
    found = told("--config", "observe.yaml", "--apply", "--event-id", "log-b", "--rate", "1000")
    assert found["redriven"]["skipped"] == {"another_event": 2}
    assert set(elastic.documents()) == {"log-b"}
    assert told("--config", "observe.yaml", "--apply", "--limit", "1")["redriven"]["delivered"] == 1
    assert len(kept_in(storage)) == 1


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("nowhere",), 1, "there is no folder"),
        (("gs://bucket",), 1, "is neither a folder nor s3://bucket/prefix"),
        (("--since", "yesterday"), 2, "is no duration (2h, 1d) and no instant"),
        (("--since", "9" * 400 + "w"), 2, "is no duration (2h, 1d) and no instant"),
        (("--deadline", "soon"), 2, "is no duration such as 30s"),
        (("--limit", "0"), 2, "0 is not in the range"),
        (("--rate", "0"), 2, "0.0 is not in the range"),
        (("--config", "none.yaml"), 2, "does not exist"),
        (("--apply",), 2, "give --config observe.yaml: it says where the sinks are"),
    ],
)
def test_bad_input_is_told_in_a_sentence(
    folder: Path, arguments: tuple[str, ...], code: int, said: str
) -> None:
    """With the exit code of a failure, or of a wrong use; never a traceback."""
    kept(folder, "a")
    result = run(*arguments)
    assert (result.exit_code, isinstance(result.exception, SystemExit)) == (code, True)
    assert said in result.stderr


def test_nothing_there_is_no_failure(folder: Path) -> None:
    """Before anything was ever kept."""
    result = run("--config", "observe.yaml", "--apply")
    assert (result.exit_code, result.stderr) == (0, f"nothing to redrive in {folder}/.observe/kept\n")
    assert told()["plan"]["items"] == 0


def test_another_redrive_is_told(folder: Path) -> None:
    """One at a time."""
    storage = kept(folder, "a")
    with storage.lease():
        result = run("--config", "observe.yaml", "--apply")
    assert result.exit_code == 1
    assert "another redrive is at work there" in result.stderr


def test_input_is_read_again(folder: Path) -> None:
    """By the handler, into the sinks of observe.yaml; what still cannot be read stays in its place."""
    (folder / "observe.yaml").write_text("version: 1\n")
    keeper = FolderKeeper(folder / "dead")
    keeper.dead_letter("parser_fault", json.dumps(encode(batch(START, "one", END))).encode(), {})
    keeper.dead_letter("bad_gzip", b"\x1f\x8bbroken", {})
    result = run("dead", "--input")
    assert "input that could not be read, bad_gzip: 1 document" in result.stdout
    assert result.stderr == "nothing was changed; --apply delivers 2 documents of the input\n"
    found = told("dead", "--input", "--apply", "--config", "observe.yaml", "--reason", "parser_fault")
    assert found["replayed"]["removed"] == 1
    assert Store(".observe").query("SELECT count(*) AS n FROM logs WHERE message = 'one'") == [{"n": 1}]
    assert {key.split("/")[1] for key in keys_in(keeper.storage)} == {"bad_gzip"}


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], BucketStorage]]:
    with MotoServer() as moto:
        monkeypatch.setenv("AWS_ENDPOINT_URL", moto.endpoint_url)
        monkeypatch.setenv("AWS_DEFAULT_REGION", moto.region)
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, "testing")
        moto.client("s3").create_bucket(
            Bucket="dead", CreateBucketConfiguration={"LocationConstraint": moto.region}
        )
        yield lambda: BucketStorage("dead", "prod", moto.client("s3"))


def test_a_bucket_is_redriven(
    folder: Path, elastic: Elastic, bucket: Callable[[], BucketStorage], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the credentials of the environment; the source is an argument or a variable."""
    storage = bucket()
    S3Keeper(storage).bury("logs", channel_name(), leftovers(*NAMES))
    monkeypatch.setenv("OBSERVE_DEAD_LETTERS", "s3://dead/prod/")
    assert told()["plan"]["items"] == 3
    assert told("s3://dead/other")["plan"]["items"] == 0
    assert told("--config", "observe.yaml", "--apply")["redriven"]["removed"] == 1
    assert len(elastic.documents()) == 3
    assert list(storage.find("")) == []
    result = run("s3://missing-bucket/x")
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: s3://missing-bucket/x/")


@pytest.mark.parametrize("times", [1, 2])
def test_ctrl_c_loses_nothing(folder: Path, elastic: Elastic, times: int) -> None:
    """Once: it ends in order after this delivery. Twice: at once. What was not delivered is there."""
    names = [f"{n}" for n in range(40)]
    storage = kept(folder, *names)
    process = subprocess.Popen(
        [sys.executable, "-m", "console", "redrive", "--config", "observe.yaml", "--apply", "--rate", "10"],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    until_s = time.monotonic() + 30
    while not elastic.documents() and time.monotonic() < until_s:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    if times == 2:
        time.sleep(0.6)
        process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=30)
    assert process.returncode == 1, stderr.decode()
    assert b"stopping after this delivery" in stderr
    delivered = set(elastic.documents())
    assert delivered | set(kept_in(storage)) == {f"log-{name}" for name in names}
    assert 0 < len(kept_in(storage)) < 40
    if times == 1:
        assert not delivered & set(kept_in(storage))


def test_a_killed_redrive_loses_nothing(folder: Path, elastic: Elastic) -> None:
    """And leaves nothing behind that would keep the next one from its work."""
    names = [f"{n}" for n in range(40)]
    for some in (names[:20], names[20:]):
        storage = kept(folder, *some)
    process = subprocess.Popen(
        [sys.executable, "-m", "console", "redrive", "--config", "observe.yaml", "--apply", "--rate", "10"],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    until_s = time.monotonic() + 30
    while not elastic.documents() and time.monotonic() < until_s:
        time.sleep(0.05)
    process.kill()
    process.wait()
    assert set(elastic.documents()) | set(kept_in(storage)) == {f"log-{name}" for name in names}
    assert told("--config", "observe.yaml", "--apply")["redriven"]["left"] == {}
    assert len(elastic.documents()) == 40
    assert keys_in(storage) == []


def test_damaged_objects_are_told(folder: Path) -> None:
    """And left, with exit code 1."""
    storage = kept(folder, "a")
    (key,) = keys_in(storage)
    storage.put(key, gzip.compress(b"[]"))
    result = run("--config", "observe.yaml", "--apply")
    assert result.exit_code == 1
    assert f"cannot be read: {key}: bad_header" in result.stdout
