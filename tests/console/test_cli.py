"""The `observe` command: sentences and exit codes for every wrong use, JSON where programs read it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from console.cli import cli
from console.demo.session import MARK
from subscribers.store import Store
from tests.subscribers.samples import TRACE, log, span


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store with one request."""
    path = tmp_path / "store"
    Store(path).append([span("entry", 0, 10, correlation_id="CLM-1"), log("hello", correlation_id="CLM-1")])
    return path


def run(*arguments: object, **options: Any) -> Result:
    """Run the command as a user would."""
    return CliRunner().invoke(cli, [str(argument) for argument in arguments], **options)


def test_trace_tells_the_story(store: Path) -> None:
    """Any of its IDs leads to the waterfall; --json to a list of stories."""
    for id in ("CLM-1", TRACE):
        result = run("trace", id, "--store", store)
        assert result.exit_code == 0
        assert "entry" in result.stdout
    (story,) = json.loads(run("trace", "CLM-1", "--store", store, "--json").stdout)
    assert story["correlation_ids"] == ["CLM-1"]


def test_requests_are_counted(store: Path) -> None:
    """`observe requests` prints a table, or rows for programs."""
    assert "claims" in run("requests", "--store", store).stdout
    (row,) = json.loads(run("requests", "--store", store, "--json").stdout)
    assert (row["service"], row["count"], row["p50_ms"]) == ("claims", 1, 10.0)


def test_the_store_may_come_from_the_environment(store: Path) -> None:
    """OBSERVE_STORE is the store where no option gives one."""
    assert run("trace", "CLM-1", env={"OBSERVE_STORE": str(store)}).exit_code == 0


@pytest.mark.parametrize("id", ["", "   ", "\t\n"])
def test_a_blank_id_is_wrong_use(store: Path, id: str) -> None:
    """A blank ID is told to be one, exit code 2."""
    result = run("trace", id, "--store", store)
    assert result.exit_code == 2
    assert "blank" in result.stderr


@pytest.mark.parametrize("id", ["nobody", "x" * 100_000, "\udcff\x1b[31m", "'; DROP TABLE spans; --", "🤷"])
@pytest.mark.parametrize("option", [[], ["--json"]])
def test_an_unknown_id_is_a_sentence(store: Path, id: str, option: list[str]) -> None:
    """Nothing found is exit code 1 and one short sentence without control characters."""
    result = run("trace", id, "--store", store, *option)
    assert result.exit_code == 1
    assert "nothing is known of" in result.stderr
    assert "\x1b" not in result.stderr
    assert len(result.stderr) < 600
    assert result.stdout.strip() in ("", "[]")


