"""`observe parse`: what the subscriber would make of any bytes."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from console.cli import cli
from console.parse import Parsing, Wish
from console.parse_input import Source
from console.parse_view import preview, signal_json
from observe.ids import derive_trace_id
from subscribers.envelope import encode
from tests.subscribers.inputs.documents_of import raw
from tests.subscribers.lambda_stream import END, NOW, REPORT, START, batch

ACCESS = '10.0.0.1 - - [21/Nov/2026:03:30:10 +0000] "GET /old/7?token=t0k HTTP/1.1" 200 57 1500 "CLM-1" "-"\n'
APP = "2026-11-21 04:30:10,123 ERROR [V-1] CLM-889123 refused\njava.lang.Error: no\n\tat a.B.c(B.java:1)\n"
CONFIG = """
version: 1
services:
  web: {side: legacy, log_groups: ["/web*"], format: apache}
  hybrid:
    side: legacy
    timezone: Europe/Paris
    correlation_field: vorgang
    log_groups:
      - {name: /legacy/app, format: {log4j: "%d %-5p [%X{vorgang}] %m%n"}}
      - {name: /legacy/access, format: apache}
  host:
    side: legacy
    format:
      fixed_width: [{name: id, start: 1, length: 3}, {name: text, start: 4, length: 5}]
      encoding: cp037
keys: {claim: "CLM-([0-9]+)"}
redaction: {keys: [policyHolder], patterns: {claim: "CLM-[0-9]+"}}
"""


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder with observe.yaml."""
    (tmp_path / "observe.yaml").write_text(CONFIG)
    return tmp_path


def write(folder: Path, name: str, data: bytes | str) -> Path:
    path = folder / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    os.utime(path, (1_795_231_810, 1_795_231_810))
    return path


def run(*arguments: object, **options: Any) -> Result:
    return CliRunner().invoke(cli, ["parse", *map(str, arguments)], **options)


def signals(result: Result) -> list[dict[str, Any]]:
    """What --json printed, without the time of the run."""
    assert result.exit_code == 0, result.stderr
    told = [json.loads(line) for line in result.stdout.splitlines()]
    for one in told:
        one.pop("observed_time_unix_nano", None)
    return told


def read(data: bytes, wish: Wish | None = None, name: str = "app.log", step: int = 1 << 16) -> Parsing:
    """A run over bytes that come in steps."""
    chunks = (data[at : at + step] for at in range(0, len(data), step))
    return Parsing(Source(name, 1_795_231_810_000, chunks), wish or Wish(), NOW)


def test_an_access_log_line(tmp_path: Path) -> None:
    """A log whose time came from the line says so, and the request is a span; secrets are gone."""
    log, span = signals(run(write(tmp_path, "access.log", ACCESS), "--json"))
    trace_id = derive_trace_id("CLM-1")
    shared = {
        "client.address": "10.0.0.1",
        "http.request.method": "GET",
        "url.path": "/old/7",
        "url.query": "token=[REDACTED]",
        "http.response.status_code": 200,
        "http.response.body.size": 57,
    }
    assert log == {
        "kind": "log",
        "event_id": log["event_id"],
        "time_unix_nano": 1_795_231_810_000_000_000,
        "time_from": "line",
        "message": ACCESS.strip().replace("t0k", "[REDACTED]"),
        "sequence": 0,
        "level": "INFO",
        "dataset": "apache.access",
        "trace_id": trace_id,
        "span_id": span["span_id"],
        "correlation_id": "CLM-1",
        "attributes": shared,
        "log_stream": str(tmp_path / "access.log"),
        "service": "access",
        "side": "legacy",
    }
    assert (span["kind"], span["span_kind"], span["name"]) == ("span", "server", "GET /old/7")
    assert (span["trace_id"], span["event_id"]) == (trace_id, f"{log['event_id']}:0")
    assert span["end_unix_nano"] - span["start_unix_nano"] == 1_500_000


