"""What is installed for our indices: component templates, an index template, a policy that deletes old ones.

    Elasticsearch   ILM; data stream lifecycle where it is serverless
    OpenSearch      ISM
    Amazon's search collections (aoss)   templates only; age is for a data lifecycle policy of the collection

Fields that callers name are one flattened field, so that they cannot become columns. A number that is none is
kept and not searched, and so is a text that is too long: it costs no document. Pure: `index_install` compares
and `observe sinks install` sends.

https://www.elastic.co/docs/manage-data/data-store/templates
https://docs.opensearch.org/latest/im-plugin/index-templates/
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any, Literal

import msgspec

from subscribers.sinks.bulk import Names

Flavor = Literal["elasticsearch", "elasticsearch_serverless", "opensearch", "aoss"]
Kind = Literal["ilm", "ism", "component", "index"]

MANAGED_BY = "hybrid-observe"
RETENTION_DAYS = 30
#: Age at which a data stream gets a new index; a repeat is recognised until then.
ROLLOVER_DAYS = 7
ROLLOVER_SIZE = "50gb"
#: Names of fields that an index takes; what is beyond is kept, not searched, where the version can do that.
FIELDS_MAX = 2000
PATHS: dict[Kind, str] = {
    "ilm": "_ilm/policy",
    "ism": "_plugins/_ism/policies",
    "component": "_component_template",
    "index": "_index_template",
}
#: Above the templates that come with the products (100), and the longer prefix above the shorter.
_PRIORITY = 300
_TEXT_MAX = 1024
#: A flattened value's bytes must fit a term of 32,766, its name before it.
_FLAT_MAX = 8000
#: The first version whose flat_object keeps nulls without losing the document.
_FLAT_OBJECT = (2, 19)
_IGNORES_BEYOND = (8, 14)

_FIELDS: dict[str, tuple[str, ...]] = {
    "keyword": (
        *("ecs.version", "service.name", "service.version", "deployment.environment.name", "host.name"),
        *("cloud.account.id", "cloud.region", "aws.cloudwatch.log_group", "aws.cloudwatch.log_stream"),
        *("event.dataset", "event.outcome", "log.level", "log.logger", "log.origin.function"),
        *("log.origin.file.name", "log.syslog.facility.name", "log.syslog.msgid", "log.syslog.procid"),
        *("trace.id", "span.id", "span.name", "span.kind", "parent.id", "correlation_id"),
        *("faas.execution", "faas.name", "faas.version", "faas.instance", "faas.trigger"),
        *("error.type", "error.code", "observe.side", "observe.keys", "observe.time_from", "observe.told_by"),
        *("metric.name", "metric.type", "metric.unit", "metric.member"),
        *("http.request.method", "http.request.id", "http.route", "http.version", "url.full", "url.original"),
        *("url.path", "url.query", "url.scheme", "url.domain", "user.id", "user.name", "user_agent.original"),
        *("client.address", "server.address", "network.protocol.name", "network.protocol.version"),
        *("process.name", "process.thread.id", "process.thread.name"),
        *("code.file.path", "code.function.name", "code.namespace"),
        *("messaging.system", "messaging.message.id", "messaging.destination.name", "db.system.name"),
        *("ledger.payload_id", "ledger.sink"),
        *("db.operation.name", "db.collection.name", "rpc.system", "rpc.method", "rpc.service"),
    ),
    "text": ("message", "error.message", "error.stack_trace"),
    "long": (
        *("event.sequence", "event.duration", "http.response.status_code", "http.request.body.size"),
        *("http.response.body.size", "client.port", "server.port", "process.pid", "process.exit.code"),
        *("log.syslog.priority", "log.syslog.facility.code", "log.syslog.severity.code"),
        *("log.origin.file.line", "code.line.number", "messaging.batch.message_count"),
        "observe.clock_skew_ms",
        *("ledger.received", "ledger.delivered", "ledger.stored", "ledger.dropped"),
    ),
    "double": ("metric.value",),
    "boolean": ("observe.mended",),
    "date_nanos": ("@timestamp", "event.ingested"),
}  # fmt: skip
#: Trees whose names callers choose.
_FLATTENED = ("attributes", "labels", "ledger.reasons")
#: Kept, not searched.
_UNSEARCHED = ("span.events",)


class Cluster(msgspec.Struct, frozen=True):
    """What is written to. version: major and minor, (0, 0) where it does not say."""

    flavor: Flavor
    version: tuple[int, int] = (0, 0)


class Asset(msgspec.Struct, frozen=True):
    """One thing to install, at `PATHS[kind]/name`. body: what is put there."""

    kind: Kind
    name: str
    body: dict[str, Any]

    @property
    def path(self) -> str:
        """Where it is, below the cluster's address."""
        return f"{PATHS[self.kind]}/{self.name}"


