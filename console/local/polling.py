"""A thread that polls until it is stopped: what every poller of the local Lambda is."""

from __future__ import annotations

import threading
from typing import Self

from botocore.exceptions import BotoCoreError, ClientError

from console.local.function import FunctionClosedError, PayloadTooLargeError

_FAULTS = (BotoCoreError, ClientError, FunctionClosedError, PayloadTooLargeError)


class Polling:
    """Calls `poll` again and again, with a pause where there was nothing. `poll_errors` counts its faults."""

    def __init__(self, pause_s: float, error_pause_s: float) -> None:
        self.poll_errors = 0
        self.stopping = threading.Event()
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

    def _run(self) -> None:
        while not self.stopping.is_set():
            try:
                taken = self.poll()
            except _FAULTS:
                self.poll_errors += 1
                self.stopping.wait(self._error_pause_s)
            else:
                if not taken:
                    self.stopping.wait(self._pause_s)
