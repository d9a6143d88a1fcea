"""The sinks of a chaos run, each with its strict backend."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from random import Random
from typing import Any

from tests.backends.datadog import DatadogBackend
from tests.backends.elastic import Elastic
from tests.backends.elastic_index import Dialect, Refused
from tests.backends.logstash import Logstash
from tests.backends.otlp import Otlp
from tests.chaos.aws import KEY, CloudWatch, Firehose, Keyed, XRay, environ
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


class RefusingOtlp(Otlp):
    """Rejects some for good, in partial successes."""

    def __init__(self) -> None:
        super().__init__(refuses=is_bad)


class KeyedDatadog(Keyed, DatadogBackend):
    """Datadog, with a key that the subscriber has to ask for."""

    def __init__(self) -> None:
        super().__init__(key=Keyed.key)


class KeyedLogstash(Keyed, Logstash):
    """Logstash with a user."""

    def __init__(self) -> None:
        super().__init__(basic=("observe", Keyed.key))


ALL = ("log", "print", "metric", "span")


def _datadog(url: str, *signals: str) -> dict[str, Any]:
    return {"type": "datadog", "url": url, "api_key": f"ssm:{KEY}", "signals": list(signals)}


def _otlp(url: str, *signals: str, **more: str) -> dict[str, Any]:
    return {"type": "otlp", "url": url, "signals": list(signals), **more}


def _of_aws(backend: Any) -> Mapping[str, str]:
    return environ(backend.url)


def _of_moto(backend: Any) -> Mapping[str, str]:
    return environ(backend.moto.endpoint_url)


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
    Target(
        "logstash",
        KeyedLogstash,
        lambda url: {
            "type": "logstash",
            "url": url,
            "basic": {"username": "observe", "password": f"ssm:{KEY}"},
        },
        ALL,
        environ=_of_moto,
    ),
    Target(
        "datadog logs",
        KeyedDatadog,
        lambda url: _datadog(url, "logs"),
        ("log", "print"),
        is_repeatable=False,
        environ=_of_moto,
    ),
    Target(
        "datadog metrics",
        KeyedDatadog,
        lambda url: _datadog(url, "metrics"),
        ("metric",),
        is_repeatable=False,
        environ=_of_moto,
    ),
    Target(
        "datadog traces",
        KeyedDatadog,
        lambda url: _datadog(url, "spans"),
        ("span",),
        is_repeatable=False,
        environ=_of_moto,
    ),
    Target("otlp traces", RefusingOtlp, lambda url: _otlp(url, "spans"), ("span",)),
    Target(
        "otlp logs, json", RefusingOtlp, lambda url: _otlp(url, "logs", encoding="json"), ("log", "print")
    ),
    Target("otlp metrics", RefusingOtlp, lambda url: _otlp(url, "metrics"), ("metric",), is_repeatable=False),
    Target(
        "xray segments", XRay, lambda url: {"type": "xray", "api": "segments"}, ("span",), environ=_of_aws
    ),
    Target(
        "cloudwatch metrics",
        CloudWatch,
        lambda url: {"type": "cloudwatch_metrics", "namespace": "Chaos"},
        ("metric",),
        is_repeatable=False,
        environ=_of_aws,
    ),
    Target(
        "firehose",
        Firehose,
        lambda url: {
            "type": "firehose",
            "streams": {name: name for name in ("logs", "spans", "metrics", "ledger")},
        },
        ALL,
        environ=_of_aws,
    ),
)