def assets(
    cluster: Cluster, names: Names, retention_days: int = RETENTION_DAYS, *, has_policy: bool = True
) -> tuple[Asset, ...]:
    """Return what belongs to the indices of a sink, in the order in which it must be installed.

    has_policy: False where somebody else deletes old indices.
    """
    base = f"{names.part}-streams" if names.is_stream else names.prefix
    found = []
    if cluster.flavor == "elasticsearch" and has_policy:
        found.append(Asset("ilm", base, _ilm(names, retention_days)))
    if cluster.flavor == "opensearch" and has_policy:
        found.append(Asset("ism", base, _ism(names, retention_days)))
    mappings = {"template": {"mappings": _mappings(cluster)}}
    found.append(Asset("component", f"{base}-mappings", _marked(mappings)))
    settings = {"template": {"settings": _settings(cluster, base if has_policy else "")}}
    found.append(Asset("component", f"{base}-settings", _marked(settings)))
    found.append(
        Asset("index", base, _marked(_index_template(cluster, names, base, retention_days * has_policy)))
    )
    return tuple(found)


def digest_of(body: dict[str, Any]) -> str:
    """Return what tells one content from another: 16 hex digits."""
    return sha256(msgspec.json.encode(body, order="deterministic")).hexdigest()[:16]


def _marked(body: dict[str, Any]) -> dict[str, Any]:
    return {**body, "_meta": {"managed_by": MANAGED_BY, "digest": digest_of(body)}}


def _index_template(cluster: Cluster, names: Names, base: str, retention_days: int) -> dict[str, Any]:
    found: dict[str, Any] = {
        "index_patterns": list(names.patterns),
        "composed_of": [f"{base}-mappings", f"{base}-settings"],
        "priority": _PRIORITY + len(names.prefix),
    }
    if names.is_stream:
        found["data_stream"] = {}
        if cluster.flavor == "elasticsearch_serverless" and retention_days:
            found["template"] = {"lifecycle": {"data_retention": f"{retention_days}d"}}
    return found


def _settings(cluster: Cluster, policy: str) -> dict[str, Any]:
    if cluster.flavor == "aoss":  # a collection manages its indices itself
        return {}
    fields: dict[str, Any] = {"limit": FIELDS_MAX}
    found: dict[str, Any] = {"mapping": {"total_fields": fields}}
    is_elastic = cluster.flavor != "opensearch"
    if is_elastic and (cluster.version >= _IGNORES_BEYOND or cluster.flavor == "elasticsearch_serverless"):
        fields["ignore_dynamic_beyond_limit"] = True
    if cluster.flavor == "elasticsearch" and policy:
        found["lifecycle"] = {"name": policy}
    if cluster.flavor != "elasticsearch_serverless":
        found["codec"] = "best_compression"
    return {"index": found}


