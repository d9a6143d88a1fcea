"""Pages of Lambda's JSON log format: the layer's lines, and what the platform says of requests.

The layer's lines say all of themselves. The platform's are read the general way, with nothing of the others
but the first of each request, which tells its trace.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from msgspec.structs import replace

from subscribers.lane_lines import Who
from subscribers.parsers import serverless
from subscribers.parsers.page import Page
from subscribers.signals import Log, Signal

#: Each names a request, and none waits for another line.
_RECORD = re.compile(
    r'\{"time":"[^"\\]{1,40}","type":"platform\.(?:start|report|runtimeDone)","record":\{"requestId":"[^"\\]'
).match


def told(page: Page, messages: Sequence[str], whos: Sequence[Who | None]) -> list[Signal] | None:
    """Return what the platform's records of a page tell; None where other lines than these are in it.

    whos: of the layer's lines.
    """
    kept: list[int] = []
    seen: set[str] = set()
    for at, who in enumerate(whos):
        if who is None:
            if _RECORD(messages[at]) is None:
                return None
            seen.clear()
        elif who.request_id in seen:
            continue
        else:
            seen.add(who.request_id)
        kept.append(at)
    events, ids = [page.events[at] for at in kept], [page.event_ids[at] for at in kept]
    parsed = serverless.parse(replace(page, events=tuple(events), event_ids=ids, first=0))
    if parsed.notes or parsed.silent or parsed.joined:
        return None
    own = {page.event_ids[at] for at in kept if whos[at] is not None}
    return [
        replace(signal, sequence=page.first + kept[signal.sequence]) if isinstance(signal, Log) else signal
        for signal in parsed.signals
        if signal.event_id not in own
    ]