def test_a_functions_lines(tmp_path: Path) -> None:
    """Logs, metrics and the invocation's span; the function's side is known by its lines."""
    told = signals(
        run(write(tmp_path, "claims.log", f"{START}{END}{REPORT}\nMONITORING|1|2|count|n|#a:b\n"), "--json")
    )
    assert {one["kind"] for one in told} == {"log", "metric", "span"}
    assert {one["side"] for one in told} == {"serverless"}
    (metric,) = [one for one in told if one.get("name") == "n"]
    assert (metric["metric_kind"], metric["value"], metric["tags"]) == ("count", 2.0, {"a": "b"})
    (first, *_) = told
    assert (first["time_from"], first["time_unix_nano"]) == ("event", 1_795_231_810_000_000_000)


PACKED: list[Callable[[bytes], bytes]] = [
    bytes,
    gzip.compress,
    bz2.compress,
    lambda data: lzma.compress(data, lzma.FORMAT_XZ),
    lambda data: gzip.compress(gzip.compress(data)),
    lambda data: b"\xef\xbb\xbf" + data.replace(b"\n", b"\r\n"),
]


@pytest.mark.parametrize("pack", PACKED, ids=["plain", "gzip", "bzip2", "xz", "twice", "windows"])
def test_compression_is_known_by_the_bytes(pack: Callable[[bytes], bytes]) -> None:
    """Not by a name; the signals are the same."""

    def told(data: bytes) -> list[str]:
        found = [signal_json(signal) for page in read(data, name="a").pages() for signal in page.signals]
        return [json.dumps({k: v for k, v in json.loads(one).items() if "id" not in k}) for one in found]

    assert told(pack(ACCESS.encode() * 3)) == told(ACCESS.encode() * 3)


@pytest.mark.parametrize("as_text", [False, True])
def test_a_subscription_event_is_a_file_too(files: Path, as_text: bool) -> None:
    """{"awslogs": ...}: lines, group and stream are those of the event."""
    event = json.dumps(encode(batch(START, "hello", END, REPORT)), indent=2 if as_text else None)
    told = signals(run(write(files, "event.json", event), "--json", "--config", files / "observe.yaml"))
    assert {one["service"] for one in told} == {"claims"}
    assert {one["log_group"] for one in told} == {"/aws/lambda/claims"}
    assert "hello" in [one.get("message") for one in told]


def test_what_firehose_delivered(files: Path) -> None:
    """Subscription documents, one behind the other: each of its own service."""
    data = raw(ACCESS, group="/web/1") + raw(APP.splitlines()[0], group="/legacy/app")
    told = signals(
        run(write(files, "delivered", gzip.compress(data)), "--json", "--config", files / "observe.yaml")
    )
    assert [(one["service"], one["kind"]) for one in told] == [
        ("web", "log"),
        ("web", "span"),
        ("hybrid", "log"),
    ]


def test_an_exported_log(tmp_path: Path) -> None:
    """Known by its path: the time before each line is CloudWatch's, a file elsewhere tells its own."""
    folder = tmp_path / "2e5f7a0c-1111-4222-8333-444455556666" / "host-1"
    folder.mkdir(parents=True)
    line = "2026-11-21T03:30:10.123Z hello"
    (log,) = signals(run(write(folder, "000000.gz", gzip.compress(line.encode())), "--json"))
    assert (log["message"], log["log_stream"], log["service"]) == ("hello", "host-1", "export")
    assert (log["time_unix_nano"], log["time_from"]) == (1_795_231_810_123_000_000, "event")
    (plain,) = signals(run(write(tmp_path, "000000.gz", gzip.compress(line.encode())), "--json"))
    assert plain["message"] == line


def test_a_control_message_is_left_out() -> None:
    """It tells of nothing."""
    parsing = read(raw("x", kind="CONTROL_MESSAGE"))
    assert list(parsing.pages()) == []
    assert parsing.summary.dropped == {"control_message": 1}


def test_a_services_format_is_the_configurations(files: Path) -> None:
    """Zone, correlation field and business keys as the subscriber has them; a stack trace is joined."""
    app = write(files, "x.log", APP)
    result = run(app, "--log-group", "/legacy/app", "--config", files / "observe.yaml", "--json")
    (log,) = signals(result)
    assert (log["service"], log["correlation_id"], log["error_type"]) == ("hybrid", "V-1", "java.lang.Error")
    assert log["time_unix_nano"] == 1_795_231_810_123_000_000
    assert (log["message"], len(log["keys"])) == ("[REDACTED:claim] refused", 1)
    assert "joined to an earlier line 2" in result.stderr
    (web, _) = signals(
        run(write(files, "w", ACCESS), "--service", "web", "--config", files / "observe.yaml", "--json")
    )
    assert (web["service"], web["dataset"]) == ("web", "apache.access")


