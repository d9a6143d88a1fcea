"""What a business key finds: stories, lines of no request, and nothing of other keys."""

from __future__ import annotations

import io
import json
import stat
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from rich.console import Console

from console import key_secret
from console.cli import cli
from console.key_secret import KeySecretError, secret_of
from console.trace import MAX_STORIES, find_key, marked_json, render_marked
from observe.ids import key_mark
from subscribers.store import Store
from tests.subscribers.samples import TRACE, log, span

SECRET = "s3cret"
NIGHT = "b" * 32


def mark(claim: str) -> str:
    return key_mark("claim", claim, SECRET)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A claim's request, a nightly job that tells of two claims, and a line of no request."""
    path = tmp_path / "store"
    Store(path).append(
        [
            span("POST /claims", 0, 90, "submit-claim", "serverless", correlation_id="web-1"),
            log(
                "a",
                10,
                "submit-claim",
                "serverless",
                trace_id=TRACE,
                message="accepted CLM-1",
                keys=(mark("CLM-1"),),
            ),
            log("b", 11, "submit-claim", "serverless", trace_id=TRACE, message="no key in it"),
            span("night", 5000, 5090, "reconcile", "serverless", trace_id=NIGHT),
            log(
                "c",
                5010,
                "reconcile",
                "serverless",
                trace_id=NIGHT,
                message="no CLM-1",
                keys=(mark("CLM-1"),),
            ),
            log(
                "d",
                5011,
                "reconcile",
                "serverless",
                trace_id=NIGHT,
                message="no CLM-2",
                keys=(mark("CLM-2"),),
            ),
            log(
                "e",
                5012,
                "reconcile",
                "serverless",
                trace_id=NIGHT,
                message="both",
                keys=(mark("CLM-2"), mark("CLM-1")),
            ),
            log("f", 4000, level="WARN", message="skipped CLM-1: " + "long " * 30, keys=(mark("CLM-1"),)),
            log("g", 4001, message="nobody's CLM-3", keys=(mark("CLM-3"),)),
        ]
    )
    key_secret.keep(path, SECRET)
    return path


def test_a_key_finds_its_stories_and_lines(path: Path) -> None:
    """Both stories by start, without the lines about another claim; the line of no request beside them."""
    found = find_key(Store(path), "Claim", " CLM-1 ", SECRET)
    told = [[line.message for node in story.spans for line in node.logs] for story in found.stories]
    assert told == [["accepted CLM-1", "no key in it"], ["no CLM-1", "both"]]
    assert [line.message[:13] for line in found.lines] == ["skipped CLM-1"]
    assert found.hidden == 1
    assert found.mark == mark("CLM-1")


@pytest.mark.parametrize(
    ("value", "secret"), [("CLM-1", "guess"), ("CLM-1", ""), ("CLM-9", SECRET), ("clm-1", SECRET)]
)
def test_another_secret_or_value_finds_nothing(path: Path, value: str, secret: str) -> None:
    """A mark is of one value and one secret."""
    found = find_key(Store(path), "claim", value, secret)
    assert (found.stories, found.lines) == ((), ())


def test_on_a_terminal(path: Path) -> None:
    """How many of what, the waterfalls, the other lines whole, and what was left out."""
    console = Console(file=io.StringIO(), width=80, color_system=None, _environ={})
    render_marked(find_key(Store(path), "claim", "CLM-1", SECRET), "claim=CLM-1", console)
    told = console.file.getvalue()  # type: ignore[attr-defined]
    assert told.startswith("claim=CLM-1: 2 stories, 1 line of no request\n")
    assert " ".join(told.split()).count("long") == 30
    assert "Left out: 1 line of these stories about another claim." in told
    assert "CLM-2" not in told
    assert max(map(len, told.splitlines())) <= 80


def run(*arguments: object, **options: Any) -> Result:
    """Run the command as a user would."""
    return CliRunner().invoke(cli, [str(argument) for argument in arguments], **options)


def test_the_command(path: Path) -> None:
    """The store's own secret is enough; JSON has the same."""
    result = run("trace", "--key", "claim=CLM-1", "--store", path)
    assert result.exit_code == 0
    assert "2 stories" in result.stdout
    told = json.loads(run("trace", "--key", "claim=CLM-1", "--store", path, "--json").stdout)
    assert told == json.loads(json.dumps(marked_json(find_key(Store(path), "claim", "CLM-1", SECRET))))
    assert (len(told["stories"]), len(told["lines"]), told["hidden"]) == (2, 1, 1)


