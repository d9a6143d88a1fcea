"""Notices to people: what is owed to whom, delivered, and what became of it.

    notices -> outbox: what each destination is owed -> deliver -> Told: sent, failed, still owed

What could not be sent is not queued: a trigger that comes after its resolve would open a page that nobody
closes. It is owed, and the next evaluation tries again, a minute later, with the newest notice in place of
the older ones: to each destination in the order of the alert. What is refused for good, or owed for 6 hours,
is a dead letter of the sink `destination.<name>`, which `observe redrive` can deliver. Save the outbox before
delivering, and what is still owed behind it: whatever stops in between repeats, and loses nothing.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from subscribers.alerts.destinations import DESTINATIONS, Destination
from subscribers.alerts.destinations.channel import CHANNEL
from subscribers.alerts.incidents_values import rank
from subscribers.alerts.message import Surroundings, message_of
from subscribers.alerts.model import Severity
from subscribers.alerts.notice import Action, Notice
from subscribers.dead_letter_storage import StorageError
from subscribers.delivery import Policy
from subscribers.http import Edge, SecretSource, Settings
from subscribers.shipping import Job, Shipper, drive
from subscribers.sinks.channel import Item, Keeper, Leftover, Refusal

#: Before the name of a destination, where others have that of a sink.
PREFIX = "destination."
#: A notice that is older is a dead letter: whoever wakes up to it would look at what is over.
OWED_MAX_S = 6 * 3600
_POLICY = Policy(parallel=2, attempts=4, timeout_s=10.0)
_GONE = Refusal("no_such_destination", 0, "observe.yaml has no destination of this name any more")
_NOT_SENT = Refusal("out_of_time", 0, "what comes before it was not sent")


class Owed(msgspec.Struct, frozen=True, kw_only=True):
    """One notice that one destination is still to be told. items: those that were not taken yet."""

    destination: str
    key: str
    action: Action
    since_s: int
    items: tuple[Item, ...]
    #: Why it was not sent the last time.
    refusal: Refusal | None = None


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What became of an outbox.

    sent: notices that were taken; failed: (destination, reason) of each that was not, for an alarm; owed: to
    save for the next time; buried: notices that are dead letters now.
    """

    sent: int = 0
    failed: tuple[tuple[str, str], ...] = ()
    owed: tuple[Owed, ...] = ()
    buried: int = 0


class Notifier:
    """The destinations of observe.yaml, ready to be told. Connections and secrets are kept."""

    def __init__(
        self,
        destinations: Mapping[str, Mapping[str, Any]],
        keeper: Keeper,
        secrets: SecretSource | None = None,
    ) -> None:
        """destinations: of observe.yaml, validated; keeper: where dead letters go."""
        self._keeper = keeper
        self._least: dict[str, Severity] = {
            name: settings.get("min_severity", "info") for name, settings in destinations.items()
        }
        self._channels = {name: channel_of(settings) for name, settings in destinations.items()}
        self._shippers = {name: _shipper(name, channel, secrets) for name, channel in self._channels.items()}

    def notify(
        self,
        notices: Sequence[Notice],
        around: Surroundings,
        now_s: int,
        owed: Sequence[Owed] = (),
        deadline_s: float | None = None,
    ) -> Told:
        """Tell notices, and what was owed before; see `outbox` and `deliver`."""
        return self.deliver(self.outbox(notices, around, owed), now_s, deadline_s)

    def outbox(
        self, notices: Sequence[Notice], around: Surroundings, owed: Sequence[Owed] = ()
    ) -> tuple[Owed, ...]:
        """Return what is owed now, oldest first. owed: what the delivery before has left.

        A notice goes to the destinations of its rule whose `min_severity` the alert has reached; one that
        reaches it by an update is told a trigger.
        """
        left = list(owed)
        for notice in notices:
            for name in self._meant(notice):
                left = self._replaced(left, name, notice, around)
        return tuple(left)

    def untold(self, notices: Sequence[Notice]) -> int:
        """Return how many notices have nobody to be told to."""
        return sum(not self._meant(notice) for notice in notices)

    def deliver(self, owed: Sequence[Owed], now_s: int, deadline_s: float | None = None) -> Told:
        """Deliver what is owed: side by side, but that of one alert to one destination in order.

        deadline_s: seconds from now, for all. Never raises for anything that destinations or keeper do.
        """
        waiting: dict[tuple[str, str], list[Owed]] = {}
        for one in owed:
            waiting.setdefault((one.destination, one.key), []).append(one)
        round_ = _Round(self._keeper, now_s)
        until_s = None if deadline_s is None else time.monotonic() + deadline_s
        while heads := [some[0] for some in waiting.values() if some]:
            left_s = None if until_s is None else max(0.0, until_s - time.monotonic())
            for head, after in zip(heads, self._sent(heads, left_s), strict=True):
                queue = waiting[head.destination, head.key]
                queue.pop(0)
                if not round_.settle(head, after):
                    # The rest of this alert has to come behind it.
                    round_.wait(queue)
                    queue.clear()
        return round_.told()

    def _meant(self, notice: Notice) -> list[str]:
        names = notice.notify or tuple(self._channels)
        return [n for n in names if n not in self._least or rank(notice.peak) >= rank(self._least[n])]

    def _replaced(self, left: Sequence[Owed], name: str, notice: Notice, around: Surroundings) -> list[Owed]:
        """What is owed with a notice more: the older ones of its alert that it makes needless are gone."""
        older = [one for one in left if (one.destination, one.key) == (name, notice.key)]
        needless = [one for one in older if one.action != "resolve" or notice.action == "resolve"]
        action = notice.action
        if action == "update" and (
            any(one.action == "trigger" for one in needless) or not self._knows(name, notice)
        ):
            action = "trigger"
        message = message_of(notice, around, action)
        channel = self._channels.get(name)
        # Of a destination that is gone the dead letter can be read by people.
        items = channel.told(message) if channel else (Item(notice.id, msgspec.json.encode(message)),)
        new = Owed(destination=name, key=notice.key, action=action, since_s=notice.at_s, items=items)
        return [one for one in left if one not in needless] + [new]

    def _knows(self, name: str, notice: Notice) -> bool:
        """Whether a destination was told of the alert before: it was as urgent as is told there."""
        before = notice.peak_before
        return before != "" and rank(before) >= rank(self._least.get(name, "info"))

    def _sent(self, heads: Sequence[Owed], deadline_s: float | None) -> list[_After]:
        """What became of one notice of each of several alerts."""
        by_name: dict[str, list[Item]] = {}
        for head in heads:
            by_name.setdefault(head.destination, []).extend(head.items)
        jobs: dict[str, Job] = {}
        for name, items in by_name.items():
            if name in self._shippers:
                (jobs[name],) = self._shippers[name].jobs({CHANNEL: items}, deadline_s)
        drive(list(jobs.values()))
        found = {name: _of(job) for name, job in jobs.items()}
        return [_after(head, found.get(head.destination)) for head in heads]