def test_records_of_a_mainframe(files: Path) -> None:
    """Bytes in a code page, cut by their length."""
    records = "001hello002world".encode("cp037")
    told = signals(
        run(write(files, "r", records), "--service", "host", "--config", files / "observe.yaml", "--json")
    )
    assert [(one["attributes"]["fixed_width.id"], one["attributes"]["fixed_width.text"]) for one in told] == [
        ("001", "hello"),
        ("002", "world"),
    ]


def test_standard_input_and_a_named_format() -> None:
    """`-` and no file are the same; --format wins over what the lines look like."""
    for arguments in ([], ["-"]):
        (log, _) = signals(run(*arguments, "--json", input=ACCESS))
        assert (log["service"], log["log_stream"]) == ("stdin", "-")
    (text,) = signals(run("--json", "--format", "text", "--service", "mine", input=ACCESS))
    assert (text["dataset"], text["service"]) == ("text", "mine")
    (function,) = signals(run("--json", "--format", "lambda", input="hello\n"))
    assert (function["dataset"], function["side"]) == ("lambda.text", "serverless")


def test_the_summary(files: Path) -> None:
    """On standard error: lines, signals, format and confidence, notes, what was redacted or not read."""
    data = gzip.compress((ACCESS * 9).encode() + b"not apache\n\n")
    result = run(write(files, "a.gz", data[:-3]), "--json")
    assert result.exit_code == 0
    *said, speed = result.stderr.splitlines()
    assert re.fullmatch(r"\d+\.\d\d s of CPU time: [\d,]+ lines/s", speed)
    assert said == [
        f"{files / 'a.gz'}: 11 lines: 10 logs, 0 metrics, 9 spans",
        "format apache: 11 lines, detected with confidence 0.90",
        "unparsed 10.0 %; blank or without a signal 1; joined to an earlier line 0; "
        "logs with the line's own time 9",
        "notes: unparsed 1",
        "redacted: names 27",
        "could not be read: bad_gzip 1",
        "  bad_gzip: a member is truncated",
    ]


def test_text_says_what_it_is_nearest_to(files: Path) -> None:
    """Its confidence alone would be that of no other format: who knows better can name that one."""
    of_both = ACCESS * 4 + "not apache\n" * 3
    said = run(write(files, "a.log", of_both), "--json").stderr.splitlines()
    assert said[1] == "format text: 7 lines (nearest: apache 0.57; --format apache takes it)"
    said = run(write(files, "p.log", "not apache\n" * 3), "--json").stderr.splitlines()
    assert said[1] == "format text: 3 lines, detected with confidence 1.00"
    said = run(write(files, "t.log", of_both), "--json", "--format", "text").stderr.splitlines()
    assert said[1] == "format text: 7 lines"


def test_people_get_a_row_a_signal(tmp_path: Path) -> None:
    """And nothing that a terminal would act on."""
    result = run(write(tmp_path, "x.log", "\x1b[31mred\x1b[0m \u202ebad\nplain\n"))
    assert result.exit_code == 0
    assert "\\x1b[31mred" in result.stdout
    assert "\x1b" not in result.stdout
    assert "\u202e" not in result.stdout
    assert result.stdout.count("2026-11-21T03:30:10.000Z") == 2


# --- The dry run ----------------------------------------------------------------------------

SECRETS = """\
{"level":"INFO","message":"login of CLM-1","user":{"password":"hunter2"},"policyHolder":"Jane"}
{"level":"INFO","message":"nothing here"}
{"level":"INFO","message":"paid with 4111 1111 1111 1111 by jane.doe@example.com"}
"""


