"""A channel for tests, and a world with a clock of its own in which deliveries run at once."""

from __future__ import annotations

import heapq
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from random import Random

from subscribers.delivery import Answer, Breaker, Done, Policy, Send, Tick, deliver
from subscribers.signals import Signal
from subscribers.sinks.channel import HttpRequest, Item, Limits, Outcome, Refusal, Response, Verdict
from subscribers.sinks.statuses import whole


class Words:
    """A channel whose requests are event IDs, and whose responses name those that are not taken.

    200 {"retry": [...], "bad": [...]}: event IDs
    """

    name = "words"

    def __init__(self, limits: Limits | None = None, *, is_repeatable: bool = True) -> None:
        self.limits = limits or Limits(bytes=10_000, items=10, item_bytes=1_000)
        self.is_repeatable = is_repeatable

    def items(self, signals: Iterable[Signal]) -> Iterator[Item]:
        """Yield an item a signal."""
        for signal in signals:
            yield item(signal.event_id)

    def request(self, items: Sequence[Item]) -> HttpRequest:
        """Return the IDs as a request."""
        return HttpRequest(url="http://words", body=json.dumps([one.event_id for one in items]).encode())

    def verdict(self, items: Sequence[Item], response: Response) -> Verdict:
        """Judge by ID."""
        if response.status != 200:
            return whole(items, response, is_repeatable=self.is_repeatable)
        told = json.loads(response.body or b"{}")
        at = {one.event_id: i for i, one in enumerate(items)}
        return Verdict(
            retry={at[word]: Refusal("busy", 429) for word in told.get("retry", ())},
            rejected={at[word]: Refusal("bad", 400) for word in told.get("bad", ())},
        )


def item(event_id: str, size: int = 10) -> Item:
    """Return an item of a size."""
    return Item(event_id, b'"' + b"x" * (size - 2) + b'"')


class World:
    """Runs one delivery. answer: (now, request's IDs, request number) -> (seconds it takes, response)."""

    def __init__(
        self,
        channel: Words,
        answer: Callable[[float, list[str], int], tuple[float, Response]],
        policy: Policy | None = None,
        breaker: Breaker | None = None,
        seed: int = 1,
    ) -> None:
        self.channel, self.answer, self.policy = channel, answer, policy or Policy()
        self.breaker = breaker or Breaker()
        self.random = Random(seed).random
        self.now_s = 0.0
        #: When each request was sent, and with which IDs.
        self.sent: list[tuple[float, list[str]]] = []
        self.refreshed = 0
        self.most_in_flight = 0
        self.taken: Counter[str] = Counter()

    def run(self, items: Iterable[Item]) -> Outcome:
        """Return what became of the items."""
        steps = deliver(self.channel, items, self.policy, self.breaker, self.random, self.now_s)
        flying: list[tuple[float, int, Response]] = []
        action = next(steps)
        while not isinstance(action, Done):
            if isinstance(action, Send):
                assert isinstance(action.request, HttpRequest)
                ids = json.loads(action.request.body)
                self.sent.append((self.now_s, ids))
                self.refreshed += action.is_refreshed
                takes_s, response = self.answer(self.now_s, ids, len(self.sent))
                if takes_s > action.timeout_s:
                    takes_s, response = action.timeout_s, Response(fault="read_timeout")
                heapq.heappush(flying, (self.now_s + takes_s, action.id, response))
                self.most_in_flight = max(self.most_in_flight, len(flying))
                action = steps.send(Tick(self.now_s))
                continue
            assert flying or action.until_s is not None, "it waits for nothing"
            if flying and (action.until_s is None or flying[0][0] <= action.until_s):
                self.now_s, id, response = heapq.heappop(flying)
                action = steps.send(Answer(id, response, self.now_s))
            else:
                assert action.until_s is not None
                self.now_s = max(self.now_s, action.until_s)
                action = steps.send(Tick(self.now_s))
        return action.outcome


def ids_of(outcome: Outcome) -> tuple[Counter[str], Counter[str]]:
    """Return the IDs that are to be retried, and those that were rejected."""
    return (
        Counter(left.item.event_id for some in outcome.retry.values() for left in some),
        Counter(left.item.event_id for some in outcome.rejected.values() for left in some),
    )
