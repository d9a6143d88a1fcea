"""`observe ingest`: files into the embedded store."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from console.cli import cli
from subscribers.envelope import encode
from subscribers.store import Store
from tests.subscribers.lambda_stream import COLD, END, REQUEST, START, T0_MS, batch

ACCESS = '10.0.0.1 - - [21/Nov/2026:03:30:10 +0000] "GET /old/7 HTTP/1.1" 200 57 1500 "CLM-1" "-"\n'
APP = "2026-11-21 04:30:10,123 ERROR [CLM-1] refused\njava.lang.Error: no\n\tat a.B.c(B.java:1)\n"
CONFIG = """
version: 1
services:
  claims-legacy:
    side: legacy
    timezone: Europe/Paris
    log_groups:
      - {name: /legacy/app, format: {log4j: "%d %-5p [%X{correlationId}] %m%n"}}
      - {name: /legacy/access, format: apache}
  night: {side: legacy, format: {fixed_width: [{name: id, start: 1, length: 3}], encoding: cp037}}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with observe.yaml, in which the store appears."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OBSERVE_STORE", raising=False)
    monkeypatch.delenv("OBSERVE_CONFIG", raising=False)
    (tmp_path / "observe.yaml").write_text(CONFIG)
    return tmp_path


def run(*arguments: str, data: bytes | None = None) -> Result:
    return CliRunner().invoke(cli, ["ingest", *arguments], input=data)


def told(*arguments: str, data: bytes | None = None) -> list[dict[str, Any]]:
    result = run(*arguments, "--json", data=data)
    assert result.exit_code == 0, result.output
    found: list[dict[str, Any]] = json.loads(result.stdout)
    return found


def rows(columns: str, table: str = "logs") -> list[dict[str, Any]]:
    return Store(".observe").query(f"SELECT {columns} FROM {table} ORDER BY time_unix_nano, sequence")


def test_both_sides_are_one_story(folder: Path) -> None:
    """An access log and an application log, each read as the configuration says, and a function's payload."""
    (folder / "access.log").write_text(ACCESS)
    (folder / "app.log").write_text(APP)
    log = json.dumps({"timestamp": "2026-11-21T03:30:10.002Z", "level": "INFO", "message": "m", "requestId": REQUEST, "service": "claims", "correlation_id": "CLM-1"})  # fmt: skip # noqa: E501
    (folder / "payload.json").write_bytes(json.dumps(encode(batch(START, log, END, COLD))).encode())
    config = ("--config", "observe.yaml")
    assert told("access.log", "--log-group", "/legacy/access", *config)[0]["delivered"] == 1
    assert told("app.log", "--log-group", "/legacy/app", *config)[0]["delivered"] == 3
    assert told("payload.json")[0]["delivered"] == 4
    shown = CliRunner().invoke(cli, ["trace", "CLM-1", "--json"])
    assert shown.exit_code == 0
    (story,) = json.loads(shown.stdout)
    assert {(span["side"], span["name"]) for span in story["spans"]} == {
        ("legacy", "GET /old/7"),
        ("serverless", "claims"),
    }
    assert "refused" in shown.stdout


def test_the_same_lines_again_change_nothing(folder: Path) -> None:
    """Nor does the rotated copy; of a log that has grown what is new is added."""
    (folder / "access.log").write_text(ACCESS * 3)
    (folder / "access.log.1.gz").write_bytes(gzip.compress((ACCESS * 3).encode()))
    for name in ("access.log", "access.log", "access.log.1.gz"):
        assert told(name, "--service", "web")[0]["received"] == 3
    assert len(rows("service")) == 3
    (folder / "access.log").write_text(ACCESS * 4)
    told("access.log", "--service", "web")
    assert [row["service"] for row in rows("service")] == ["web"] * 4


def test_a_file_that_nobody_knows_is_a_service_by_its_name(folder: Path) -> None:
    """Legacy, unless its lines are a function's."""
    (folder / "shop.log").write_text(ACCESS)
    (folder / "pay.txt").write_text(f"{START}hello\n{END}{COLD}")
    assert run("shop.log", "pay.txt").exit_code == 0
    found = {(row["service"], row["side"], row["log_group"]) for row in rows("service, side, log_group")}
    assert found == {("shop", "legacy", "shop"), ("pay", "serverless", "/aws/lambda/pay")}


def test_what_the_command_line_of_aws_prints(folder: Path) -> None:
    """filter-log-events of a function: streams stay apart, and broken events cost only themselves."""
    lines = [START, "hello", END, COLD]
    events: list[Any] = [
        {"timestamp": T0_MS + n, "message": line, "logStreamName": "s", "eventId": str(n), "ingestionTime": 1}
        for n, line in enumerate(lines)
    ]
    events.append({"timestamp": "soon", "message": 7})
    answer = json.dumps({"events": events, "searchedLogStreams": []}, indent=4).encode()
    (one,) = told("-", "--log-group", "/aws/lambda/claims", data=answer)
    assert (one["delivered"], one["stored"]) == (4, 1)
    assert rows("service, log_stream, request_id")[1] == {
        "service": "claims",
        "log_stream": "s",
        "request_id": REQUEST,
    }