class _After(msgspec.Struct, frozen=True):
    """What is left of a notice: to be sent again, and never to be taken."""

    retry: tuple[Leftover, ...]
    rejected: tuple[Leftover, ...]


class _Round:
    """Puts one delivery's results together."""

    def __init__(self, keeper: Keeper, now_s: int) -> None:
        self._keeper, self._now_s = keeper, now_s
        self._sent = self._buried = 0
        self._failed: list[tuple[str, str]] = []
        self._owed: list[Owed] = []

    def settle(self, one: Owed, after: _After) -> bool:
        """Take note of one notice; whether nothing of it is owed any more."""
        if not after.retry and not after.rejected:
            self._sent += 1
            return True
        first = (*after.rejected, *after.retry)[0].refusal
        self._failed.append((one.destination, first.reason))
        retry = after.retry
        letters = after.rejected
        if self._now_s - one.since_s >= OWED_MAX_S:
            letters, retry = (*letters, *retry), ()
        if letters and not self._bury(one, letters):
            retry = (*retry, *letters)
        if retry:
            items = tuple(leftover.item for leftover in retry)
            self._owed.append(replace(one, items=items, refusal=retry[0].refusal))
        return not retry

    def wait(self, owed: Iterable[Owed]) -> None:
        """Keep what was not tried."""
        for one in owed:
            self._failed.append((one.destination, _NOT_SENT.reason))
            self._owed.append(replace(one, refusal=_NOT_SENT))

    def told(self) -> Told:
        return Told(sent=self._sent, failed=tuple(self._failed), owed=tuple(self._owed), buried=self._buried)

    def _bury(self, one: Owed, letters: Sequence[Leftover]) -> bool:
        try:
            self._keeper.bury(PREFIX + one.destination, CHANNEL, letters)
        except StorageError:
            self._failed.append((one.destination, "not_kept"))
            return False
        self._buried += 1
        return True


def channel_of(settings: Mapping[str, Any]) -> Destination:
    """Return the channel of a destination of observe.yaml."""
    return DESTINATIONS[settings["type"]](settings)


def shippers(
    destinations: Mapping[str, Mapping[str, Any]], secrets: SecretSource | None = None
) -> dict[str, Shipper]:
    """Return what delivers kept notices again, by the name under which they are kept."""
    return {
        PREFIX + name: _shipper(name, channel_of(settings), secrets)
        for name, settings in destinations.items()
    }


def _shipper(name: str, channel: Destination, secrets: SecretSource | None) -> Shipper:
    return Shipper(PREFIX + name, [channel], Edge(Settings(timeout_s=_POLICY.timeout_s), secrets), _POLICY)


def _of(job: Job) -> tuple[dict[str, Leftover], dict[str, Leftover]]:
    """What was not taken, to be sent again or never, by the ID of the item."""
    return (
        {leftover.item.event_id: leftover for leftover in job.outcome.retry.get(CHANNEL, ())},
        {leftover.item.event_id: leftover for leftover in job.outcome.rejected.get(CHANNEL, ())},
    )


def _after(one: Owed, found: tuple[dict[str, Leftover], dict[str, Leftover]] | None) -> _After:
    if found is None:
        return _After((), tuple(Leftover(item, _GONE) for item in one.items))
    retry, rejected = found
    ids = [item.event_id for item in one.items]
    return _After(
        tuple(retry[id] for id in ids if id in retry), tuple(rejected[id] for id in ids if id in rejected)
    )
