"""The legacy side of the demo: the old application and its nightly job, in processes of their own.

Neither has our code on its path. Its two logs are read as CloudWatch's agent reads files: each line an
event, a line that is still being written left for later. They are never rotated.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from console.demo.example import NotStartedError, example
from console.local.cloudwatch import CloudWatchLogWriter, LogEvent

STREAM = "web-01"
#: file in the application's folder -> log group
LOGS = {"access.log": "/legacy/claims/access", "application.log": "/legacy/claims/application"}
_START_S = 10.0
_JOB_S = 60.0
#: What the job logs when it holds the table.
_LOCKED = b"REORG of table CLAIMS: locked"


class Legacy:
    """The running application. url: without a slash at the end. folder: its logs, database and spool."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.folder = folder
        self._read = dict.fromkeys(LOGS, 0)

    def ship(self, log: CloudWatchLogWriter) -> int:
        """Put what is new in the logs into CloudWatch Logs, as its agent would; return how many lines."""
        shipped = 0
        for name, group in LOGS.items():
            lines = self._new_lines(name)
            now_ms = time.time_ns() // 1_000_000
            log.write(group, STREAM, [LogEvent(now_ms, line) for line in lines])
            shipped += len(lines)
        return shipped

    def _new_lines(self, name: str) -> list[str]:
        path = self.folder / name
        if not path.exists():
            return []
        if path.stat().st_size < self._read[name]:
            self._read[name] = 0  # it was begun anew
        with path.open("rb") as file:
            file.seek(self._read[name])
            whole, end, _ = file.read().rpartition(b"\n")
        self._read[name] += len(whole) + len(end)
        lines = whole.decode("utf-8", "replace").split("\n") if end else []
        return [line for line in lines if line]  # CloudWatch Logs takes no empty event

    def written(self) -> int:
        """How many bytes the logs have; it no longer changes when every request has been answered."""
        return sum((self.folder / name).stat().st_size for name in LOGS if (self.folder / name).exists())

    def nightly(self) -> Path:
        """Run the nightly job and return its report. Raises NotStartedError."""
        done = subprocess.run(self._job(), capture_output=True, text=True, timeout=_JOB_S)
        if done.returncode != 0:
            raise NotStartedError(f"the nightly job failed: {done.stderr.strip()[-500:]}")
        return Path(done.stdout.strip().splitlines()[-1])

    @contextmanager
    def reorganising(self, hold_s: float) -> Iterator[None]:
        """Run the nightly job with its reorganisation, which locks the database for that long."""
        log = self.folder / "application.log"
        before = log.stat().st_size
        job = subprocess.Popen([*self._job(), "--hold", str(hold_s)], stdout=subprocess.DEVNULL)
        try:
            until_s = time.monotonic() + _START_S
            while _LOCKED not in log.read_bytes()[before:] and time.monotonic() < until_s:
                time.sleep(0.01)
            yield
            job.wait(_JOB_S)
        finally:
            _end(job)

    def _job(self) -> list[str]:
        return [sys.executable, "-I", str(example() / "legacy" / "nightly.py"), str(self.folder)]


@contextmanager
def running(folder: Path) -> Iterator[Legacy]:
    """Start the application with its files in `folder`, and stop it at the end. Raises NotStartedError."""
    command = [sys.executable, "-I", str(example() / "legacy" / "app.py"), "0", str(folder)]
    # A session of its own: Ctrl-C is ours to handle. It ends with its standard input, should we be killed.
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        assert process.stdout is not None
        port = process.stdout.readline().strip()
        if not port.isdigit():
            raise NotStartedError("the legacy application did not start")
        yield Legacy(f"http://127.0.0.1:{port}", folder)
    finally:
        _end(process)
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()


def _end(process: subprocess.Popen[str] | subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_START_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
