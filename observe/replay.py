"""An invocation that `observe reinvoke` has made again: whose it is, and what it is a replay of.

The event is the failed invocation's, byte for byte, so the mark is in the client context, which a caller of
Invoke alone can set: `custom` has `observe.replay`, the failed invocation's request ID, and the context of
that invocation. That one wins over what the event carries, for the event cannot know that it failed: the
replay is a child of the failed invocation, in its trace, and linked to it.

docs/reinvoke.md, docs/spec/context.md
"""

from __future__ import annotations

import os

from observe import context as contexts
from observe import semconv
from observe.services import invoke as direct
from observe.source import identified, lower

TYPE_CHECKING = False
if TYPE_CHECKING:
    from observe.context import Captured
    from observe.settings import Settings

LINK_KIND = "replay"


def captured(found: Captured, lambda_context: object, settings: Settings) -> tuple[Captured, str]:
    """Return the context of a replay, and the request ID of what failed; `found` and "" where it is none.

    found: what the event has. An ID that is none (docs/spec/context.md, "Trust edge") marks nothing.
    """
    headers = lower(direct.custom(lambda_context))
    replay_of = headers.get(semconv.REPLAY, "").strip()
    if not replay_of or len(replay_of) > contexts.CORRELATION_MAX:
        return found, ""
    if replay_of.strip(contexts.CORRELATION_CHARACTERS):
        return found, ""
    if not identified(headers):
        return found, replay_of
    told = contexts.capture(
        headers,
        trust="internal",
        environment=os.environ.get("_X_AMZN_TRACE_ID", ""),
        rate=settings.sample_rate,
        debug_rate=settings.debug_rate,
    )
    own = told.context
    failed = ((own.trace_id, own.span_id, LINK_KIND),) if own.span_id else ()
    others = tuple(link for link in (*told.links, *found.links) if link[0] != own.trace_id)
    links = tuple(dict.fromkeys((*failed, *others)))
    return contexts.Captured(own, links, (*found.notes, *told.notes)), replay_of
