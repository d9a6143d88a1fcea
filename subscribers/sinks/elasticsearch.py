"""Elasticsearch and OpenSearch by `_bulk`: ECS documents with the event's ID, so that a repeat is a conflict.

    POST {url}/_bulk?filter_path=...[&pipeline=...]     application/x-ndjson, gzip

Of the answer only what a verdict needs is asked for; each item has a status, so positions stay. Signed
requests (`sigv4`) are for domains (`es`) and for search collections (`aoss`) of Amazon OpenSearch.

https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-bulk
https://docs.opensearch.org/latest/api-reference/document-apis/bulk/
https://docs.aws.amazon.com/opensearch-service/latest/developerguide/limits.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

import msgspec

from subscribers.envelope import gzipped
from subscribers.signals import Signal
from subscribers.sinks import bulk, index_verdicts
from subscribers.sinks.bulk_lines import text_of
from subscribers.sinks.channel import (
    Basic,
    Channel,
    HttpRequest,
    Item,
    Limits,
    Request,
    Response,
    Secret,
    SignalKind,
    SigV4,
    Verdict,
)

#: http.max_content_length, of what is inflated, too; small domains of Amazon take a tenth of it.
CONTENT_MAX_BYTES = 100 * 1024 * 1024
#: What is asked for where the settings say nothing: it fits 10 MiB, which the smallest domains take.
BYTES = 10_000_000
ITEMS = 10_000
_FILTER = ",".join(("errors", *(f"items.*.{name}" for name in ("_id", "status", "error"))))


class ElasticChannel(msgspec.Struct, frozen=True, kw_only=True):
    """`_bulk` of one sink. See `channel.Channel`."""

    url: str
    names: bulk.Names
    kinds: tuple[SignalKind, ...]
    headers: dict[str, str | Secret]
    auth: Basic | SigV4 | None
    limits: Limits
    name: str = "bulk"
    #: The ledger is a request of its own: it is written only where the settings name it.
    has_ledger: bool = False
    pipeline: str = ""
    is_compressed: bool = True
    #: An event's ID is its document's, whose second creation is refused.
    is_repeatable: bool = True

    def items(self, signals: Iterable[Signal]) -> Iterator[Item]:
        """Yield an action and a document a signal."""
        return bulk.items(signals, self.names, self.kinds)

    def ledger_items(self, rows: Iterable[dict[str, Any]]) -> Iterator[Item]:
        """Yield an action and a document a row of the ledger, where it is wanted. See `LedgerChannel`."""
        return bulk.ledger_items(rows if self.has_ledger else (), self.names)

    def request(self, items: Sequence[Item]) -> Request:
        """Return the `_bulk` request of items."""
        lines = text_of(items)
        return HttpRequest(
            url=self.url,
            body=gzipped(lines) if self.is_compressed else lines,
            headers=self.headers,
            auth=self.auth,
        )

    def verdict(self, items: Sequence[Item], response: Response) -> Verdict:
        """Say what an answer means for each item; see `index_verdicts`."""
        return index_verdicts.verdict(items, response, is_renamed=bool(self.pipeline))


def make_elasticsearch(name: str, settings: Mapping[str, Any]) -> tuple[Channel, ...]:  # noqa: ARG001 - as others
    """Return the channel of a sink of either type; none where it takes no signals."""
    kinds, has_ledger = kinds_of(settings), takes_ledger(settings)
    if not kinds and not has_ledger:
        return ()
    compressed = settings.get("compression", "gzip") == "gzip"
    most = min(int(settings.get("max_bytes", BYTES)), CONTENT_MAX_BYTES)
    channel = ElasticChannel(
        url=_bulk_url(settings),
        names=names_of(settings),
        kinds=kinds,
        has_ledger=has_ledger,
        headers={
            "Content-Type": "application/x-ndjson",
            **({"Content-Encoding": "gzip"} if compressed else {}),
            **key_header(settings),
        },
        auth=auth_of(settings),
        limits=Limits(bytes=most, items=int(settings.get("max_items", ITEMS)), item_bytes=most),
        pipeline=settings.get("pipeline", ""),
        is_compressed=compressed,
    )
    return (channel,)


make_opensearch = make_elasticsearch


def names_of(settings: Mapping[str, Any]) -> bulk.Names:
    """Return what the indices of a sink are called."""
    return bulk.Names(
        settings.get("index", bulk.PREFIX),
        bool(settings.get("data_stream", False)),
        settings.get("namespace", "default"),
    )


def kinds_of(settings: Mapping[str, Any]) -> tuple[SignalKind, ...]:
    """Return the kinds of signals that a sink takes: logs, metrics and spans where it says nothing."""
    wanted = settings.get("signals", bulk.KINDS)
    return tuple(kind for kind in bulk.KINDS if kind in wanted)


def takes_ledger(settings: Mapping[str, Any]) -> bool:
    """Return whether a sink is to have the ledger: where its settings name it."""
    return "ledger" in settings.get("signals", ())


def auth_of(settings: Mapping[str, Any]) -> Basic | SigV4 | None:
    """Return how the settings prove who we are, besides a key."""
    if basic := settings.get("basic"):
        return Basic(basic["username"], basic["password"])
    if signed := settings.get("sigv4"):
        return SigV4(signed["region"], signed.get("service", "es"))
    return None


def key_header(settings: Mapping[str, Any]) -> dict[str, str | Secret]:
    """Return the header of an API key, where there is one: `ApiKey <encoded>`."""
    key = settings.get("api_key")
    return {"Authorization": Secret(key, "ApiKey ")} if key else {}


def _bulk_url(settings: Mapping[str, Any]) -> str:
    # Quoted whole, for a signature is made over the query as it is sent.
    query = f"filter_path={quote(_FILTER, safe='')}"
    if pipeline := settings.get("pipeline"):
        query += f"&pipeline={quote(pipeline, safe='')}"
    return f"{settings['url'].rstrip('/')}/_bulk?{query}"
