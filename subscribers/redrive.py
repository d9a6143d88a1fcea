"""`redrive`: dead letters delivered again. First a plan, from a listing alone; then, object by object,

    1. read it                      2. deliver its items
    3. write what was not taken     4. remove it, unless it has changed since 1

so that whatever stops it, each item is delivered or kept, at worst both. Where nothing of an object was taken
it stays as it is. What is refused for good is a dead letter then; what may be taken the next time, and what
nobody tried, stays what it was. In a bucket it is a dead letter, too: no message of a queue points to the new
object, so that a redrive has to take it. Several objects go side by side, their items in the same deliveries.
A lease keeps redrives from working at the same time.

Not delivered unless their reason is asked for: `outcome_unknown` (may have been delivered, to a destination
that does not recognise repeats) and `partially_accepted`. Never: `truncated`, which was delivered, cut to the
API's limit; the document has the whole of it for people.

    OBSERVE_DEAD_LETTERS    folder or s3://bucket/prefix
    OBSERVE_CONFIG          path of observe.yaml
    OBSERVE_REDRIVE         JSON of what the function redrives where its event does not say: see `handler`

Raises what dead_letter_storage raises; RedriveError where it is asked for what makes no sense.
"""

from __future__ import annotations

import math
import os
import sys
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Any

import msgspec

from subscribers.dead_letter_storage import (
    THREADS,
    FolderStorage,
    Read,
    Storage,
    StorageError,
    storage_of,
)
from subscribers.kept import ITEMS_MAX, KeptError, decode, documents, written
from subscribers.redrive_objects import Opened, attribute, batches, is_asked_for
from subscribers.redrive_plan import Filters, Plan, RedriveError, as_json, check_sinks, plan
from subscribers.retries import check
from subscribers.sinks.channel import Deliverer, Leftover

#: Deliveries to a sink of which nothing was taken, one after the other: then it is down.
_DOWN_AFTER = 3
#: How long one call of a deliverer may take.
_CALL_S = 300.0
#: Items a second, at least: less would be a wait for what nobody remembers.
RATE_MIN = 0.001
#: Where the rate makes it wait, it looks so often whether it is to stop.
_WAIT_S = 0.5


class Redriven(msgspec.Struct, kw_only=True):
    """What became of the items of the objects that were opened: items = delivered + left + skipped."""

    items: int = 0
    delivered: int = 0
    #: Reason -> items that were tried and not taken: dead letters still.
    left: dict[str, int] = {}
    #: Why -> items that were not tried.
    skipped: dict[str, int] = {}
    objects: int = 0
    removed: int = 0
    rewritten: int = 0
    #: Objects that were gone when they were to be read.
    gone: int = 0
    #: Key -> why it cannot be read.
    unreadable: dict[str, str] = {}
    #: Why it ended before the end of its plan: limit, deadline, stopped; else "".
    ended: str = ""


