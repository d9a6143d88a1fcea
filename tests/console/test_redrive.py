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
from tests.backends.server import Fault, Received
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
    head, place, *rows = result.stdout.splitlines()
    assert (head.split(), place) == (
        ["reason", "items", "objects", "size", "kept"],
        f"logs {channel_name()}, dead letters",
    )
    assert [row.split()[:3] for row in rows] == [
        ["outcome_unknown", "1", "1"],
        ["left", "out:", "may"],
        ["throttled", "3", "1"],
    ]
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


def test_an_event_is_looked_for(folder: Path, elastic: Elastic) -> None:
    """The plan is made of listings, and so cannot say how many items an event has, or whether any."""
    kept(folder, *NAMES)
    assert run("--event-id", "zzz").stderr == (
        "nothing was changed; --apply looks through 3 items for the event\n"
    )
    two = run("--event-id", "log-a", "--event-id", "log-b", "--limit", "1")
    assert "looks through 3 items for 2 events, and delivers 1 item at most" in two.stderr
    done = run("--event-id", "zzz", "--config", "observe.yaml", "--apply")
    assert done.exit_code == 0
    assert done.stdout.splitlines()[-2:] == [
        "delivered 0 items; 0 objects removed",
        "  not tried: 3 items: of other events",
    ]
    assert elastic.documents() == {}


def test_what_waits_goes_on_waiting(folder: Path, elastic: Elastic) -> None:
    """What nobody tried of an object is what it was: no dead letter."""
    keeper = FolderKeeper(folder / "dead")
    keeper.retry("logs", channel_name(), leftovers(*NAMES))
    assert "logs bulk, waiting for a retry" in run("dead").stdout
    for filters in (("--event-id", "log-b"), ("--limit", "1")):
        found = told("dead", "--config", "observe.yaml", "--apply", *filters)
        assert found["redriven"]["delivered"] == 1
        assert {key.split("/")[0] for key in keys_in(keeper.storage)} == {"retries"}
    assert len(kept_in(keeper.storage)) == 1


def test_nothing_is_offered_where_nothing_is_done(folder: Path) -> None:
    """A plan of the input has no items in it, and what is left out or was not asked for is said as that."""
    kept(folder, *NAMES)
    result = run("--input")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == f"no input to be read again in {folder}/.observe/kept\n"
    assert run("--reason", "x").stderr == f"nothing of what was asked for is in {folder}/.observe/kept\n"
    kept(folder, "d", reason="truncated", path="cut")
    assert run("cut").stderr == "nothing to redrive: all of it is left out\n"
    FolderKeeper(folder / "input").dead_letter("bad_gzip", b"x", {})
    told = run("input")
    assert told.stdout == "input that could not be read, bad_gzip: 1 document\n"
    assert told.stderr == (f"nothing to redrive in {folder}/input; --input is about what could not be read\n")
    FolderKeeper(folder / "queue").dead_letter("bad_retry_message", b"x", {})
    assert run("queue", "--input").stdout.endswith("1 document, of a retry queue: it stays\n")


def test_a_sink_of_the_configuration_may_have_nothing(folder: Path) -> None:
    """Its name is no mistake."""
    result = run("--config", "observe.yaml", "--sink", "logs")
    assert (result.exit_code, result.stderr) == (0, f"nothing to redrive in {folder}/.observe/kept\n")


