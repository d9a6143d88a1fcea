"""Delivery of one channel's items: a generator that says what to send and when, and is told what came back.

    Send(id, request, ...)     ->  answered at once with Tick; its Answer comes later
    Wait(until_s)              ->  answered with an Answer, or with Tick when until_s has come
    Done(outcome)              ->  the end

It owns batches, parallelism, repeats with full jitter, Retry-After, halving, the circuit breaker and the
deadline, and touches neither socket nor clock. Every item that goes in is in the outcome: delivered, to be
retried by somebody else later, or rejected.

https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence

import msgspec

from subscribers.batching import TOO_LARGE, Cuttable, batches
from subscribers.sinks.channel import (
    AwsCall,
    Channel,
    Item,
    Leftover,
    Outcome,
    Refusal,
    Request,
    Response,
    Verdict,
)

#: Requests that have not come back are waited for so long after the deadline, in seconds.
GRACE_S = 1.0
#: For connecting, and for a thread to be free.
_CONNECT_S = 5.0


class Policy(msgspec.Struct, frozen=True):
    """How hard is tried. Seconds; `deadline_s` is on the clock of the answers, None for none."""

    parallel: int = 4
    attempts: int = 6
    base_s: float = 0.2
    cap_s: float = 10.0
    timeout_s: float = 10.0
    #: A destination that asks for a longer wait has the rest left to the retry queue.
    patience_s: float = 30.0
    deadline_s: float | None = None


class Send(msgspec.Struct, frozen=True):
    """Send a request. is_refreshed: ask for its secrets anew before."""

    id: int
    request: Request
    timeout_s: float
    is_refreshed: bool = False


class Wait(msgspec.Struct, frozen=True):
    """Nothing to do until a response comes, or this time; None: until a response comes."""

    until_s: float | None


class Done(msgspec.Struct, frozen=True):
    """All items are settled."""

    outcome: Outcome


class Tick(msgspec.Struct, frozen=True):
    """It is now."""

    now_s: float


class Answer(msgspec.Struct, frozen=True):
    """The response to a request that was sent."""

    id: int
    response: Response
    now_s: float


Action = Send | Wait | Done
Reply = Tick | Answer


class Breaker:
    """Stops sending to a destination that is down, and tries one request now and then.

    Kept between invocations. Not for several threads: the driver's alone.
    """

    def __init__(self, failures: int = 5, open_s: float = 30.0) -> None:
        """failures: in a row, before it opens; open_s: how long it stays so before one request is tried."""
        self._failures, self._open_s = failures, open_s
        self._in_a_row = 0
        #: Until when it is open; None while it is closed.
        self._until_s: float | None = None

    @property
    def is_probing(self) -> bool:
        """Whether it has opened and no request has done well since: one at a time may be tried."""
        return self._until_s is not None

    def allows(self, now_s: float) -> bool:
        """Whether a request may be sent: it is closed, or the pause is over."""
        return self._until_s is None or now_s >= self._until_s

    def learn(self, is_down: bool, now_s: float) -> None:
        """Take note of a response."""
        if not is_down:
            self._in_a_row, self._until_s = 0, None
            return
        self._in_a_row += 1
        if self._in_a_row >= self._failures:
            self._until_s = now_s + self._open_s


class _Try(msgspec.Struct):
    """A batch on its way. attempt: how often it was sent."""

    items: Sequence[Item]
    attempt: int = 0
    #: What it was refused with the last time, by position.
    refusals: dict[int, Refusal] = {}
    #: Of its request's body.
    size: int = 0
    wants_refresh: bool = False
    was_refreshed: bool = False


CIRCUIT_OPEN = Refusal("circuit_open", 0, "the destination failed several times in a row")
OUT_OF_TIME = Refusal("out_of_time", 0, "the function's time ran out")
NO_ANSWER = Refusal("read_timeout", 0, "no answer before the function's time ran out")
_UNKNOWN = Refusal("outcome_unknown", 0, NO_ANSWER.detail)
_NEVER = Response(fault="read_timeout", detail="no end of the answer in its time")


def deliver(
    channel: Channel,
    items: Iterable[Item],
    policy: Policy,
    breaker: Breaker,
    random: Callable[[], float],
    now_s: float,
) -> Generator[Action, Reply, None]:
    """Deliver items. random: a number in [0, 1); now_s: the clock that deadline and answers are on."""
    yield from _Delivery(channel, items, policy, breaker, random, now_s).run()


class _Delivery:
    def __init__(
        self,
        channel: Channel,
        items: Iterable[Item],
        policy: Policy,
        breaker: Breaker,
        random: Callable[[], float],
        now_s: float,
    ) -> None:
        self._channel, self._policy, self._breaker, self._random = channel, policy, breaker, random
        self._source: Iterator[Sequence[Item] | Leftover] = batches(items, channel.limits)
        self._ready: deque[_Try] = deque()
        #: (when, order, what): order decides between equals.
        self._later: list[tuple[float, int, _Try]] = []
        #: By the ID of the request: what it carries, and when no answer is waited for any more.
        self._in_flight: dict[int, tuple[_Try, float]] = {}
        self._ids = 0
        self._now_s = now_s
        self._not_before_s = now_s
        self._stopped: Refusal | None = None
        self._is_exhausted = False
        self.outcome = Outcome()

    def run(self) -> Generator[Action, Reply, None]:
        while True:
            yield from self._send_all()
            if self._is_exhausted and not (self._in_flight or self._later or self._ready):
                yield Done(self.outcome)
                return
            reply = yield Wait(self._until_s())
            self._now_s = reply.now_s
            if isinstance(reply, Answer):
                found, _ = self._in_flight.pop(reply.id, (None, 0.0))
                if found is not None:  # else it was given up before
                    self._learn(found, reply.response)
            for late in [id for id, (_, until_s) in self._in_flight.items() if until_s <= self._now_s]:
                self._learn(self._in_flight.pop(late)[0], _NEVER)
            if self._is_late(GRACE_S):
                self._give_up()

    def _send_all(self) -> Generator[Action, Reply, None]:
        """Send whatever may be sent now."""
        while len(self._in_flight) < self._policy.parallel:
            found = self._next()
            if found is None:
                return
            stop = self._stop()
            if stop is not None:
                self._leave(found, stop)
                continue
            if self._breaker.is_probing and self._in_flight:
                self._ready.appendleft(found)
                return
            request = self._request(found)
            if request is None:
                continue
            self._ids += 1
            # A connection, the answer's beginning, its end: each has its time.
            until_s = self._now_s + 2 * self._policy.timeout_s + _CONNECT_S
            self._in_flight[self._ids] = found, until_s
            found.attempt += 1
            self.outcome.requests += 1
            self.outcome.retries += found.attempt > 1
            reply = yield Send(self._ids, request, self._timeout_s(), found.wants_refresh)
            found.wants_refresh = False
            self._now_s = reply.now_s

    def _next(self) -> _Try | None:
        """The next batch that may be sent, or be left where nothing may be any more."""
        is_over = self._stopped is not None or self._is_late()
        if self._not_before_s > self._now_s and not is_over:
            return None
        if self._later and (is_over or self._later[0][0] <= self._now_s):
            return heapq.heappop(self._later)[2]
        if self._ready:
            return self._ready.popleft()
        for found in self._source:
            if not isinstance(found, Leftover):
                return _Try(found)
            self._reject(found)
        self._is_exhausted = True
        return None

    def _stop(self) -> Refusal | None:
        """Why nothing is sent any more."""
        if self._stopped is not None:
            return self._stopped
        if self._is_late():
            return OUT_OF_TIME
        return None if self._breaker.allows(self._now_s) else CIRCUIT_OPEN

    def _request(self, found: _Try) -> Request | None:
        """The batch's request; None where it was halved or cannot be made."""
        try:
            request = self._channel.request(found.items)
        except Exception as fault:  # noqa: BLE001 - a fault of ours must not lose the items: they are kept
            self._reject_all(
                found, Refusal("sink_fault", 0, f"{type(fault).__name__} while a request was made")
            )
            return None
        size = 0 if isinstance(request, AwsCall) else len(request.body)
        most = self._channel.limits.body_bytes
        if most and size > most:
            self._halve(found, TOO_LARGE)
            return None
        found.size = size
        return request

    def _learn(self, found: _Try, response: Response) -> None:
        """Settle a batch as the response says."""
        try:
            verdict = self._channel.verdict(found.items, response)
        except Exception as fault:  # noqa: BLE001 - as above; what became of it nobody knows
            refusal = Refusal(
                "sink_fault", response.status, f"{type(fault).__name__} while a response was read"
            )
            verdict = Verdict(rejected=dict.fromkeys(range(len(found.items)), refusal))
        if not response.fault or response.is_unknown:  # else nothing was sent
            self.outcome.bytes_sent += found.size
        self._breaker.learn(verdict.is_down, self._now_s)
        if verdict.is_too_large:
            refusal = next(iter(verdict.rejected.values()), TOO_LARGE)
            self._halve(found, refusal)
            return
        self.outcome.delivered += len(found.items) - len(verdict.rejected.keys() | verdict.retry.keys())
        self._cut(found, verdict)
        for i, refusal in verdict.rejected.items():
            self._reject(Leftover(found.items[i], refusal))
        if verdict.retry:
            self._again(found, verdict)

    def _cut(self, found: _Try, verdict: Verdict) -> None:
        """Keep the whole of what was delivered in part. Only few channels cut, and few items."""
        if isinstance(found.items, Cuttable):  # text that nobody has cut
            return
        for i, item in enumerate(found.items):
            if item.whole and i not in verdict.rejected and i not in verdict.retry:
                whole = Leftover(item, Refusal("truncated", 0, "delivered in part: the API takes no more"))
                self.outcome.cut.setdefault(self._channel.name, []).append(whole)

    def _again(self, found: _Try, verdict: Verdict) -> None:
        """Send what may be taken the next time again, or leave it to the retry queue."""
        again = found
        refusals = dict(verdict.retry)
        if len(refusals) < len(found.items):
            positions = sorted(refusals)
            again = _Try(
                [found.items[i] for i in positions], found.attempt, was_refreshed=found.was_refreshed
            )
            refusals = {new: refusals[old] for new, old in enumerate(positions)}
        again.refusals = refusals
        if verdict.is_unauthorized:
            if found.was_refreshed:
                # Others would fail the same way: the key is wrong until somebody mends it.
                self._stopped = next(iter(refusals.values()))
                self._leave(again)
                return
            again.wants_refresh = again.was_refreshed = True
            self._ready.appendleft(again)
            return
        if again.attempt >= self._policy.attempts:
            self._leave(again)
            return
        at_s = self._now_s + max(verdict.after_s, self._jitter_s(again.attempt))
        if verdict.after_s:
            self._not_before_s = max(self._not_before_s, self._now_s + verdict.after_s)
        is_too_late = self._policy.deadline_s is not None and at_s >= self._policy.deadline_s
        if verdict.after_s > self._policy.patience_s or (verdict.after_s and is_too_late):
            # Nothing else may be sent meanwhile, and a function that waits is paid for.
            self._stopped = next(iter(refusals.values()))
        if is_too_late or self._stopped:
            self._leave(again)
            return
        self._ids += 1
        heapq.heappush(self._later, (at_s, self._ids, again))

    def _jitter_s(self, attempt: int) -> float:
        most = min(self._policy.cap_s, self._policy.base_s * 2.0 ** (attempt - 1))
        return self._random() * most

    def _halve(self, found: _Try, refusal: Refusal) -> None:
        if len(found.items) == 1:
            self._reject_all(found, refusal if refusal.reason == "too_large" else TOO_LARGE)
            return
        middle = len(found.items) // 2
        # What is smaller is another request: it has its own attempts.
        for half in (found.items[middle:], found.items[:middle]):
            self._ready.appendleft(_Try(half, was_refreshed=found.was_refreshed))

    def _leave(self, found: _Try, refusal: Refusal | None = None) -> None:
        """Leave a batch to the retry queue, with what was said of it last."""
        kept = self.outcome.retry.setdefault(self._channel.name, [])
        for i, item in enumerate(found.items):
            kept.append(Leftover(item, found.refusals.get(i) or refusal or OUT_OF_TIME))

    def _reject(self, leftover: Leftover) -> None:
        self.outcome.rejected.setdefault(self._channel.name, []).append(leftover)

    def _reject_all(self, found: _Try, refusal: Refusal) -> None:
        for item in found.items:
            self._reject(Leftover(item, refusal))

    def _give_up(self) -> None:
        """No answer came in time: what is in flight may have been taken."""
        for found, _ in self._in_flight.values():
            found.refusals = {}
            if self._channel.is_repeatable:
                self._leave(found, NO_ANSWER)
            else:
                self._reject_all(found, _UNKNOWN)
        self._in_flight = {}

    def _is_late(self, grace_s: float = 0.0) -> bool:
        deadline_s = self._policy.deadline_s
        return deadline_s is not None and self._now_s >= deadline_s + grace_s

    def _timeout_s(self) -> float:
        deadline_s = self._policy.deadline_s
        left = self._policy.timeout_s if deadline_s is None else max(0.1, deadline_s - self._now_s)
        return min(self._policy.timeout_s, left)

    def _until_s(self) -> float | None:
        """When something is to be done though no answer came."""
        times = [until_s for _, until_s in self._in_flight.values()]
        if len(self._in_flight) < self._policy.parallel:
            if self._later:
                times.append(max(self._later[0][0], self._not_before_s))
            elif self._not_before_s > self._now_s:
                times.append(self._not_before_s)
        if self._policy.deadline_s is not None:
            late = self._policy.deadline_s
            times.append(late + GRACE_S if self._now_s >= late else late)
        return max(self._now_s, min(times)) if times else None
