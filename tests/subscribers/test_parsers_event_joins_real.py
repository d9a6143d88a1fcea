"""Stack traces that real runtimes print: Python, Node.js, Java."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.subscribers.lambda_stream import END, START, logs, told

PYTHON = """
import traceback

class ClaimBroken(Exception):
    pass

def check():
    try:
        return {}["claim"]
    except KeyError as error:
        raise ClaimBroken("claim is broken: twice") from error

try:
    check()
except ClaimBroken:
    traceback.print_exc()
"""
GROUP = """
import traceback

class ClaimBroken(ExceptionGroup):
    pass

try:
    raise ClaimBroken("claim is broken: twice", [ValueError("one"), KeyError("two")])
except ClaimBroken:
    traceback.print_exc()
"""
NODE = """
class ClaimBroken extends Error {
  constructor(message, options) { super(message, options); this.name = "ClaimBrokenError" }
}
const check = () => { throw new ClaimBroken("claim is broken: twice", { cause: new TypeError("inner") }) }
try { check() } catch (error) { console.log(error.stack) }
"""
JAVA = """
import java.util.List;

class Check {
    static class ClaimBroken extends RuntimeException {
        ClaimBroken(String message, Throwable cause) { super(message, cause); }
    }

    static void check() {
        try {
            List.of().get(0);
        } catch (RuntimeException error) {
            RuntimeException broken = new ClaimBroken("claim is broken: twice", error);
            broken.addSuppressed(new IllegalStateException("close"));
            throw broken;
        }
    }

    public static void main(String[] arguments) {
        try {
            check();
        } catch (RuntimeException error) {
            error.printStackTrace();
        }
    }
}
"""


def printed(command: Sequence[str], source: Path, text: str) -> str:
    """What a program prints; skips where there is nothing to run it."""
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    source.write_text(text, encoding="utf-8")
    done = subprocess.run([*command, str(source)], capture_output=True, text=True, timeout=60, check=True)
    return (done.stdout + done.stderr).rstrip("\n")


@pytest.mark.parametrize(
    ("command", "name", "source", "error_type"),
    [
        ([sys.executable], "check.py", PYTHON, "ClaimBroken"),
        ([sys.executable], "group.py", GROUP, "ClaimBroken"),
        (["node"], "check.js", NODE, "ClaimBrokenError"),
        (["java"], "Check.java", JAVA, "Check$ClaimBroken"),
    ],
)
def test_what_a_runtime_prints_is_one_log(
    tmp_path: Path, command: list[str], name: str, source: str, error_type: str
) -> None:
    """Each line an event, or all of them one: the same exception, and every line of it."""
    text = printed(command, tmp_path / name, source)
    lines = text.split("\n")
    assert len(lines) > 5
    for events in ([f"{line}\n" for line in lines], [text]):
        parsed = told(START, "before", *events, "after", END)
        _, before, log, after, _ = logs(parsed)
        assert (before.message, after.message) == ("before", "after")
        assert log.error_stack == text
        assert log.error_message.removesuffix(" (2 sub-exceptions)") == "claim is broken: twice"
        assert log.error_type.rpartition(".")[2] == error_type
        assert len(parsed.joined) == len(events) - 1
