"""Where the example is.

NotStartedError     a part of the demo's system could not be started; the message says which
"""

from __future__ import annotations

from pathlib import Path

from console.errors import ConsoleError


class NotStartedError(ConsoleError):
    """A part of the demo's system did not start. `reason` is always `not_started`."""

    reason = "not_started"


def example() -> Path:
    """Return the folder of the example: in a checkout, or beside this package in a wheel."""
    here = Path(__file__).parents[1]
    for path in (here / "examples" / "claims", here.parent / "examples" / "claims"):
        if path.exists():
            return path
    raise NotStartedError("examples/claims is missing: reinstall hybrid-observe")