def test_what_became_of_it_is_said_in_words(folder: Path, elastic: Elastic) -> None:
    """Reasons beside what they are of; how it ended; with names that are data."""
    kept(folder, *NAMES)
    FolderKeeper(folder / ".observe/kept").bury("other\x1b[1m", "x", leftovers("d"))
    with elastic.refusing():
        done = run("--config", "observe.yaml", "--apply", "--deadline", "1s")
    assert done.exit_code == 1
    assert "\x1b" not in done.stdout
    assert "  not taken: 3 items: refused" in done.stdout
    assert "\nother\\x1b[1m x, dead letters\n" in done.stdout
    limited = run("--config", "observe.yaml", "--apply", "--sink", "logs", "--limit", "1")
    assert limited.stdout.splitlines()[-2:] == [
        "  not tried: 2 items: beyond --limit",
        "  not all of it was tried: --limit is reached",
    ]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("nowhere",), 1, "there is no folder"),
        (("gs://bucket",), 1, "is neither a folder nor s3://bucket/prefix"),
        (("--since", "yesterday"), 2, "is no duration (2h, 1d) and no instant"),
        (("--since", "9" * 400 + "w"), 2, "is no duration (2h, 1d) and no instant"),
        (("--deadline", "soon"), 2, "is no duration such as 30s"),
        (("--limit", "0"), 2, "0 is not in the range"),
        *((("--rate", rate), 2, f"{float(rate)} is not in the range") for rate in ("0", "-1", "inf", "1e-9")),
        (("--rate", "nan"), 2, "'nan' is not a number of times a second"),
        *((("--limit", limit), 2, "is not a valid integer range") for limit in ("nan", "inf", "1.5")),
        *(
            (("--deadline", time), 2, "is no duration such as")
            for time in ("nan", "inf", "-1", "0", "0s", "")
        ),
        *((("--until", text), 2, "is no duration (2h, 1d)") for text in ("nan", "inf", "-1", "0", "")),
        (("--since", "1h", "--until", "2h"), 2, "'2h' does not lie after --since"),
        (("--sink", "other"), 1, "there is no sink 'other' in "),
        (("--sink", "other", "--apply", "--config", "observe.yaml"), 1, "or observe.yaml; there is 'logs'"),
        (("--input", "--event-id", "x"), 2, "--input has no items"),
        (("--config", "none.yaml"), 2, "does not exist"),
        (("--apply",), 2, "give --config observe.yaml: it says where the sinks are"),
        (("--apply", "--input"), 2, "give --config observe.yaml: it says where the sinks are"),
    ],
)
def test_bad_input_is_told_in_a_sentence(
    folder: Path, arguments: tuple[str, ...], code: int, said: str
) -> None:
    """With the exit code of a failure, or of a wrong use; never a traceback."""
    kept(folder, "a")
    FolderKeeper(folder / ".observe/kept").dead_letter("bad_gzip", b"x", {})
    result = run(*arguments)
    assert (result.exit_code, isinstance(result.exception, SystemExit)) == (code, True)
    assert said in result.stderr
    assert result.stderr.count("Error: ") == 1


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
    assert result.stderr == "nothing was changed; --apply reads 2 documents of the input again\n"
    found = told("dead", "--input", "--apply", "--config", "observe.yaml", "--reason", "parser_fault")
    assert found["replayed"]["removed"] == 1
    assert Store(".observe").query("SELECT count(*) AS n FROM logs WHERE message = 'one'") == [{"n": 1}]
    assert {key.split("/")[1] for key in keys_in(keeper.storage)} == {"bad_gzip"}
    again = told("dead", "--input", "--apply", "--config", "observe.yaml", exit_code=1)
    assert (again["replayed"]["removed"], again["replayed"]["kept"]) == (0, 1)
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
    requests: list[int] = []

    def faults(number: int, _request: Received) -> Fault | None:
        requests.append(number)
        return "hang" if times == 2 and number > 1 else None

    elastic.faults, elastic.hang_s = faults, 60
    config = folder / "observe.yaml"
    config.write_text(config.read_text().replace("timeout: 2s", "timeout: 60s"))
    process = subprocess.Popen(
        [sys.executable, "-m", "console", "redrive", "--config", "observe.yaml", "--apply", "--rate", "10"],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    until_s = time.monotonic() + 30
    while len(requests) < times and time.monotonic() < until_s:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    if times == 2:
        time.sleep(0.6)
        process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=15)
    assert process.returncode == 1, stderr.decode()
    assert (b"Error: interrupted" in stderr, b"Traceback" in stderr) == (times == 2, False)
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
