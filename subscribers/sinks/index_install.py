"""What of a sink's templates and policies is there already, and what has to be put: a plan, from answers.

What is not marked as ours is never replaced. Ours says the digest of its content: where that is the same
nothing is done, whatever the server has made of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from subscribers.sinks.channel import Response
from subscribers.sinks.index_templates import MANAGED_BY, Asset, Cluster
from subscribers.sinks.index_verdicts import said

State = Literal["create", "change", "unchanged", "foreign", "unknown"]


class Step(msgspec.Struct, frozen=True):
    """What has to be done for an asset.

    foreign: something of that name is there that is not ours; unknown: it could not be found out, see detail.
    """

    asset: Asset
    state: State
    detail: str = ""
    #: Of the place where it is put: what an ISM policy was when it was looked at.
    query: str = ""


def cluster_of(response: Response, *, is_aoss: bool = False) -> Cluster | str:
    """Return what answered to GET /, or a sentence that says why nobody knows."""
    if is_aoss:
        return Cluster("aoss")
    if failed := failure(response):
        return failed
    version = _tree(response).get("version")
    number = version.get("number", "") if isinstance(version, dict) else ""
    parts = str(number).split(".")
    if not isinstance(version, dict) or len(parts) < 2 or not all(part.isdigit() for part in parts[:2]):
        return "what answers there is neither Elasticsearch nor OpenSearch"
    numbers = int(parts[0]), int(parts[1])
    if version.get("distribution") == "opensearch":
        # 7.10 is what it says for clients that know no OpenSearch, whatever it is.
        return Cluster("opensearch", (0, 0) if numbers == (7, 10) else numbers)
    serverless = version.get("build_flavor") == "serverless"
    return Cluster("elasticsearch_serverless" if serverless else "elasticsearch", numbers)


def step(asset: Asset, response: Response) -> Step:
    """Return what has to be done, from the answer to GET of the asset's path."""
    if response.status == 404 and not response.fault:
        return Step(asset, "create")
    if failed := failure(response):
        return Step(asset, "unknown", failed)
    there = _there(asset, _tree(response))
    if there is None:
        return Step(asset, "unknown", "the answer cannot be understood")
    owner, digest, query = there
    if owner != MANAGED_BY:
        return Step(asset, "foreign", f"managed by {owner}" if owner else "nothing says that it is ours")
    return Step(asset, "unchanged" if digest == _digest(asset) else "change", query=query)


def failure(response: Response) -> str:
    """Return why a request did not do what it should, "" where it did."""
    if response.fault:
        return f"{response.fault}: {response.detail}" if response.detail else response.fault
    if 200 <= response.status < 300:
        return ""
    told = said(response.body)
    return f"status {response.status}{f': {told}' if told else ''}"


def not_put(response: Response) -> str:
    """Return why a put was not done by all of the cluster, "" where it was."""
    is_pending = _tree(response).get("acknowledged") is False
    return failure(response) or ("the cluster has not acknowledged it: look again" if is_pending else "")


def _digest(asset: Asset) -> str:
    if asset.kind == "ism":
        return str(asset.body["policy"]["description"]).rpartition(" ")[2]
    holder = asset.body["policy"] if asset.kind == "ilm" else asset.body
    return str(holder["_meta"]["digest"])


def _there(asset: Asset, tree: Mapping[str, Any]) -> tuple[str, str, str] | None:
    """(whose it is, its digest, query of the next put) of what is there; None where that cannot be read."""
    if asset.kind == "ism":
        return _ism_there(tree)
    if asset.kind == "ilm":
        holder = _in(_in(tree, asset.name), "policy")
    else:
        key = f"{asset.kind}_template"
        listed = tree.get(f"{key}s")
        holder = _in(listed[0], key) if isinstance(listed, list) and listed else None
    if holder is None:
        return None
    meta = _in(holder, "_meta") or {}
    return str(meta.get("managed_by", "")), str(meta.get("digest", "")), ""


def _ism_there(tree: Mapping[str, Any]) -> tuple[str, str, str] | None:
    policy = _in(tree, "policy")
    number, term = tree.get("_seq_no"), tree.get("_primary_term")
    if policy is None or type(number) is not int or type(term) is not int:
        return None
    described = str(policy.get("description", ""))
    is_ours = described.startswith(f"managed by {MANAGED_BY}, ")
    query = f"?if_seq_no={number}&if_primary_term={term}"
    return MANAGED_BY if is_ours else "", described.rpartition(" ")[2], query


def _in(tree: Any, name: str) -> dict[str, Any] | None:
    found = tree.get(name) if isinstance(tree, dict) else None
    return found if isinstance(found, dict) else None


def _tree(response: Response) -> dict[str, Any]:
    try:
        tree = msgspec.json.decode(response.body)
    except (ValueError, RecursionError):
        return {}
    return tree if isinstance(tree, dict) else {}
