"""What is remembered of a flow: the entries that a subscriber writes for its starts and ends.

    flow#<name>   s#<deadline>#<key>#<event>          a start that was not judged yet
                  e#<key>#<end>#<time>#<event>        an end
                  o#<deadline>#<key>#<event>          a start that is overdue
                  r#<arrived>#<key>#<event>           one that arrived after its deadline
                  z#<deadline minute>#<event>         which starts of a minute are judged, packed
                  c                                   how many there were

Starts are in the order of their deadlines: judging reads what is due, and no more. The same event, told
again, is the same entry. Deadline, arrived: epoch seconds; time: epoch nanoseconds; key, event: 16 hex digits
of their hashes; end: of its name's.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b

import msgspec
from msgspec.structs import asdict, replace

from subscribers.alerts.flows_deadline import Deadlines
from subscribers.alerts.flows_keys import Key, KeyReader
from subscribers.alerts.model import Flow, Sample
from subscribers.alerts.state import Entry
from subscribers.alerts.values import valid
from subscribers.config import Config
from subscribers.signals import Signal, Span

START = -1
NS_PER_S = 1_000_000_000
#: How long a start that does not arrive stays overdue, and everything else is remembered after its deadline.
KEEP_S = 7 * 86_400
#: How long an event may take to come, and by how much the clocks of two hosts may differ.
LATE_S = 120


class Mark(msgspec.Struct, frozen=True, array_like=True):
    """The body of a start and of an end. deadline_s: 0 of an end."""

    key: str
    time_unix_nano: int
    deadline_s: int
    sample: Sample


class Marker:
    """Makes the entries of starts and ends of the flows of a configuration.

    key_secret: of the marks of business keys, the same as that of the layer. Raises PatternError where it
    meets an expression that RE2 refuses.
    """

    def __init__(self, config: Config, key_secret: str = "") -> None:
        self._keys, self._key_secret = config.keys, key_secret
        self._points: dict[tuple[str, int], tuple[Flow, Callable[[Signal, Sample], list[Entry]]]] = {}

    def mark(self, flow: Flow, position: int, signal: Signal, sample: Sample) -> Entry | None:
        """Return the entry of a signal's first key, or None where it has no key."""
        return next(iter(self.marks(flow, position, signal, sample)), None)

    def marks(self, flow: Flow, position: int, signal: Signal, sample: Sample) -> list[Entry]:
        """Return an entry for each key of a signal that the flow's start (-1) or an end (0, 1, ..) means."""
        made = self._points.get((flow.name, position))
        if made is None or made[0] is not flow:
            made = self._points[flow.name, position] = (flow, self._maker(flow, position))
        return made[1](signal, sample)

    def _maker(self, flow: Flow, position: int) -> Callable[[Signal, Sample], list[Entry]]:
        point = flow.start if position == START else flow.ends[position]
        reader, deadlines = KeyReader(flow, point, self._keys, self._key_secret), Deadlines(flow)
        if position == START:
            return lambda signal, sample: [
                _start(flow, key, signal, sample, deadlines) for key in reader.keys(signal)
            ]
        end = end_ids(flow)[position]
        return lambda signal, sample: [
            _end(flow, end, key, signal, sample, deadlines) for key in reader.keys(signal)
        ]


def partition_of(flow_name: str) -> str:
    """Return the partition that holds a flow."""
    return f"flow#{flow_name}"


def end_ids(flow: Flow) -> tuple[str, ...]:
    """Return how each end is called in sort keys: 8 hex digits. They may be listed in another order later."""
    names = [end.name for end in flow.ends]
    return tuple(_digest(f"{name}#{names[:n].count(name)}", 4) for n, name in enumerate(names))


def _start(flow: Flow, key: Key, signal: Signal, sample: Sample, deadlines: Deadlines) -> Entry:
    time = signal.start_unix_nano if isinstance(signal, Span) else signal.time_unix_nano
    deadline_s = deadlines.of(time // NS_PER_S)
    sort = f"s#{deadline_s:011d}#{_digest(key.identity, 8)}#{_event(signal)}"
    body = _packed(Mark(key.shown, time, deadline_s, sample))
    # It is removed when it is judged; this is for a flow that nobody judges any more.
    return Entry(partition_of(flow.name), sort, body, deadline_s + 2 * KEEP_S)


def _end(flow: Flow, end: str, key: Key, signal: Signal, sample: Sample, deadlines: Deadlines) -> Entry:
    time = signal.end_unix_nano if isinstance(signal, Span) else signal.time_unix_nano
    sort = f"e#{_digest(key.identity, 8)}#{end}#{time:020d}#{_event(signal)}"
    body = _packed(Mark(key.shown, time, 0, sample))
    # No start that is judged after this can mean it.
    expires_s = deadlines.of(time // NS_PER_S + LATE_S) + KEEP_S
    return Entry(partition_of(flow.name), sort, body, expires_s)


def _packed(mark: Mark) -> bytes:
    try:
        return msgspec.msgpack.encode(mark)
    except UnicodeEncodeError:  # half a surrogate pair in what a signal says
        texts = {name: valid(value) for name, value in asdict(mark.sample).items() if isinstance(value, str)}
        return msgspec.msgpack.encode(
            replace(mark, key=valid(mark.key), sample=replace(mark.sample, **texts))
        )


def _event(signal: Signal) -> str:
    """The same for one event however often it is told: a span by two lines, too."""
    if isinstance(signal, Span) and signal.span_id:
        return _digest(f"{signal.trace_id}{signal.span_id}", 8)
    return _digest(signal.event_id, 8)


def _digest(text: str, size: int) -> str:
    return blake2b(text.encode("utf-8", "replace"), digest_size=size).hexdigest()
