"""`observe reinvoke`: the SQL that finds failed invocations, and the work of a plan.

NotReinvokedError   the plan cannot be carried out; nothing was invoked
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any, NamedTuple, Protocol

import msgspec

from console.errors import ConsoleError
from console.trace import find_key
from observe.ids import derive_trace_id
from subscribers.config import Config
from subscribers.reinvoke import (
    EVENT_LINE,
    REPLAY_LINE,
    Answer,
    Decision,
    Failed,
    client_context,
    function_of,
    replay_line,
    replays_of,
)
from subscribers.reinvoke_found import failed_of, joined, messages_of, settled, with_replays
from subscribers.signals import Log, Span
from subscribers.store import Store
from subscribers.store_errors import StoreError
from subscribers.tables import log_of, span_of

#: Invocations of one plan; whoever has more narrows the time.
MAX_ROWS = 20_000

_LINES = """
SELECT * FROM logs
WHERE json_extract_string(attributes, '$.event') = $event
  AND ($all OR request_id IN (SELECT unnest($ids::VARCHAR[]))
            OR trace_id IN (SELECT unnest($traces::VARCHAR[]))
            OR (correlation_id <> '' AND correlation_id IN (SELECT unnest($ids::VARCHAR[]))))
  AND time_unix_nano BETWEEN $since AND $until
ORDER BY time_unix_nano, event_id
LIMIT $limit
"""
_FAILED = """
SELECT * FROM spans
WHERE status = 'error' AND kind IN ('server', 'consumer') AND request_id <> ''
  AND json_extract_string(attributes, '$."faas.invocation_id"') = request_id
  AND ($all OR request_id IN (SELECT unnest($ids::VARCHAR[]))
            OR trace_id IN (SELECT unnest($traces::VARCHAR[]))
            OR (correlation_id <> '' AND correlation_id IN (SELECT unnest($ids::VARCHAR[]))))
  AND start_unix_nano BETWEEN $since AND $until
ORDER BY start_unix_nano, event_id
LIMIT $limit
"""
#: Every attempt, whenever it was.
_ATTEMPTS = """
SELECT * FROM spans WHERE kind IN ('server', 'consumer')
AND request_id IN (SELECT unnest($ids::VARCHAR[])) ORDER BY start_unix_nano, event_id
"""
_TOLD = """
SELECT * FROM logs
WHERE json_extract_string(attributes, '$.event') = $event AND request_id IN (SELECT unnest($ids::VARCHAR[]))
ORDER BY time_unix_nano, event_id
"""
_SAME_MESSAGES = """
SELECT * FROM spans WHERE kind IN ('server', 'consumer') AND status <> 'error' AND (
    json_extract_string(attributes, '$."messaging.message.id"') IN (SELECT unnest($ids::VARCHAR[]))
    OR list_has_any(json_extract_string(attributes, '$."observe.receipts"[*]'), $ids::VARCHAR[]))
"""
_REPLAYED = """
SELECT * FROM spans WHERE kind IN ('server', 'consumer')
AND json_extract_string(attributes, '$."observe.replay_of"') IN (SELECT unnest($ids::VARCHAR[]))
"""


class NotReinvokedError(ConsoleError):
    """The plan cannot be carried out. `reason` is `wrong_account`."""

    reason = "wrong_account"


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Which invocations: by ID or business key (name, value, secret), and of which functions and time."""

    id: str = ""
    key: tuple[str, str, str] | None = None
    functions: tuple[str, ...] = ()
    since_unix_nano: int = 0
    until_unix_nano: int = (1 << 63) - 1


class Found(NamedTuple):
    """Failed invocations. cut: whether there are more than MAX_ROWS."""

    failed: list[Failed]
    cut: bool


class Lambda(Protocol):
    """What is called of AWS; `subscribers.reinvoke_aws.Aws` is one."""

    def account(self, region: str) -> str:
        """Return whose the credentials are."""

    def prepare(self, regions: set[str]) -> None:
        """Get ready for calls by several threads."""

    def invoke(self, decision: Decision, client_context: str) -> Answer:
        """Run a function and return how that ended."""


def find(store: Store, asked: Asked, config: Config, secret: str = "") -> Found:
    """Return the failed invocations that the store knows of. Raises StoreError.

    secret: that of the functions, with which the lines of events have to be signed; "" where nobody knows it.
    """
    named = _named(store, asked)
    if named is None:
        return Found([], cut=False)
    when = {"since": asked.since_unix_nano, "until": asked.until_unix_nano, "limit": MAX_ROWS + 1}
    lines = [log_of(row) for row in store.query(_LINES, {**named, **when, "event": EVENT_LINE})]
    spans = [span_of(row) for row in store.query(_FAILED, {**named, **when})]
    ids = sorted({line.request_id for line in lines} | {span.request_id for span in spans})
    cut = max(len(lines), len(spans)) > MAX_ROWS
    return Found(within(_known(store, ids, secret), asked, config), cut)


def within(failed: Sequence[Failed], asked: Asked, config: Config) -> list[Failed]:
    """Return those of the functions and the time that are asked for."""
    return [
        one
        for one in failed
        if (not asked.functions or _function(one, config) in asked.functions)
        and asked.since_unix_nano <= one.time_unix_nano <= asked.until_unix_nano
    ]