def _file(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_text("x")
    return path


def _foreign(tmp_path: Path) -> Path:
    path = tmp_path / "foreign"
    path.mkdir()
    (path / "thesis.txt").write_text("x")
    return path


def _newer(tmp_path: Path) -> Path:
    path = tmp_path / "newer"
    path.mkdir()
    (path / "manifest.json").write_text('{"version": 999}')
    return path


@pytest.mark.parametrize(
    ("make", "code"), [(lambda p: p / "none", 1), (_file, 2), (_foreign, 1), (_newer, 1)]
)
@pytest.mark.parametrize("command", [["trace", "CLM-1"], ["requests"]])
def test_a_wrong_store_is_a_sentence(tmp_path: Path, make: Any, code: int, command: list[str]) -> None:
    """Whatever --store points at, there is a sentence that names it and no traceback."""
    path = make(tmp_path)
    result = run(*command, "--store", path)
    assert result.exit_code == code
    assert str(path.name) in result.stderr
    assert result.exception is None or isinstance(result.exception, SystemExit)


def test_the_demo_does_not_touch_what_is_not_its_own(tmp_path: Path, store: Path) -> None:
    """A folder with other data is refused and stays as it was."""
    foreign = _foreign(tmp_path)
    added_to = tmp_path / "added-to"
    Store(added_to).append([span("entry")])
    (added_to / MARK).write_text("the state before somebody added to it")
    for path in (foreign, store, added_to):
        before = sorted(p.name for p in path.iterdir())
        result = run("demo", "--store", path)
        assert result.exit_code == 1
        assert "--store" in result.stderr
        assert sorted(p.name for p in path.iterdir()) == before


@pytest.mark.parametrize(
    "arguments",
    [
        ["trace"],
        ["nonsense"],
        ["trace", "a", "b"],
        ["layer", "build", "--what"],
        ["trace", "a", "--store"],
        ["--nope"],
    ],
)
def test_wrong_use_is_exit_code_2(arguments: list[str]) -> None:
    """Missing, unknown and surplus arguments say how the command is used."""
    result = run(*arguments)
    assert result.exit_code == 2
    assert "Usage" in result.stderr or "requires an argument" in result.stderr


def test_help_and_version() -> None:
    """Every command explains itself."""
    for command in (
        [],
        ["trace"],
        ["requests"],
        ["demo"],
        ["layer"],
        ["layer", "build"],
        ["config", "check"],
    ):
        assert run(*command, "--help").exit_code == 0
    assert "0.1.0" in run("--version").stdout


def test_layer_build(tmp_path: Path) -> None:
    """The zip is written where asked, and told as JSON."""
    out = tmp_path / "layer.zip"
    result = run("layer", "build", "--out", out, "--json")
    assert result.exit_code == 0
    told = json.loads(result.stdout)
    assert (told["path"], told["size_bytes"]) == (str(out), out.stat().st_size)


def test_layer_build_into_a_place_that_cannot_be(tmp_path: Path) -> None:
    """An unwritable target is a sentence."""
    result = run("layer", "build", "--out", _file(tmp_path) / "x.zip")
    assert result.exit_code == 1
    assert "cannot write" in result.stderr
    assert run("layer", "build", "--out", tmp_path).exit_code == 2
    assert run("layer", "build", "--out", "").exit_code == 2
    os.mkfifo(tmp_path / "pipe")
    refused = run("layer", "build", "--out", tmp_path / "pipe")
    assert (refused.exit_code, "no regular file" in refused.stderr) == (1, True)


def test_config_check(tmp_path: Path) -> None:
    """A valid file is told to be; a mistake has file, line and path; --json has them as fields."""
    good = tmp_path / "observe.yaml"
    good.write_text("version: 1\nservices:\n  claims: {side: legacy}\n")
    assert run("config", "check", good).exit_code == 0
    bad = tmp_path / "bad.yaml"
    bad.write_text("version: 1\nservices:\n  claims: {side: mainframe}\n")
    result = run("config", "check", bad)
    assert result.exit_code == 1
    assert "bad.yaml:3:" in result.stderr
    assert "services.claims.side" in result.stderr
    told = json.loads(run("config", "check", bad, "--json").stdout)
    assert (told["valid"], told["problems"][0]["line"]) == (False, 3)
    missing = run("config", "check", tmp_path / "none.yaml")
    assert missing.exit_code == 1
    assert "none.yaml" in missing.stderr


@pytest.mark.parametrize("option", ["", "--json"])
def test_a_reader_that_goes_away_is_no_error(store: Path, option: str) -> None:
    """`observe trace ID | head -1` ends quietly, with exit code 0."""
    command = f"({sys.executable} -m console trace CLM-1 --store {store} {option}; echo $? >&2) | true"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True)
    assert done.stderr == "0\n"


def test_a_full_disk_is_a_sentence(store: Path) -> None:
    """What cannot be written is told without a traceback."""
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "console", "trace", "CLM-1", "--store", str(store), "--json"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert "No space left" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_whole_xray_header_will_do(tmp_path: Path) -> None:
    """The Root of a copied X-Amzn-Trace-Id header is found."""
    path = tmp_path / "xray"
    Store(path).append([span("entry", 0, 10, trace_id="67891233abcdef012345678912345678")])
    header = "Root=1-67891233-abcdef012345678912345678;Parent=53995c3f42cd8ad8;Sampled=1"
    assert run("trace", header, "--store", path).exit_code == 0


def test_why_something_failed_is_told_whole(tmp_path: Path) -> None:
    """An error message is wrapped, not cut."""
    path = tmp_path / "failed"
    message = (
        "Server error '500 Internal Server Error' for url 'http://legacy.example.com/policies/POL-1' END"
    )
    Store(path).append([span("entry", 0, 10, trace_id=TRACE, status="error", status_message=message)])
    told = run("trace", TRACE, "--store", path, env={"COLUMNS": "60"}).stdout
    assert "END" in told
    assert " ".join(told.split()).count(message) == 2  # where it began, and at the span


def test_without_its_libraries_the_command_says_so(tmp_path: Path) -> None:
    """`pip install hybrid-observe` alone has no click: a sentence and exit code 2."""
    (tmp_path / "click.py").write_text(
        "raise ModuleNotFoundError(\"No module named 'click'\", name='click')\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "console"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
    )
    assert done.returncode == 2
    assert "pip install 'hybrid-observe[console]'" in done.stderr
