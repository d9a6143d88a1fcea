"""The sinks of a chaos run, each with its strict backend."""

from __future__ import annotations

from hashlib import blake2b
from random import Random
from typing import Any

from tests.backends.elastic import Elastic
from tests.backends.elastic_index import Dialect, Refused
from tests.chaos.run import Target

#: One event in so many is refused for good, and this share of items for now.
_BAD_ONE_IN = 997
_BUSY_SHARE = 0.01


class MixedElastic(Elastic):
    """Items have verdicts of their own: some conflict with a mapping, some come while it is busy."""

    def __init__(self, dialect: Dialect) -> None:
        super().__init__(dialect)
        self._random = Random(7)

    def _apply(self, op: str, pipeline: str, name: str, id: str, document: bytes | None) -> dict[str, Any]:
        told = {"_index": name, "_id": id}
        if is_bad(id):
            kind = (
                "mapper_parsing_exception" if self.dialect == "opensearch" else "document_parsing_exception"
            )
            refused = Refused(400, kind, "[1:1] failed to parse field [claim] of type [long]")
        elif self._random.random() < _BUSY_SHARE:
            refused = Refused(
                429, "es_rejected_execution_exception", "rejected execution of coordinating operation"
            )
        else:
            return super()._apply(op, pipeline, name, id, document)
        return {op: {**told, "status": refused.status, "error": refused.error}}


def is_bad(event_id: str) -> bool:
    """Whether an event is one that a backend refuses for good."""
    digest = blake2b(event_id.partition(":")[0].encode(), digest_size=4).digest()
    return int.from_bytes(digest, "big") % _BAD_ONE_IN == 0


ALL = ("log", "print", "metric", "span")

TARGETS: tuple[Target, ...] = (
    Target(
        "elasticsearch",
        lambda: MixedElastic("elasticsearch"),
        lambda url: {"type": "elasticsearch", "url": url},
        ALL,
    ),
    Target(
        "opensearch, data streams",
        lambda: MixedElastic("opensearch"),
        lambda url: {"type": "opensearch", "url": url, "data_stream": True},
        ALL,
    ),
)
