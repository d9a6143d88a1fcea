"""The end of a chain that goes round in a circle: a warning above a number of hops, on request an exception.

    ChainTooLongError     raised instead of calling the handler, with OBSERVE_HOPS_EXCEEDED=raise

Loaded only where the limit is exceeded.
"""

from __future__ import annotations

from observe import stdout, wire
from observe.context import capture
from observe.identity import fields

TYPE_CHECKING = False
if TYPE_CHECKING:
    from observe.context import Context
    from observe.invocation import Invocation
    from observe.settings import Settings
    from observe.source import Record


class ChainTooLongError(RuntimeError):
    """The request has made more hops than OBSERVE_HOPS_LIMIT: it goes round in a circle."""


def refusal(invocation: Invocation, settings: Settings) -> ChainTooLongError | None:
    """`exceeded` for an invocation; a batch is refused if all of its records are too far.

    Those that are not would come again with the others; `observe.records` refuses them one by one.
    """
    error = exceeded(invocation.context, settings)
    if len(invocation.records) > 1 and not all(_is_far(record, settings) for record in invocation.records):
        return None
    return error


def _is_far(record: Record, settings: Settings) -> bool:
    """Whether the hop to here is one too many; a batch whose hops are believed is of no public source."""
    return capture(record.headers, trust="internal").context.hops >= settings.hops_limit


def exceeded(context: Context, settings: Settings) -> ChainTooLongError | None:
    """Say that the context's request has made too many hops; return the exception to raise, if one is wanted.

    context: that of the invocation, the hop to it counted.
    """
    said = f"this request has made {context.hops} hops, more than OBSERVE_HOPS_LIMIT={settings.hops_limit}"
    line = fields("WARN", f"hybrid-observe: {said}: does it go round in a circle?")
    stdout.write(wire.log_line({**line, "event": "observe.hops_exceeded", "hops": context.hops}))
    return ChainTooLongError(said) if settings.hops_exceeded == "raise" else None
