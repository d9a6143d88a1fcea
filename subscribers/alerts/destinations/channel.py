"""What all destinations have in common. See `sinks.channel.Channel`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol

import msgspec

from subscribers.alerts.message import Message
from subscribers.signals import Signal
from subscribers.sinks.channel import Item, Limits, Refusal, Request, Response, SecretReference, Verdict
from subscribers.sinks.statuses import whole

#: Of every destination's one channel; kept with what could not be delivered.
CHANNEL = "notices"
_REFERENCE = re.compile(r"arn:aws[a-z-]*:secretsmanager:|ssm:/")


class Destination(Protocol):
    """A channel that makes items of messages instead of signals."""

    @property
    def name(self) -> str:
        """CHANNEL."""

    @property
    def limits(self) -> Limits:
        """One item a request."""

    @property
    def is_repeatable(self) -> bool:
        """Whether what may have been taken is sent again: a notice twice is better than none."""

    def items(self, signals: Iterable[Signal]) -> Iterator[Item]:
        """Yield nothing: people are not told signals."""

    def told(self, message: Message) -> tuple[Item, ...]:
        """Return the items that tell a message. Never raises, whatever its texts hold."""

    def request(self, items: Sequence[Item]) -> Request:
        """Return the request that carries one item."""

    def verdict(self, items: Sequence[Item], response: Response) -> Verdict:
        """Say what a response means for it."""


class Notices(msgspec.Struct, frozen=True, kw_only=True):
    """What the channels of destinations are made from."""

    limits: Limits
    name: str = CHANNEL
    is_repeatable: bool = True

    def items(self, signals: Iterable[Signal]) -> Iterator[Item]:  # noqa: ARG002 - as all channels
        """Yield nothing: people are not told signals."""
        return iter(())


def limits(bytes: int) -> Limits:
    """Return the limits of an API that takes one notice of so many bytes a request."""
    return Limits(bytes=bytes, items=1, item_bytes=bytes)


def is_reference(value: object) -> bool:
    """Whether a setting is a reference to a secret."""
    return isinstance(value, dict) or (isinstance(value, str) and _REFERENCE.match(value) is not None)


def reference(value: Any) -> SecretReference:
    """Return a reference as the schema has checked it."""
    return value if isinstance(value, dict) else str(value)


def bad_response(items: Sequence[Item], response: Response, said: str) -> Verdict:
    """Return the verdict on a success that is not the API's: a portal's page, or a body that was cut."""
    refusal = Refusal("bad_response", response.status, said)
    return Verdict(retry=dict.fromkeys(range(len(items)), refusal))


def refused(items: Sequence[Item], response: Response, said: str = "") -> Verdict:
    """Return the verdict on a request that was not taken. said: what the body says."""
    return whole(items, response, said or response.body[:1024].decode("utf-8", "replace"))


def tree_of(body: bytes) -> dict[str, Any]:
    """Return a body as a JSON object, {} for what is none."""
    try:
        tree = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return {}
    return tree if isinstance(tree, dict) else {}
