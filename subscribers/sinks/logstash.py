"""Logstash by its HTTP input: an array of ECS documents, each with its event's ID.

    POST {url}      application/json, gzip; the answer is 200 `ok` for all of it, or for nothing that is known

The input decodes JSON itself and makes an event of each element. It says nothing of single events, and what
its pipeline does with them later it cannot say: only what the pipeline writes by `event.id` is written once.

https://www.elastic.co/docs/reference/logstash/plugins/plugins-inputs-http
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from subscribers.envelope import gzipped
from subscribers.signals import Signal
from subscribers.sinks import bulk, ecs
from subscribers.sinks.channel import (
    Basic,
    Channel,
    HttpRequest,
    Item,
    Limits,
    Refusal,
    Request,
    Response,
    SignalKind,
    Verdict,
)
from subscribers.sinks.elasticsearch import auth_of, kinds_of, takes_ledger
from subscribers.sinks.statuses import whole

_encode = msgspec.json.Encoder().encode

#: max_content_length of the input, where its owner has not changed it.
CONTENT_MAX_BYTES = 100 * 1024 * 1024
#: A request is one hand-over to the pipeline's queue, of 1,000 events where nobody has enlarged it.
BYTES = 2_000_000
ITEMS = 1_000


class LogstashChannel(msgspec.Struct, frozen=True, kw_only=True):
    """The HTTP input of one sink. See `channel.Channel`."""

    url: str
    kinds: tuple[SignalKind, ...]
    auth: Basic | None
    limits: Limits
    name: str = "events"
    has_ledger: bool = False
    #: As long as the pipeline's output has `document_id => "%{[event][id]}"`: the condition of this sink.
    is_repeatable: bool = True

    def items(self, signals: Iterable[Signal]) -> Iterator[Item]:
        """Yield a document a signal: the same as in Elasticsearch, with its ID, and objects for dots."""
        for signal in bulk.taken(signals, self.kinds):
            tree = {
                **ecs.document(signal),
                "event.id": signal.event_id,
                "event.dataset": ecs.dataset(signal),
            }
            try:
                body = _encode(ecs.nested(tree))
            except (UnicodeEncodeError, RecursionError):
                body = _encode(ecs.nested(ecs.mended_tree(tree)))
            yield Item(signal.event_id, body)

    def ledger_items(self, rows: Iterable[dict[str, Any]]) -> Iterator[Item]:
        """Yield a document a row of the ledger, where it is wanted. See `LedgerChannel`."""
        for row in rows if self.has_ledger else ():
            tree = {**ecs.ledger_document(row), "event.id": row["event_id"]}
            yield Item(row["event_id"], _encode(ecs.nested(tree)))

    def request(self, items: Sequence[Item]) -> Request:
        """Return the request that carries items as one array."""
        body = b"[" + b",".join([item.body for item in items]) + b"]"
        headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
        return HttpRequest(url=self.url, body=gzipped(body), headers=headers, auth=self.auth)

    def verdict(self, items: Sequence[Item], response: Response) -> Verdict:
        """Return all of them or none: the input takes a request whole.

        Any 2xx is its success, whose status its owner may choose; its body is `ok`, or empty with 204.
        """
        if response.fault or not 200 <= response.status < 300:
            return whole(items, response, response.body[:1024].decode("utf-8", "replace"))
        if response.body.strip() == (b"" if response.status == 204 else b"ok"):
            return Verdict()
        refusal = Refusal("bad_response", response.status, "this is not Logstash's answer")
        return Verdict(retry=dict.fromkeys(range(len(items)), refusal))


def make_logstash(name: str, settings: Mapping[str, Any]) -> tuple[Channel, ...]:  # noqa: ARG001 - as others
    """Return the channel of a sink of this type; none where it takes no signals."""
    kinds, has_ledger = kinds_of(settings), takes_ledger(settings)
    if not kinds and not has_ledger:
        return ()
    auth = auth_of(settings)
    most = min(int(settings.get("max_bytes", BYTES)), CONTENT_MAX_BYTES)
    channel = LogstashChannel(
        url=settings["url"],
        kinds=kinds,
        has_ledger=has_ledger,
        auth=auth if isinstance(auth, Basic) else None,
        limits=Limits(bytes=most, items=int(settings.get("max_items", ITEMS)), item_bytes=most),
    )
    return (channel,)