def test_the_dry_run_tells_what_would_go(files: Path) -> None:
    """By line and field, with the rule and a preview that tells no secret."""
    path = write(files, "s.log", SECRETS)
    told = signals(run(path, "--show-redactions", "--json", "--config", files / "observe.yaml"))
    assert [(one["line"], one["field"], one["rule"], one["preview"], one["length"]) for one in told] == [
        (1, "message", "pattern:claim", "xxx-0", 5),
        (1, "attributes.user.password", "names", "xxxxxx0", 7),
        (1, "attributes.policyHolder", "keys", "xxxx", 4),
        (3, "message", "card", "0000 0000 0000 0000", 19),
        (3, "message", "email", "xxxx.xxx@xxxxxxx.xxx", 20),
    ]


def test_the_dry_run_for_people(files: Path) -> None:
    """Rows, counts by rule, and the rules that are active; the secrets are nowhere."""
    result = run(write(files, "s.log", SECRETS), "--show-redactions", "--config", files / "observe.yaml")
    assert result.exit_code == 0
    assert "line 1       names          log attributes.user.password  xxxxxx0 (7 characters)" in result.stdout
    assert "redacted: card 1, email 1, keys 1, names 1, pattern:claim 1" in result.stderr
    assert "active rules: redact names, redact encoded, redact keys, redact card" in result.stderr
    for secret in ("hunter2", "4111", "jane.doe", "Jane"):
        assert secret not in result.stdout + result.stderr


def test_nothing_is_stored(files: Path) -> None:
    """Neither by the command nor by its dry run."""
    path = write(files, "s.log", SECRETS)
    before = sorted(files.rglob("*"))
    assert run(path, "--show-redactions", env={"OBSERVE_STORE": str(files / "store")}).exit_code == 0
    assert sorted(files.rglob("*")) == before


@given(st.text(max_size=60))
def test_a_preview_tells_only_the_shape(text: str) -> None:
    """No letter and no digit of what would be removed, and one row."""
    shown = preview(text)
    assert {c for c in shown if c.isalnum()} <= {"x", "0"}
    assert shown.isprintable()
    assert len(shown) == min(len(text), 41)


# --- Wrong use ------------------------------------------------------------------------------

WRONG = [
    (["--format", "apach"], 2, "there is no format 'apach'; did you mean apache?"),
    (["--format", "zzz"], 2, "there is no format 'zzz'; there are alb, apache,"),
    (
        ["--service", "nobody"],
        2,
        "there is no service 'nobody' in the configuration; there are web, hybrid, host",
    ),
    (["--service", "hybrid"], 2, "give --log-group, one of /legacy/app, /legacy/access"),
    (["--log-group", "/x"], 2, "no service of the configuration has the log group '/x'"),
    (["--log-group", "/legacy/app", "--service", "web"], 2, "is of hybrid, not of web"),
    (["--config", "nowhere.yaml"], 2, "does not exist"),
]


@pytest.mark.parametrize(("arguments", "code", "said"), WRONG)
def test_wrong_use_is_a_sentence(files: Path, arguments: list[str], code: int, said: str) -> None:
    """Exit code 2, and nothing on standard output."""
    path = write(files, "a.log", ACCESS)
    result = run(path, "--config", files / "observe.yaml", *arguments)
    assert (result.exit_code, result.stdout) == (code, "")
    assert said in " ".join(result.stderr.split())


def test_what_cannot_be_read_is_a_sentence(files: Path) -> None:
    """No file, a folder, a broken configuration: each is a failure."""
    for path, why in ((files / "nowhere", "No such file or directory"), (files, "Is a directory")):
        result = run(path)
        assert (result.exit_code, result.stderr) == (1, f"Error: {path}: {why}\n")
    path = write(files, "bad.yaml", "version: 1\nservices: {a: {side: moon}}\n")
    result = run(write(files, "a.log", ACCESS), "--config", path)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "bad.yaml:2:" in result.stderr


def test_a_format_on_a_service_of_several(files: Path) -> None:
    """--format says which; the service's zone and name stay."""
    arguments = ["--service", "hybrid", "--format", "apache", "--config", files / "observe.yaml", "--json"]
    (log, _) = signals(run(write(files, "a.log", ACCESS), *arguments))
    assert (log["service"], log["dataset"]) == ("hybrid", "apache.access")