def test_options_win_over_the_configuration(folder: Path) -> None:
    """A format that is asked for, and a service without a log group of its own."""
    (folder / "a.log").write_text("plain\n")
    config = ("--config", "observe.yaml")
    told("a.log", "--log-group", "/legacy/app", "--format", "text", *config)
    assert [row["dataset"] for row in rows("dataset")] == ["text"]
    (folder / "night").write_bytes("ABCDEF".encode("cp037"))
    assert told("night", "--service", "night", *config)[0]["delivered"] == 2
    assert {row["service"] for row in rows("service")} == {"claims-legacy", "night"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "give at least one FILE"),
        (("a.log", "--format", "klingon"), "there is no format 'klingon'"),
        (("a.log", "--service", "nobody", "--config", "observe.yaml"), "there is no service 'nobody'"),
        (("a.log", "--service", "claims-legacy", "--config", "observe.yaml"), "give --log-group"),
        (("a.log", "--log-group", "/none", "--config", "observe.yaml"), "has the log group '/none'"),
    ],
)
def test_what_is_asked_wrongly_is_said(folder: Path, arguments: tuple[str, ...], said: str) -> None:
    """Exit code 2, a sentence, and nothing is stored."""
    (folder / "a.log").write_text("x\n")
    result = run(*arguments)
    assert result.exit_code == 2
    assert said in result.output
    assert not (folder / ".observe").exists()


def test_a_file_that_cannot_be_read_costs_only_itself(folder: Path) -> None:
    """It is said, the others are kept all the same, and the exit code is 1."""
    (folder / "a.log").write_text("x\n")
    result = run("none.log", ".", "a.log")
    assert result.exit_code == 1
    assert result.stderr == "Error: none.log: No such file or directory\nError: .: Is a directory\n"
    assert result.stdout == "a.log: 1 line, 1 delivered; 1 signal\n"
    assert [row["message"] for row in rows("message")] == ["x"]


def test_a_store_that_cannot_be_written_is_said(folder: Path) -> None:
    """Exit code 1 and a sentence."""
    (folder / "a.log").write_text("x\n")
    (folder / "taken").write_text("")
    result = run("a.log", "--store", "taken/store")
    assert result.exit_code == 1
    assert "Error: " in result.output


def test_bytes_of_any_kind_are_accounted_for(folder: Path) -> None:
    """Damaged gzip is stored by the file's name, and what came before it is kept."""
    (folder / "cut.gz").write_bytes(
        gzip.compress("".join(f"{n * n}\n" for n in range(50_000)).encode())[:-2000]
    )
    (folder / "raw.bin").write_bytes(bytes(range(256)) * 100)
    cut, raw = told("cut.gz", "raw.bin")
    for one in (cut, raw):
        assert one["received"] == one["delivered"] + one["stored"] + sum(one["dropped"].values())
    assert cut["stored"] == 1
    assert cut["delivered"] > 0
    (letter,) = Path(".observe").rglob("*.bin")
    assert json.loads(letter.read_bytes())["file"] == str(folder / "cut.gz")


def test_standard_input_that_cannot_be_read_is_kept(folder: Path) -> None:
    """Nobody can read it again; of each there is a dead letter and a row of the ledger."""
    numbers = "".join(f"{n * n}\n" for n in range(50_000)).encode()
    broken = [gzip.compress(numbers)[:-2000], gzip.compress(numbers)[:-3000]]
    for data in (*broken, broken[0], b"fine\n"):
        assert told("-", data=data)[0]["received"] > 0
    assert {path.read_bytes() for path in Path(".observe").rglob("*.bin")} == set(broken)
    ledger = Store(".observe").query("SELECT received, stored FROM ledger")
    assert sorted(row["stored"] for row in ledger) == [0, 1, 1]


def test_a_file_with_other_content_has_a_ledger_of_its_own(folder: Path) -> None:
    """The same content again is the same row."""
    for lines in (3, 5, 5):
        (folder / "a.log").write_text("".join(f"line {n}\n" for n in range(lines)))
        told("a.log")
    ledger = Store(".observe").query("SELECT received FROM ledger")
    assert sorted(row["received"] for row in ledger) == [3, 5]


def test_a_service_of_many_log_groups_gets_one_by_the_files_name(folder: Path) -> None:
    """A pattern is no log group."""
    (folder / "observe.yaml").write_text(
        'version: 1\nservices: {web: {side: legacy, format: text, log_groups: ["/web/*"]}}'
    )
    (folder / "shop.log").write_text("x\n")
    told("shop.log", "--service", "web", "--config", "observe.yaml")
    assert rows("service, log_group, dataset") == [
        {"service": "web", "log_group": "/web/shop", "dataset": "text"}
    ]
