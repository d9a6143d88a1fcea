"""A thread that polls until it is stopped: what every poller of the local Lambda is."""

from __future__ import annotations

import sys
import threading
from typing import Self


class Polling:
    """Calls `poll` again and again, with a pause where there was nothing.

    source: what is polled, for a person. No fault ends the thread: `poll_errors` counts them, and the first
    is said on stderr. What a poll had not finished is `poll`'s to keep for the next one.
    """

    def __init__(self, source: str, pause_s: float, error_pause_s: float) -> None:
        self.poll_errors = 0
        self.stopping = threading.Event()
        self._source = source
        self._guard = threading.Lock()  # of all that is counted
        self._pause_s = pause_s
        self._error_pause_s = error_pause_s
        self._thread: threading.Thread | None = None

    def poll(self) -> int:
        """Take what there is and return how much it was."""
        raise NotImplementedError

    def start(self) -> Self:
        """Poll on a thread until stop()."""
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """Finish what is at hand and end the thread."""
        self.stopping.set()
        if self._thread is not None:
            self._thread.join()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _fault(self, error: Exception) -> None:
        """Count a fault, and say it if it is the first."""
        with self._guard:
            self.poll_errors += 1
            first = self.poll_errors == 1
        if first:
            said = " ".join(f"{type(error).__name__}: {error}".split())
            print(
                f"local Lambda: {self._source}: {said}; polling goes on, poll_errors counts", file=sys.stderr
            )

    def _run(self) -> None:
        while not self.stopping.is_set():
            try:
                taken = self.poll()
            except Exception as error:  # noqa: BLE001 - a dead thread would be silent, and its records lost
                self._fault(error)
                self.stopping.wait(self._error_pause_s)
            else:
                if not taken:
                    self.stopping.wait(self._pause_s)