@pytest.mark.parametrize("key", ["claim", "claim=", "=CLM-1", "=", " = ", ""])
def test_what_is_no_key_is_wrong_use(path: Path, key: str) -> None:
    """Exit code 2 and how it is written."""
    result = run("trace", "--key", key, "--store", path)
    assert result.exit_code == 2
    assert "NAME=VALUE" in result.stderr


@pytest.mark.parametrize("arguments", [["trace"], ["trace", "x", "--key", "claim=CLM-1"]])
def test_one_of_the_two(path: Path, arguments: list[str]) -> None:
    """An ID or a key, never both, never neither."""
    result = run(*arguments, "--store", path)
    assert result.exit_code == 2
    assert "one of the two" in result.stderr


@pytest.mark.parametrize("value", ["CLM-9", "x" * 100_000, "\x1b[31m", "a=b", "日本語", "\udcff"])
def test_nothing_marked_is_a_sentence(path: Path, value: str) -> None:
    """Exit code 1 and one short sentence."""
    result = run("trace", "--key", f"claim={value}", "--store", path)
    assert result.exit_code == 1
    assert "nothing is marked with" in result.stderr
    assert "\x1b" not in result.stderr
    assert len(result.stderr) < 600


def test_without_a_secret_the_sentence_says_so(path: Path) -> None:
    """Not finding may be a matter of the secret."""
    (path / key_secret.FILE).unlink()
    result = run("trace", "--key", "claim=CLM-1", "--store", path)
    assert result.exit_code == 1
    assert "OBSERVE_KEY_SECRET is not set" in result.stderr


def test_whose_secret_counts(tmp_path: Path) -> None:
    """The environment's before the store's file, which is its owner's alone."""
    assert secret_of(tmp_path, {}) == ""
    key_secret.keep(tmp_path, "of the store")
    assert stat.S_IMODE((tmp_path / key_secret.FILE).stat().st_mode) == 0o600
    assert secret_of(tmp_path, {}) == "of the store"
    assert secret_of(tmp_path, {"OBSERVE_KEY_SECRET": "of the shell"}) == "of the shell"
    (tmp_path / key_secret.FILE).write_bytes(b"\xff\xfe\xff")
    with pytest.raises(KeySecretError, match="key-secret"):
        secret_of(tmp_path, {})


def test_a_session_does_not_bring_in_its_other_requests(tmp_path: Path) -> None:
    """A correlation ID that recurs leads to requests that the key does not mark: they are not told."""
    store = Store(tmp_path / "store")
    for n in range(5):
        trace = f"{n + 1:032x}"
        keys = (mark("CLM-1"),) if n == 2 else ()
        store.append(
            [
                span(f"s{n}", n * 100, n * 100 + 50, trace_id=trace, correlation_id="session"),
                log(f"l{n}", n * 100 + 10, trace_id=trace, correlation_id="session", keys=keys),
            ]
        )
    found = find_key(store, "claim", "CLM-1", SECRET)
    assert [story.trace_ids for story in found.stories] == [(f"{3:032x}",)]


def test_more_requests_than_anybody_reads(tmp_path: Path) -> None:
    """Beyond the limit they are counted, and their lines are not told as lines of no request."""
    store = Store(tmp_path / "store")
    lines = [log(f"l{n}", n, trace_id=f"{n + 1:032x}", keys=(mark("CLM-1"),)) for n in range(MAX_STORIES + 7)]
    store.append(
        [*lines, *[span(f"s{n}", n, n + 1, trace_id=f"{n + 1:032x}") for n in range(MAX_STORIES + 7)]]
    )
    found = find_key(store, "claim", "CLM-1", SECRET)
    assert (len(found.stories), found.more, found.lines) == (MAX_STORIES, 7, ())
    console = Console(file=io.StringIO(), width=80, color_system=None, _environ={})
    render_marked(found, "claim=CLM-1", console)
    assert "7 more requests not looked at" in console.file.getvalue()  # type: ignore[attr-defined]


def test_a_line_that_explains_a_failure_is_shown_whatever_it_names(tmp_path: Path) -> None:
    """The reason may name another claim."""
    store = Store(tmp_path / "store")
    store.append(
        [
            span("s", 0, 90, status="error"),
            log("a", 1, trace_id=TRACE, keys=(mark("CLM-1"),)),
            log(
                "b",
                2,
                trace_id=TRACE,
                level="ERROR",
                message="is a duplicate of CLM-2",
                keys=(mark("CLM-2"),),
            ),
            log("c", 3, trace_id=TRACE, message="looked at CLM-3", keys=(mark("CLM-3"),)),
        ]
    )
    found = find_key(store, "claim", "CLM-1", SECRET)
    (story,) = found.stories
    assert [line.message for node in story.spans for line in node.logs] == [
        "line a",
        "is a duplicate of CLM-2",
    ]
    assert found.hidden == 1
