"""A sink that is spoken to by requests: its channels, driven side by side over real connections.

The generators of `delivery` decide; here their requests are sent by threads, their clock is read and their
outcomes are put together. Connections, secrets and circuit breakers are kept between invocations.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import Empty, SimpleQueue
from typing import Protocol

import msgspec

from subscribers.delivery import Action, Answer, Breaker, Done, Policy, Reply, Send, Tick, Wait, deliver
from subscribers.sinks.channel import Channel, Item, Outcome, Request, Response


class Edge(Protocol):
    """What sends; `http.Edge` is one."""

    def send(self, request: Request, timeout_s: float | None = None) -> Response:
        """Return what came of a request; never raises."""

    def refresh(self, request: Request) -> None:
        """Ask for its secrets anew."""


class Shipper:
    """One sink of observe.yaml, ready to deliver. A `sinks.channel.Deliverer`."""

    def __init__(
        self,
        name: str,
        channels: Sequence[Channel],
        edge: Edge,
        policy: Policy | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """clock: seconds, monotonic; chance: a number in [0, 1), for the jitter."""
        self._name = name
        self.channels = {channel.name: channel for channel in channels}
        self._edge, self._policy = edge, policy or Policy()
        self._clock, self._chance = clock, chance
        self._breakers = {channel.name: Breaker() for channel in channels}

    @property
    def name(self) -> str:
        """The sink's name in observe.yaml."""
        return self._name

    def deliver(self, items: Mapping[str, Iterable[Item]], deadline_s: float | None = None) -> Outcome:
        """Deliver items by channel; see `sinks.channel.Deliverer`."""
        jobs = self.jobs(items, deadline_s)
        drive(jobs, self._clock)
        return summed(job.outcome for job in jobs)

    def jobs(self, items: Mapping[str, Iterable[Item]], deadline_s: float | None = None) -> list[Job]:
        """Return what `drive` makes progress with. Raises KeyError for a channel that is not here."""
        now_s = self._clock()
        until_s = None if deadline_s is None else now_s + max(0.0, deadline_s)
        policy = msgspec.structs.replace(self._policy, deadline_s=until_s)
        return [
            Job(
                deliver(self.channels[name], some, policy, self._breakers[name], self._chance, now_s),
                self._edge,
                policy.parallel,
            )
            for name, some in items.items()
        ]


class Job:
    """One channel's delivery on its way."""

    def __init__(self, steps: Generator[Action, Reply, None], edge: Edge, parallel: int) -> None:
        self.steps, self.edge, self.parallel = steps, edge, parallel
        self.outcome = Outcome()
        self.is_done = False
        #: What it waits for; None while any answer will do.
        self.until_s: float | None = None


def drive(jobs: Sequence[Job], clock: Callable[[], float] = time.monotonic) -> None:
    """Drive deliveries side by side until all are done."""
    if not jobs:
        return
    answers: SimpleQueue[tuple[Job, int, Response]] = SimpleQueue()
    with _Threads(sum(job.parallel for job in jobs)) as threads:

        def send(job: Job, action: Send) -> None:
            try:
                if action.is_refreshed:
                    job.edge.refresh(action.request)
                response = job.edge.send(action.request, action.timeout_s)
            except BaseException as fault:  # noqa: BLE001 - an answer that never comes would be waited for
                response = Response(fault="unreachable", detail=f"{type(fault).__name__} in the edge")
            answers.put((job, action.id, response))

        def advance(job: Job, reply: Reply | None) -> None:
            action = job.steps.send(reply) if reply is not None else next(job.steps)
            while isinstance(action, Send):
                threads.start(send, job, action)
                action = job.steps.send(Tick(clock()))
            if isinstance(action, Wait):
                job.until_s = action.until_s
            elif isinstance(action, Done):
                job.outcome, job.is_done = action.outcome, True

        for job in jobs:
            advance(job, None)
        while waiting := [job for job in jobs if not job.is_done]:
            times = [job.until_s for job in waiting if job.until_s is not None]
            timeout_s = max(0.0, min(times) - clock()) if times else None
            try:
                job, id, response = answers.get(timeout=timeout_s)
            except Empty:
                now_s = clock()
                for job in waiting:
                    if job.until_s is not None and job.until_s <= now_s:
                        advance(job, Tick(now_s))
                continue
            if not job.is_done:  # else it was given up
                advance(job, Answer(id, response, clock()))


class _Threads:
    """Threads for one delivery; those that still wait for an answer nobody wants are not waited for."""

    def __init__(self, most: int) -> None:
        self._pool = ThreadPoolExecutor(max(1, min(most, 64)), thread_name_prefix="observe-send")

    def __enter__(self) -> _Threads:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    def start(self, call: Callable[[Job, Send], None], job: Job, action: Send) -> None:
        self._pool.submit(call, job, action)


def summed(outcomes: Iterable[Outcome]) -> Outcome:
    """Return several outcomes as one."""
    total = Outcome()
    for outcome in outcomes:
        total.delivered += outcome.delivered
        total.requests += outcome.requests
        total.bytes_sent += outcome.bytes_sent
        total.retries += outcome.retries
        for mine, theirs in (
            (total.retry, outcome.retry),
            (total.rejected, outcome.rejected),
            (total.cut, outcome.cut),
        ):
            for channel, leftovers in theirs.items():
                mine.setdefault(channel, []).extend(leftovers)
    return total