class Redrive:
    """One run over a plan. Whatever raises, nothing is lost."""

    def __init__(
        self,
        storage: Storage,
        deliverers: Mapping[str, Deliverer],
        *,
        rate: float = 0.0,
        deadline_s: float | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        is_stopped: Callable[[], bool] = lambda: False,
        on_progress: Callable[[int], object] = lambda _: None,
    ) -> None:
        """rate: items a second, 0 for as fast as the sinks take them; deadline_s: of the whole run, from now;
        is_stopped: asked between deliveries; on_progress: told how many items more were tried.
        Raises RedriveError for a rate that is none."""
        if rate and not RATE_MIN <= rate < math.inf:
            raise RedriveError(f"a rate of {rate} items a second makes no sense")
        self.told = Redriven()
        self._storage, self._deliverers, self._rate = storage, deliverers, rate
        self._clock, self._sleep = clock, sleep
        self._until_s = None if deadline_s is None else clock() + deadline_s
        self._is_stopped, self._on_progress = is_stopped, on_progress
        self._next_s = clock()
        self._tried = 0
        #: Sink -> deliveries of which nothing was taken, one after the other.
        self._in_vain: Counter[str] = Counter()
        self._filters = Filters()
        self._renew: Callable[[], None] = lambda: None

    def run(self, made: Plan) -> Redriven:
        """Deliver what a plan names. Raises StorageError, LostItemsError; `told` says how far it came."""
        self._filters = made.filters
        with self._storage.lease() as self._renew, ThreadPoolExecutor(THREADS) as threads:
            for some in batches(made.objects):
                if self._is_over():
                    break
                self._renew()
                self._batch([one.key for one in some], threads)
        return self.told

    def _is_over(self) -> bool:
        if self._is_stopped():
            self.told.ended = "stopped"
        elif self._until_s is not None and self._clock() >= self._until_s:
            self.told.ended = "deadline"
        elif self._filters.limit and self._tried >= self._filters.limit:
            self.told.ended = "limit"
        return bool(self.told.ended)

    def _batch(self, keys: Sequence[str], threads: ThreadPoolExecutor) -> None:
        """Deliver several objects: those of one sink and channel together, each written and removed alone."""
        by_channel: dict[tuple[str, str], list[Opened]] = {}
        for key, read in zip(keys, threads.map(self._read, keys), strict=True):
            one = self._opened(key, read)
            if one is not None:
                by_channel.setdefault((one.kept.sink, one.kept.channel), []).append(one)
        try:
            for (sink, channel), some in by_channel.items():
                self._deliver(sink, channel, some)
        finally:
            # Also where it was interrupted: what was delivered so far shall not come again.
            self._settle([one for some in by_channel.values() for one in some], threads)

    def _read(self, key: str) -> Read | StorageError | None:
        """Read an object; the refusal of one alone is returned, for its neighbours can be redriven."""
        try:
            return self._storage.read(key)
        except StorageError as error:
            if error.reason != "access_denied":
                raise
            return error

    def _opened(self, key: str, read: Read | StorageError | None) -> Opened | None:
        if read is None:
            self.told.gone += 1
            return None
        if isinstance(read, StorageError):
            self.told.unreadable[key] = str(read)
            return None
        try:
            kept = decode(read.data)
        except KeptError as error:
            self.told.unreadable[key] = str(error)
            return None
        self.told.objects += 1
        self.told.items += len(kept.leftovers)
        chosen: list[Leftover] = []
        others: list[Leftover] = []
        for leftover in kept.leftovers:
            (chosen if is_asked_for(leftover, self._filters.event_ids) else others).append(leftover)
        self._skip("another_event", len(others))
        return Opened(key, read.etag, kept, chosen, others)

    def _deliver(self, sink: str, channel: str, opened: Sequence[Opened]) -> None:
        """Deliver the items of objects in order; what raises leaves those that were not told of."""
        deliverer = self._deliverers.get(sink)
        why = "no_such_sink" if deliverer is None else ""
        pending = deque((one, leftover.item) for one in opened for leftover in one.chosen)
        while pending and deliverer is not None:
            why = "destination_down" if self._in_vain[sink] >= _DOWN_AFTER else ""
            if why or self._is_over():
                break
            self._renew()
            size = min(len(pending), self._room())
            if not self._pace(size):
                break
            some = [pending.popleft() for _ in range(size)]
            left_s = _CALL_S if self._until_s is None else max(0.0, self._until_s - self._clock())
            try:
                outcome = deliverer.deliver({channel: [item for _, item in some]}, min(left_s, _CALL_S))
            except KeyError:
                why = "no_such_channel"
                break
            check(len(some), channel, outcome)
            attribute(some, channel, outcome)
            self._tried += len(some)
            transient = len(outcome.retry.get(channel, ()))
            self._in_vain[sink] = self._in_vain[sink] + 1 if transient == len(some) else 0
            self._on_progress(len(some))
        for one in opened:
            one.why = why or self.told.ended

    def _room(self) -> int:
        """How many items the next delivery may have."""
        room = max(1, int(self._rate)) if self._rate else ITEMS_MAX
        return min(room, self._filters.limit - self._tried) if self._filters.limit else room

    def _pace(self, items: int) -> bool:
        """Wait until so many more items are within the rate; False where it is over before that."""
        if not self._rate:
            return True
        wait_s = max(0.0, self._next_s - self._clock())
        for _ in range(math.ceil(wait_s / _WAIT_S)):
            if self._is_over():
                return False
            self._renew()
            self._sleep(min(_WAIT_S, wait_s))
            wait_s -= _WAIT_S
        self._next_s = max(self._clock(), self._next_s) + items / self._rate
        return not self._is_over()

    def _settle(self, opened: Sequence[Opened], threads: ThreadPoolExecutor) -> None:
        """Write what is left of objects, then remove them; of those that fail the first is told, last."""
        told, fault = self.told, None
        writes = [(one, threads.submit(self._replace, one)) for one in opened if one.has_changed]
        for one in opened:
            told.delivered += one.delivered
            for leftover in one.left:
                reason = leftover.refusal.reason
                told.left[reason] = told.left.get(reason, 0) + 1
            self._skip(one.why, len(one.chosen) - one.tried)
        for _, write in writes:
            try:
                rewritten, is_removed = write.result()
            except StorageError as error:
                fault = fault or error
                continue
            told.rewritten += rewritten
            told.removed += is_removed
        if fault is not None:
            raise fault

    def _replace(self, one: Opened) -> tuple[int, bool]:
        """Write what is left of an object, then remove it: (objects written, whether it is gone)."""
        kept, rewritten = one.kept, 0
        for leftovers, kind, attempts in one.remainder(self._storage.has_queues):
            for made in documents(
                kept.sink,
                kept.channel,
                leftovers,
                kind=kind,
                at_unix_nano=kept.at_unix_nano,
                attempts=attempts,
            ):
                self._storage.put(*written(made))
                rewritten += 1
        return rewritten, self._storage.delete(one.key, one.etag)

    def _skip(self, why: str, items: int) -> None:
        if items > 0:
            self.told.skipped[why] = self.told.skipped.get(why, 0) + items


