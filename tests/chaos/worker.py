"""The subscriber as a process: events come in on stdin, a line each; replies go out on stdout behind a word.

The handler is the deployed one, made from the environment; its own lines go to stdout, too.
"""

from __future__ import annotations

import json
import sys
import time

from subscribers.handler import handler

#: Before a reply.
REPLY = "REPLY "


class _Context:
    log_group_name = "/aws/lambda/observe-subscriber"

    def __init__(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int((self._until - time.monotonic()) * 1000))


def main() -> None:
    """Serve until stdin ends."""
    for line in sys.stdin:
        try:
            told = {"reply": handler(json.loads(line), _Context(60))}
        except Exception as error:
            told = {"error": f"{type(error).__name__}: {error}"}
        sys.stdout.write(REPLY + json.dumps(told) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