def with_destinations(store: Store | None, records: Sequence[Failed]) -> list[Failed]:
    """Return the records of destinations, one a request ID, with what the store knows of the same ones."""
    known = {one.request_id: one for one in _known(store, [r.request_id for r in records])} if store else {}
    latest = {record.request_id: record for record in sorted(records, key=lambda one: one.time_unix_nano)}
    made = [joined(record, known.get(record.request_id)) for record in latest.values()]
    return _replayed(store, made) if store else made


def _named(store: Store, asked: Asked) -> dict[str, Any] | None:
    """The IDs to look for; None where a key leads to none."""
    if asked.key is not None:
        found = find_key(store, *asked.key)
        traces = {trace for story in found.stories for trace in story.trace_ids}
        traces |= {log.trace_id for log in found.lines}
        return {"all": False, "ids": [], "traces": sorted(traces - {""})} if traces - {""} else None
    if not asked.id:
        return {"all": True, "ids": [], "traces": []}
    return {"all": False, "ids": [asked.id], "traces": [derive_trace_id(asked.id)]}


def _known(store: Store, ids: Sequence[str], secret: str = "") -> list[Failed]:
    """What failed of these request IDs, with all that is known of it."""
    spans = _spans(store, _ATTEMPTS, ids)
    failed = failed_of(_lines(store, EVENT_LINE, ids), spans, secret)
    messages = messages_of(spans)
    return _replayed(store, settled(failed, spans, _spans(store, _SAME_MESSAGES, sorted(messages))))


def _replayed(store: Store, failed: Sequence[Failed]) -> list[Failed]:
    ids = [one.request_id for one in failed]
    return with_replays(failed, replays_of(_lines(store, REPLAY_LINE, ids)), _spans(store, _REPLAYED, ids))


def _lines(store: Store, event: str, ids: Sequence[str]) -> list[Log]:
    if not ids:
        return []
    return [log_of(row) for row in store.query(_TOLD, {"ids": list(ids), "event": event})]


def _spans(store: Store, sql: str, ids: Sequence[str]) -> list[Span]:
    return [span_of(row) for row in store.query(sql, {"ids": list(ids)})] if ids else []


def _function(one: Failed, config: Config) -> str:
    return one.function or function_of(one.origin.log_group, config.service_of(one.origin.log_group))


# --- Carrying it out --------------------------------------------------------------------------


class Ended(NamedTuple):
    """A decision that was carried out, and how."""

    decision: Decision
    answer: Answer


class Pace:
    """Lets calls begin at most `rate` times a second. Thread-safe; waiting ends when `stop` is set."""

    def __init__(self, rate: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.stop = threading.Event()
        self._between_s = 1 / rate
        self._clock = clock
        self._next_s = clock()
        self._lock = threading.Lock()

    def wait(self) -> bool:
        """Return when it is one's turn: False where it was stopped before that."""
        with self._lock:
            at_s = max(self._next_s, self._clock())
            self._next_s = at_s + self._between_s
        return not self.stop.wait(max(0.0, at_s - self._clock()))


def check_account(decisions: Iterable[Decision], aws: Lambda) -> None:
    """Raise NotReinvokedError where a function is of another account than the credentials."""
    wanted = {one.account: one for one in decisions}
    if not wanted:
        return
    own = aws.account(next(iter(wanted.values())).region)
    if other := next((account for account in wanted if account != own), None):
        raise NotReinvokedError(
            f"{wanted[other].function} is of account {other}, and these credentials are of {own}: "
            "nothing was invoked"
        )


def carry_out(
    decisions: Sequence[Decision],
    aws: Lambda,
    store: Store,
    pace: Pace,
    told: Callable[[Ended], None],
    *,
    parallel: int = 1,
    debug: bool = False,
    clock: Callable[[], int] = time.time_ns,
) -> list[Ended]:
    """Invoke again what `decisions` say, tell how each ended as it ends, and return them all.

    Before an invocation begins the store says so, and after it how it ended: a run that is killed in between
    is known as `started`, and is not made again by itself. An interrupt, or `pace.stop`, lets what runs end,
    and nothing more begins: then fewer have ended than there were. Raises StoreError.
    """
    recording = threading.Lock()

    def record(decision: Decision, answer: Answer, begun: int) -> None:
        line = replay_line(decision, answer, begun, clock())
        try:
            with recording:
                store.append([line])
        except StoreError:
            pace.stop.set()  # what cannot be recorded would be made twice
            raise

    def one(decision: Decision) -> Ended | None:
        if not pace.wait():
            return None
        begun = clock()
        record(decision, Answer("started"), begun)
        answer = aws.invoke(decision, client_context(decision.failed, debug=debug))
        record(decision, answer, begun)
        return Ended(decision, answer)

    todo = [decision for decision in decisions if not decision.reason]
    aws.prepare({decision.region for decision in todo})
    ended: list[Ended] = []
    with ThreadPoolExecutor(parallel) as pool:
        pending: set[Future[Ended | None]] = {pool.submit(one, decision) for decision in todo}
        while pending:
            try:
                for future in wait(pending, return_when=FIRST_COMPLETED).done:
                    pending.discard(future)
                    if (made := future.result()) is not None:
                        ended.append(made)
                        told(made)
            except KeyboardInterrupt:
                pace.stop.set()
            except BaseException:  # of a store that cannot be written, or an output that nobody reads
                pace.stop.set()
                raise
    return ended
