"""One of Datadog's intake APIs as a channel: what its requests and its answers have in common.

An answer says nothing of single items, and a 2xx is no proof: what is too old, or of the future, is taken and
dropped. So the time of each item is held against the clock of the answer, its Date, and what Datadog drops is
rejected as `too_old` or `in_future`. What never can be taken, such as a value that is no number, has a body
that says so (`refused`), is never sent, and is rejected by that reason.

https://docs.datadoghq.com/api/latest/
https://docs.datadoghq.com/api/latest/rate-limits/
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from email.utils import parsedate_to_datetime
from typing import Any, Literal

import msgspec

from subscribers.envelope import gzipped
from subscribers.signals import Signal
from subscribers.sinks import statuses
from subscribers.sinks.channel import (
    DETAIL_MAX,
    HttpRequest,
    Item,
    Limits,
    Refusal,
    Response,
    Secret,
    SecretReference,
    Verdict,
)
from subscribers.tables import json_text

#: How a body begins that is not to be sent.
_REFUSED = b'{"refused":"'
_DETAILS = {
    "bad_name": "no name that Datadog takes can be made of it",
    "bad_value": "the value is no finite number",
}
#: Bytes of a request beside its items and their separators, at most.
AROUND_MAX = 16
#: The first status that the API has for a request it took, and the only one with which a body may be missing.
_ACCEPTED = 202


#: Makes a channel's items of signals.
Reader = Callable[[Iterable[Signal]], Iterator[Item]]


class Window(msgspec.Struct, frozen=True):
    """Which times are taken, around the time of the request, in seconds; None: any."""

    past_s: float | None = None
    future_s: float | None = None


class Intake(msgspec.Struct, frozen=True, kw_only=True):
    """A Channel. read: its items of signals; time_s: when the thing of a body happened, since the epoch."""

    name: str
    url: str
    #: Asked with GET when there is nothing in a batch that may be sent; it takes nothing.
    validate_url: str
    api_key: SecretReference
    limits: Limits
    read: Reader
    time_s: Callable[[bytes], float | None]
    window: Window = Window()
    is_repeatable: bool = False
    #: Statuses of which the API says that nothing was taken, although HTTP leaves it open.
    untaken: frozenset[int] = frozenset()
    encoding: Literal["gzip", "deflate", ""] = "gzip"
    content_type: str = "application/json"
    #: What stands before and after the items' bodies, with commas between.
    around: tuple[bytes, bytes] = (b"[", b"]")

    def items(self, signals: Iterable[Signal]) -> Iterator[Item]:
        """Yield the items of the signals that go this way, in order."""
        return self.read(signals)

    def request(self, items: Sequence[Item]) -> HttpRequest:
        """Return the request that carries the items, those aside that are not to be sent."""
        key: dict[str, str | Secret] = {"DD-API-KEY": Secret(self.api_key)}
        bodies = [item.body for item in items if not item.body.startswith(_REFUSED)]
        if not bodies:
            return HttpRequest(url=self.validate_url, method="GET", headers=key)
        head, tail = self.around
        headers = {**key, "Content-Type": self.content_type, "Accept": "application/json"}
        if self.encoding:
            headers["Content-Encoding"] = self.encoding
        return HttpRequest(
            url=self.url, headers=headers, body=_encoded(head + b",".join(bodies) + tail, self.encoding)
        )

    def verdict(self, items: Sequence[Item], response: Response) -> Verdict:
        """Say what a response means for the items of its request."""
        refused = {i: why for i, item in enumerate(items) if (why := _refusal(item.body)) is not None}
        if len(refused) == len(items):
            return Verdict(rejected=refused)
        found = self._failed(items, response)
        if found is None:
            found = self._taken(items, response)
        if not refused:
            return found
        return msgspec.structs.replace(
            found,
            retry={i: why for i, why in found.retry.items() if i not in refused},
            rejected={**found.rejected, **refused},
        )

    def _failed(self, items: Sequence[Item], response: Response) -> Verdict | None:
        """The verdict where the request was not taken, or nobody knows; None where it was."""
        if response.fault or response.status // 100 != 2:
            is_repeatable = self.is_repeatable or response.status in self.untaken
            found = statuses.whole(items, response, said(response.body), is_repeatable=is_repeatable)
            return msgspec.structs.replace(found, after_s=max(found.after_s, _after_s(response)))
        told = _object(response.body)
        if told is None and (response.body or response.status != _ACCEPTED):
            return self._unclear(items, response, "bad_response", "a success that is not Datadog's")
        if told and told.get("errors"):
            return self._unclear(items, response, "refused_request", said(response.body))
        return None

    def _unclear(self, items: Sequence[Item], response: Response, reason: str, detail: str) -> Verdict:
        """Some of the items may have been taken, and some not."""
        refusal = Refusal(reason if self.is_repeatable else "outcome_unknown", response.status, detail)
        every = dict.fromkeys(range(len(items)), refusal)
        is_foreign = reason == "bad_response"
        # What Datadog names as wrong is wrong the next time, too.
        if is_foreign and self.is_repeatable:
            return Verdict(retry=every, is_down=True)
        return Verdict(rejected=every, is_down=is_foreign)

    def _taken(self, items: Sequence[Item], response: Response) -> Verdict:
        """The verdict on a request that was taken: what Datadog drops of it is not delivered."""
        now_s = _clock_s(response)
        if now_s is None or self.window == Window():
            return Verdict()
        dropped = {}
        for i, item in enumerate(items):
            why = self._outside(item.body, now_s)
            if why is not None:
                dropped[i] = Refusal(why[0], response.status, why[1])
        return Verdict(rejected=dropped)

    def _outside(self, body: bytes, now_s: float) -> tuple[str, str] | None:
        at_s = self.time_s(body)
        if at_s is None:
            return None
        past_s, future_s = self.window.past_s, self.window.future_s
        if past_s is not None and now_s - at_s > past_s:
            return "too_old", f"Datadog drops what is older than {_told(past_s)}"
        if future_s is not None and at_s - now_s > future_s:
            return "in_future", f"Datadog drops what is more than {_told(future_s)} ahead"
        return None


def encoded(tree: object) -> bytes:
    """Return a tree as JSON, whatever it holds: NaN is null, half surrogates are replaced."""
    try:
        return _encode(tree)
    except (TypeError, ValueError, RecursionError):  # a UnicodeEncodeError is a ValueError
        return _encode(json.loads(json_text(tree), parse_constant=lambda _: None))


def refused(event_id: str, reason: Literal["bad_name", "bad_value"], tree: dict[str, Any]) -> Item:
    """Return an item that is rejected by this reason and never sent; tree: what it is, without NaN."""
    return Item(event_id, encoded({"refused": reason, **tree}))


_encode = msgspec.json.Encoder().encode


class _Refused(msgspec.Struct):
    refused: str


_refused_decoder = msgspec.json.Decoder(_Refused)
_any_decoder = msgspec.json.Decoder()


def _refusal(body: bytes) -> Refusal | None:
    if not body.startswith(_REFUSED):
        return None
    try:
        reason = _refused_decoder.decode(body).refused
    except (ValueError, RecursionError):  # somebody mended a dead letter by hand
        reason = "bad_value"
    return Refusal(reason, 0, _DETAILS.get(reason, reason))


def _told(seconds: float) -> str:
    return f"{seconds / 3600:g} h" if seconds >= 3600 else f"{seconds / 60:g} min"


def _encoded(body: bytes, encoding: str) -> bytes:
    if encoding == "gzip":
        return gzipped(body)
    return zlib.compress(body, 1) if encoding else body


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        told = _any_decoder.decode(body)
    except (ValueError, RecursionError):
        return None
    return told if isinstance(told, dict) else None


def said(body: bytes) -> str:
    """What an answer says for people: {"errors": [text or {"title", "detail"}]}, else how it begins."""
    told = _object(body)
    errors = told.get("errors") if told else None
    if not isinstance(errors, list):
        return body[:DETAIL_MAX].decode(errors="replace")
    texts = (one.get("detail") or one.get("title") if isinstance(one, dict) else one for one in errors)
    return "; ".join(map(str, texts))[:DETAIL_MAX]


def _after_s(response: Response) -> float:
    """Return the seconds until the limit of requests begins anew, 0 where nobody says.

    Other answers have these headers, too, but nothing is to be waited for.
    """
    if response.status != 429:
        return 0.0
    for name in ("x-ratelimit-reset", "x-ratelimit-period"):
        told = response.headers.get(name, "").strip()
        if told.isascii() and told.isdigit():
            return min(float(told[:12]), statuses.AFTER_MAX_S)
    return 0.0


def _clock_s(response: Response) -> float | None:
    """Return the other side's time, since the epoch. https://www.rfc-editor.org/rfc/rfc9110#section-6.6.1"""
    try:
        return parsedate_to_datetime(response.headers.get("date", "")).timestamp()
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