_Positive = Annotated[float, msgspec.Meta(ge=0, le=1e10)]


class Request(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the scheduled function is asked for; an empty one is everything."""

    source: str = ""
    sinks: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    #: Items of objects that are at least, and at most, so old, in seconds.
    min_age_s: _Positive = 0.0
    max_age_s: _Positive = 0.0
    event_ids: tuple[str, ...] = ()
    limit: Annotated[int, msgspec.Meta(ge=0)] = 0
    #: Items a second, 0 for as fast as the sinks take them.
    rate: _Positive = 0.0
    #: Only the plan.
    plan: bool = False


#: Keys of what EventBridge sends on a schedule without an input of its own.
_SCHEDULED = "detail-type"
#: Time that is left to write down what became of the last delivery.
_MARGIN_S = 10.0


def handler(event: Any, context: Any) -> dict[str, Any]:
    """Redrive on a schedule, as far as the function's time goes. Returns what became of it.

    event: {"sinks": [...], "reasons": [...], "limit": n, ...} as `Request` has it; without, or where
    EventBridge says only that it is time, OBSERVE_REDRIVE is. Raises RedriveError, StorageError.
    """
    from subscribers.config import EMPTY, load
    from subscribers.configured import deliverers

    asked = request_of(event, os.environ.get("OBSERVE_REDRIVE", ""))
    source = asked.source or os.environ.get("OBSERVE_DEAD_LETTERS", "")
    if not source:
        raise RedriveError("there is no source: OBSERVE_DEAD_LETTERS is not set")
    path = os.environ.get("OBSERVE_CONFIG", "")
    config = load(path) if path else EMPTY
    storage = storage_of(source)
    if asked.source and isinstance(storage, FolderStorage) and not storage.path.is_dir():
        raise RedriveError(f"there is no folder {storage.name}")
    made = plan(storage, filters_of(asked, time.time()), time.time())
    check_sinks(made, config.sinks)
    told: dict[str, Any] = {"plan": as_json(made)}
    if not asked.plan:
        left_ms = getattr(context, "get_remaining_time_in_millis", None)
        deadline_s = None if left_ms is None else max(0.0, left_ms() / 1_000 - _MARGIN_S)
        redrive = Redrive(storage, deliverers(config, os.environ), rate=asked.rate, deadline_s=deadline_s)
        try:
            redrive.run(made)
        finally:
            told["redriven"] = msgspec.to_builtins(redrive.told)
            _say(told)
    else:
        _say(told)
    return told


def request_of(event: Any, default: str) -> Request:
    """Return what an event, or else a default as JSON, asks for. Raises RedriveError."""
    is_own = isinstance(event, dict) and bool(event) and _SCHEDULED not in event
    try:
        if is_own:
            return msgspec.convert(event, Request)
        return msgspec.json.decode(default, type=Request) if default.strip() else Request()
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise RedriveError(f"{'the event' if is_own else 'OBSERVE_REDRIVE'}: {error}") from error


def filters_of(asked: Request, now_s: float) -> Filters:
    """Return the filters of a request. now_s: seconds since the epoch."""
    return Filters(
        sinks=asked.sinks,
        channels=asked.channels,
        reasons=asked.reasons,
        since_s=now_s - asked.max_age_s if asked.max_age_s else None,
        until_s=now_s - asked.min_age_s if asked.min_age_s else None,
        event_ids=asked.event_ids,
        limit=asked.limit,
    )


def _say(told: dict[str, Any]) -> None:
    redriven = told.get("redriven", {})
    is_odd = bool(redriven.get("left") or redriven.get("unreadable"))
    message = "redriven" if "redriven" in told else "redrive planned"
    line = {"level": "WARN" if is_odd else "INFO", "message": message, **told}
    sys.stdout.write(msgspec.json.encode(line).decode() + "\n")
    sys.stdout.flush()
