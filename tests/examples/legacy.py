"""The example's legacy application, running as an operator starts it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

EXAMPLE = Path(__file__).parents[2] / "examples" / "claims"

#: A line of application.log that begins an event, as log4j's pattern in observe.yaml says it.
APPLICATION_LINE = re.compile(
    r"(?P<time>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}) (?P<level>INFO |WARN |ERROR) \[(?P<thread>[^\]]+)\]"
    r" (?P<logger>[A-Za-z]+) \[(?P<correlation_id>[^\]]*)\] - (?P<message>.+)"
)


@dataclass(frozen=True, slots=True)
class Legacy:
    """A running application. url: without a slash at the end; folder: its FOLDER."""

    url: str
    folder: Path

    def get(self, path: str, **options: Any) -> httpx.Response:
        return httpx.get(self.url + path, timeout=30, **options)

    def post(self, path: str, claim: object = None, **options: Any) -> httpx.Response:
        return httpx.post(
            self.url + path, timeout=30, **({"json": claim} if claim is not None else {}), **options
        )

    def at_once(self, *calls: Any) -> list[httpx.Response]:
        """Make all calls in parallel."""
        with ThreadPoolExecutor(len(calls)) as pool:
            return [future.result() for future in [pool.submit(call) for call in calls]]

    def access_lines(self, contains: str, count: int = 1) -> list[str]:
        """Wait for `count` lines of the access log: it is written after the answer."""
        until = time.monotonic() + 10
        while True:
            text = (self.folder / "access.log").read_text("ascii")
            lines = [line for line in text.splitlines() if contains in line]
            if len(lines) >= count or time.monotonic() > until:
                return lines
            time.sleep(0.01)

    def events(self, contains: str = "") -> list[dict[str, str]]:
        """The events of application.log whose message contains a text."""
        text = (self.folder / "application.log").read_text("utf-8")
        found = (APPLICATION_LINE.fullmatch(line) for line in text.splitlines())
        return [match.groupdict() for match in found if match and contains in match["message"]]


@contextmanager
def running(folder: Path, pool: int = 4) -> Iterator[Legacy]:
    """Start the application in `folder`, isolated, and end it by ending its standard input."""
    process = subprocess.Popen(
        [sys.executable, "-I", str(EXAMPLE / "legacy" / "app.py"), "0", str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "LEGACY_POOL": str(pool)},
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield Legacy(f"http://127.0.0.1:{int(process.stdout.readline())}", folder)
    finally:
        process.stdin.close()
        try:
            process.wait(10)
        finally:
            process.kill()
            process.wait()
            process.stdout.close()


def nightly(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run the nightly job."""
    command = [sys.executable, "-I", str(EXAMPLE / "legacy" / "nightly.py"), str(folder), *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