def _mappings(cluster: Cluster) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    for kind, names in _FIELDS.items():
        for name in names:
            _put(properties, name, _field(kind, name, cluster))
    for name in _FLATTENED:
        _put(properties, name, _flattened(cluster))
    for name in _UNSEARCHED:
        _put(properties, name, {"type": "object", "enabled": False})
    _put(properties, "span.links", {"dynamic": False, "properties": _nested(("trace.id", "span.id"))})
    number = {"ignore_malformed": True}
    return {
        "date_detection": False,
        "dynamic_templates": [
            {"texts": {"match_mapping_type": "string", "mapping": _field("keyword", "", cluster)}},
            {"flags": {"match_mapping_type": "boolean", "mapping": _field("keyword", "", cluster)}},
            {"integers": {"match_mapping_type": "long", "mapping": {"type": "long", **number}}},
            {"numbers": {"match_mapping_type": "double", "mapping": {"type": "double", **number}}},
        ],
        "properties": properties,
    }


def _field(kind: str, name: str, cluster: Cluster) -> dict[str, Any]:
    if kind == "keyword":
        return {"type": "keyword", "ignore_above": _TEXT_MAX}
    if kind == "text" and cluster.flavor.startswith("elasticsearch"):
        return {"type": "match_only_text"}
    if kind in ("long", "double") or name == "event.ingested":
        return {"type": kind, "ignore_malformed": True}
    return {"type": kind}


def _flattened(cluster: Cluster) -> dict[str, Any]:
    if cluster.flavor.startswith("elasticsearch"):
        return {"type": "flattened", "ignore_above": _FLAT_MAX, "depth_limit": 100}
    if cluster.flavor == "opensearch" and cluster.version >= _FLAT_OBJECT:
        return {"type": "flat_object"}
    return {"type": "object", "enabled": False}


def _nested(names: tuple[str, ...]) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    for name in names:
        _put(properties, name, {"type": "keyword", "ignore_above": _TEXT_MAX})
    return properties


def _put(properties: dict[str, Any], name: str, field: dict[str, Any]) -> None:
    """Put a field below the objects that its dotted name says."""
    *above, last = name.split(".")
    for one in above:
        properties = properties.setdefault(one, {"properties": {}})["properties"]
    properties[last] = field


def _rollover_days(retention_days: int) -> int:
    return max(1, min(ROLLOVER_DAYS, retention_days))


def _ilm(names: Names, retention_days: int) -> dict[str, Any]:
    """https://www.elastic.co/docs/reference/elasticsearch/index-lifecycle-actions"""
    hot: dict[str, Any] = {"set_priority": {"priority": 100}}
    if names.is_stream:
        age = f"{_rollover_days(retention_days)}d"
        hot["rollover"] = {"max_age": age, "max_primary_shard_size": ROLLOVER_SIZE}
    phases = {
        "hot": {"min_age": "0ms", "actions": hot},
        "delete": {"min_age": f"{retention_days}d", "actions": {"delete": {}}},
    }
    policy = {"phases": phases}
    return {"policy": {**policy, "_meta": {"managed_by": MANAGED_BY, "digest": digest_of(policy)}}}


def _ism(names: Names, retention_days: int) -> dict[str, Any]:
    """https://docs.opensearch.org/latest/im-plugin/ism/policies/ has no `_meta`: the description says it."""
    rollover, age = [], "min_index_age"
    if names.is_stream:
        first = f"{_rollover_days(retention_days)}d"
        rollover.append({"rollover": {"min_index_age": first, "min_primary_shard_size": ROLLOVER_SIZE}})
        age = "min_rollover_age"
    gone = {"state_name": "delete", "conditions": {age: f"{retention_days}d"}}
    policy: dict[str, Any] = {
        "default_state": "hot",
        "states": [
            {"name": "hot", "actions": rollover, "transitions": [gone]},
            {"name": "delete", "actions": [{"delete": {}}], "transitions": []},
        ],
        # A data stream's indices are found by the name of the stream.
        "ism_template": [
            {"index_patterns": list(names.patterns), "priority": _PRIORITY + len(names.prefix)},
        ],
    }
    return {"policy": {"description": f"managed by {MANAGED_BY}, {digest_of(policy)}", **policy}}
