"""A strict Elasticsearch or OpenSearch: `_bulk`, templates, policies, with the real statuses and bodies.

https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-bulk
https://docs.opensearch.org/latest/api-reference/document-apis/bulk/
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from tests.backends.elastic_index import (
    TYPES,
    Dialect,
    Index,
    Refused,
    check_index_name,
    flat,
    matches,
    settings_of,
)
from tests.backends.elastic_wire import filtered, operations, tree_of
from tests.backends.server import Backend, Fault, Received, Reply

VERSIONS: dict[Dialect, str] = {"elasticsearch": "8.19.3", "opensearch": "3.1.0"}
_TYPES = ("application/json", "application/x-ndjson", "application/vnd.elasticsearch+x-ndjson")
_TYPES += ("application/vnd.elasticsearch+json",)
_NOT_FOUND = {"component": "component template matching [{}] not found"}
_NOT_FOUND |= {"index": "index template matching [{}] not found", "ilm": "Lifecycle policy not found: [{}]"}


class Elastic(Backend):
    """documents of each index are in `indices`, by name; `blocks`: index -> (status, what blocks it)."""

    def __init__(
        self,
        dialect: Dialect = "elasticsearch",
        faults: Callable[[int, Received], Fault | None] | None = None,
        *,
        version: str = "",
        flavor: str = "default",
        api_key: str = "",
        basic: tuple[str, str] | None = None,
        content_max_bytes: int = 100 * 1024 * 1024,
        indices_max: int = 1000,
    ) -> None:
        """api_key, basic: what is asked for; without them anybody may write."""
        super().__init__(faults)
        self.dialect: Dialect = dialect
        self.version, self.flavor = version or VERSIONS[dialect], flavor
        self.api_key, self.basic = api_key, basic
        self.content_max_bytes, self.indices_max = content_max_bytes, indices_max
        self.indices: dict[str, Index] = {}
        #: Data stream -> its write index.
        self.streams: dict[str, str] = {}
        self.blocks: dict[str, tuple[int, str]] = {}
        self.closed: set[str] = set()
        self.pipelines: set[str] = set()
        self.kept: dict[str, dict[str, Any]] = {"component": {}, "index": {}, "ilm": {}, "ism": {}}
        self._seq_no = 0

    def answer(self, request: Received) -> Reply:
        """Answer as the real one does."""
        with self.lock:
            reply = self._answer(request)
        product = {"X-elastic-product": "Elasticsearch"} if self.dialect == "elasticsearch" else {}
        return reply._replace(headers={**product, **reply.headers})

    def fault_reply(self, status: int) -> Reply:
        """Return what it says itself with such a status; a proxy's others are a page."""
        if status in (401, 413, 429):
            kind = {401: "security_exception", 429: "es_rejected_execution_exception"}.get(status, "")
            reply = _failed(Refused(status, kind, f"status {status}"))
            return reply._replace(headers=super().fault_reply(status).headers)
        return super().fault_reply(status)._replace(body=b"<html>try again</html>")

    def documents(self) -> dict[str, dict[str, Any]]:
        """Return all documents by ID."""
        return {id: one for index in self.indices.values() for id, one in index.documents.items()}

    def roll_over(self, stream: str) -> None:
        """Give a data stream a new write index, as ILM and ISM do."""
        number = int(self.streams[stream][-6:]) + 1
        self.streams[stream] = f"{self.streams[stream][:-6]}{number:06d}"
        self._make(self.streams[stream], self._template(stream))

    def _answer(self, request: Received) -> Reply:
        try:
            body = self._inflated(request)
            if denied := self._denied(request):
                return denied
            if body and request.headers.get("content-type", "").partition(";")[0] not in _TYPES:
                kind = request.headers.get("content-type", "")
                return Reply(406, {"error": f"Content-Type header [{kind}] is not supported", "status": 406})
            return self._routed(request, body)
        except Refused as refused:
            return _failed(refused)

    def _inflated(self, request: Received) -> bytes:
        body = request.body
        if len(body) <= self.content_max_bytes and request.headers.get("content-encoding") == "gzip":
            inflate = zlib.decompressobj(wbits=31)
            try:
                body = inflate.decompress(body, self.content_max_bytes + 1)
            except zlib.error as error:
                raise Refused(400, "illegal_argument_exception", str(error)) from error
        if len(body) > self.content_max_bytes:
            raise Refused(413, "", "")
        return body

    def _denied(self, request: Received) -> Reply | None:
        given = request.headers.get("authorization", "")
        wanted = []
        if self.api_key:
            wanted.append(f"ApiKey {self.api_key}")
        if self.basic:
            wanted.append("Basic " + base64.b64encode(":".join(self.basic).encode()).decode())
        if not wanted or given in wanted:
            return None
        if self.dialect == "opensearch":
            challenge = {"WWW-Authenticate": 'Basic realm="OpenSearch Security"'}
            return Reply(401, b"Unauthorized", {"Content-Type": "text/plain", **challenge})
        reason = f"missing authentication credentials for REST request [{request.path}]"
        if given:
            what = "unable to authenticate with provided credentials"
            reason = f"{what} and anonymous access is not allowed for this request"
        challenges = ['Basic realm="security", charset="UTF-8"', "ApiKey"]
        error = {
            "type": "security_exception",
            "reason": reason,
            "header": {"WWW-Authenticate": challenges},
        }
        body = {"error": {"root_cause": [error], **error}, "status": 401}
        return Reply(401, body, {"WWW-Authenticate": ", ".join(challenges)})

    def _routed(self, request: Received, body: bytes) -> Reply:
        method, parts = request.method, [unquote(part) for part in request.path.strip("/").split("/")]
        kinds = {("_component_template",): "component", ("_index_template",): "index"}
        kinds |= {("_ilm", "policy"): "ilm"} if self.dialect == "elasticsearch" else {}
        kinds |= {("_plugins", "_ism", "policies"): "ism"} if self.dialect == "opensearch" else {}
        if request.path == "/" and method == "GET":
            return Reply(200, self._about())
        if parts == ["_bulk"] and method in ("POST", "PUT"):
            return Reply(200, filtered(self._bulk(request, body), request.query.get("filter_path", "")))
        kind = kinds.get(tuple(parts[:-1]))
        if kind == "ilm" and self.flavor == "serverless":
            reason = f"Request for uri [{request.path}] with method [{method}] exists but is not available"
            raise Refused(410, "api_not_available_exception", f"{reason} when running in serverless mode")
        if kind and method == "GET":
            return self._get(kind, parts[-1])
        if kind and method in ("PUT", "POST"):
            return self._put(kind, parts[-1], tree_of(body), request.query)
        error = f"no handler found for uri [{request.path}] and method [{method}]"
        return Reply(400, {"error": error})

    def _about(self) -> dict[str, Any]:
        own: dict[str, Any] = {"build_flavor": self.flavor}
        if self.dialect == "opensearch":
            own = {"distribution": "opensearch"}
        tagline = "You Know, for Search" if self.dialect == "elasticsearch" else "The OpenSearch Project"
        version = {"number": self.version, **own}
        return {"name": "n", "cluster_name": "c", "cluster_uuid": "u", "version": version, "tagline": tagline}

    def _bulk(self, request: Received, body: bytes) -> dict[str, Any]:
        if not body:
            raise Refused(400, "parse_exception", "request body is required")
        if not body.endswith(b"\n"):
            raise Refused(
                400, "illegal_argument_exception", "The bulk request must be terminated by a newline [\\n]"
            )
        wanted = list(operations(body))
        pipeline = request.query.get("pipeline", "")
        results = [self._apply(op, pipeline, name, id, document) for op, name, id, document in wanted]
        return {
            "took": 1,
            "errors": any("error" in next(iter(r.values())) for r in results),
            "items": results,
        }

    def _apply(self, op: str, pipeline: str, name: str, id: str, document: bytes | None) -> dict[str, Any]:
        told: dict[str, Any] = {"_index": name, "_id": id}
        try:
            if pipeline and pipeline not in self.pipelines:
                raise Refused(
                    400, "illegal_argument_exception", f"pipeline with id [{pipeline}] does not exist"
                )
            index = self._index(op, name)
            told["_index"] = index.name
            if document is None:
                status = 200 if index.documents.pop(id, None) is not None else 404
                return {op: {**told, "result": "deleted" if status == 200 else "not_found", "status": status}}
            if op == "create" and id in index.documents:
                reason = f"[{id}]: version conflict, document already exists (current version [1])"
                raise Refused(409, "version_conflict_engine_exception", reason)
            tree = self._document(document, name in self.streams)
            index.put(id, tree)
        except Refused as refused:
            where = (
                {"index_uuid": "u", "shard": "0", "index": told["_index"]} if refused.status == 409 else {}
            )
            return {op: {**told, "status": refused.status, "error": {**refused.error, **where}}}
        self.accepted[id] += 1
        shards = {"total": 2, "successful": 1, "failed": 0}
        return {op: {**told, "_version": 1, "result": "created", "_shards": shards, "status": 201}}

    def _document(self, document: bytes, is_stream: bool) -> dict[str, Any]:
        es = self.dialect == "elasticsearch"
        kind = "document_parsing_exception" if es else "mapper_parsing_exception"
        try:
            tree = json.loads(document)
        except (ValueError, RecursionError) as error:
            raise Refused(
                400, kind, "failed to parse", {"type": "parse_exception", "reason": str(error)}
            ) from None
        if not isinstance(tree, dict):
            raise Refused(400, kind, "failed to parse, document is no object")
        if is_stream and "@timestamp" not in tree:
            missing = "data stream timestamp field [@timestamp] is missing"
            raise Refused(
                400, kind, "failed to parse", {"type": "illegal_argument_exception", "reason": missing}
            )
        return tree

    def _index(self, op: str, name: str) -> Index:
        check_index_name(name)
        template = self._template(name)
        if name in self.streams or "data_stream" in template:
            if op != "create":
                reason = "only write ops with an op_type of create are allowed in data streams"
                raise Refused(400, "illegal_argument_exception", reason)
            if name not in self.streams:
                self.streams[name] = f".ds-{name}-2026.11.21-000001"
            name = self.streams[name]
        if name in self.closed:
            raise Refused(400, "index_closed_exception", "closed")
        if name in self.blocks:
            status, block = self.blocks[name]
            raise Refused(status, "cluster_block_exception", f"index [{name}] blocked by: [{block}];")
        return self.indices.get(name) or self._make(name, template)

    def _make(self, name: str, template: dict[str, Any]) -> Index:
        if len(self.indices) >= self.indices_max:
            shards = f"[{2 * len(self.indices)}]/[{2 * self.indices_max}] maximum normal shards open;"
            what = "Validation Failed: 1: this action would add [2] shards, but this cluster currently has"
            raise Refused(400, "validation_exception", f"{what} {shards}")
        parts = [self.kept["component"][one] for one in template.get("composed_of", ())] + [template]
        mappings: dict[str, Any] = {"properties": {}}
        settings: dict[str, Any] = {}
        for part in parts:
            inner = part.get("template", {})
            mappings["properties"] |= inner.get("mappings", {}).get("properties", {})
            mappings |= {k: v for k, v in inner.get("mappings", {}).items() if k != "properties"}
            settings |= settings_of(inner)
        self.indices[name] = Index(name, self.dialect, mappings, settings)
        return self.indices[name]

    def _template(self, name: str) -> dict[str, Any]:
        fitting = [one for one in self.kept["index"].values() if matches(one["index_patterns"], name)]
        return max(fitting, key=lambda one: one.get("priority", 0), default={})

    def _get(self, kind: str, name: str) -> Reply:
        found = self.kept[kind].get(name)
        if kind == "ism":
            if found is None:
                raise Refused(404, "status_exception", "Policy not found")
            return Reply(200, {"_id": name, "_version": 1, "_primary_term": 1, **found})
        if found is None:
            raise Refused(404, "resource_not_found_exception", _NOT_FOUND[kind].format(name))
        if kind == "ilm":
            return Reply(200, {name: {"version": 1, "policy": found, "in_use_by": {"indices": []}}})
        return Reply(200, {f"{kind}_templates": [{"name": name, f"{kind}_template": found}]})

    def _put(self, kind: str, name: str, tree: dict[str, Any], query: dict[str, str]) -> Reply:
        if kind == "ism":
            return self._put_ism(name, tree, query)
        if kind == "ilm":
            if set(tree) != {"policy"} or set(tree["policy"]) - {"phases", "_meta"}:
                raise Refused(400, "x_content_parse_exception", "[put_lifecycle_request] unknown field")
            self.kept[kind][name] = tree["policy"]
            return Reply(200, {"acknowledged": True})
        self._check_template(kind, name, tree)
        self.kept[kind][name] = tree
        return Reply(200, {"acknowledged": True})

    def _put_ism(self, name: str, tree: dict[str, Any], query: dict[str, str]) -> Reply:
        there = self.kept["ism"].get(name)
        wanted = None if there is None else (str(there["_seq_no"]), "1")
        given = (query["if_seq_no"], query["if_primary_term"]) if "if_seq_no" in query else None
        if given != wanted:
            raise Refused(409, "version_conflict_engine_exception", f"[{name}]: version conflict")
        policy = tree["policy"]
        names = {state["name"] for state in policy["states"]}
        known = {"description", "default_state", "states", "ism_template", "error_notification"}
        if set(policy) - known or policy["default_state"] not in names or "description" not in policy:
            raise Refused(400, "illegal_argument_exception", "Invalid field in Policy")
        self._seq_no += 1
        self.kept["ism"][name] = {"_seq_no": self._seq_no, "policy": {"policy_id": name, **policy}}
        meta = {"_id": name, "_version": 1, "_primary_term": 1, "_seq_no": self._seq_no}
        return Reply(200 if there else 201, {**meta, "policy": {"policy": policy}})

    def _check_template(self, kind: str, name: str, tree: dict[str, Any]) -> None:
        own = {"index_patterns", "composed_of", "priority", "data_stream", "allow_auto_create"}
        if unknown := set(tree) - {"template", "version", "_meta"} - (own if kind == "index" else set()):
            raise Refused(
                400, "x_content_parse_exception", f"[1:2] [{kind}_template] unknown field {unknown}"
            )
        inner = tree.get("template", {})
        for field, mapping in flat(inner.get("mappings", {}).get("properties", {})):
            if mapping.get("type", "object") not in TYPES[self.dialect]:
                reason = f"No handler for type [{mapping['type']}] declared on field [{field}]"
                raise Refused(400, "mapper_parsing_exception", reason)
        for setting in settings_of(inner):
            if self.dialect == "opensearch" and setting.startswith("index.lifecycle."):
                raise Refused(400, "illegal_argument_exception", f"unknown setting [{setting}]")
        for part in tree.get("composed_of", ()):
            if part not in self.kept["component"]:
                reason = (
                    f"index_template [{name}] invalid, cause [component template [{part}] does not exist]"
                )
                raise Refused(400, "invalid_index_template_exception", reason)
        if kind == "index":
            self._check_overlap(name, tree)

    def _check_overlap(self, name: str, tree: dict[str, Any]) -> None:
        for other, kept in self.kept["index"].items():
            same = kept.get("priority", 0) == tree.get("priority", 0) and other != name
            if same and set(kept["index_patterns"]) & set(tree["index_patterns"]):
                what = f"index template [{name}] has index patterns matching patterns from"
                reason = f"{what} existing templates [{other}]"
                raise Refused(400, "illegal_argument_exception", reason)


def _failed(refused: Refused) -> Reply:
    if refused.status == 413:  # said before the request is anybody's: without a body
        return Reply(413, b"")
    error = {"root_cause": [refused.error], **refused.error}
    return Reply(refused.status, {"error": error, "status": refused.status})
