"""Who wants to know of each outbound call: `observe.testing.calls`, and nobody else."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

#: Told the name of a call and why its context did not go with it whole, "" where it did.
listener: Callable[[str, str], None] | None = None


def tell(call: str, lost: str) -> None:
    """Tell the listener, if there is one. call: `sqs.SendMessage`, or `http HOST`."""
    if listener is not None:
        listener(call, lost)
