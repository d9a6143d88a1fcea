"""What Elasticsearch and OpenSearch say of a `_bulk` request: transient told from permanent, by item.

Items of an answer stand in the order of the request. A cause that the table knows counts more than its
status: they call a full cluster 400 and a full disk 403, and both pass. What it does not know is judged by
the status.

https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-bulk#operation-bulk-responses
https://docs.opensearch.org/latest/api-reference/document-apis/bulk/#response
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal, NamedTuple

import msgspec

from subscribers.sinks.bulk_lines import BulkLines
from subscribers.sinks.channel import DETAIL_MAX, Item, Refusal, Response, Verdict
from subscribers.sinks.statuses import Fate, meaning_of, retry_after_s, whole


class Cause(NamedTuple):
    """An error that is known. type: the end of the error's type; words: what its text holds; "" for any."""

    type: str
    words: str
    reason: str
    fate: Literal["retry", "reject"]
    why: str


#: In match order, over the error and what caused it.
CAUSES: tuple[Cause, ...] = (
    Cause("", "this action would add [", "too_many_shards", "retry", "old indices go, nodes are added"),
    Cause("cluster_block_exception", "", "index_blocked", "retry", "a full disk, a read-only index: it ends"),
    Cause("rejected_execution_exception", "", "throttled", "retry", "its queue is full"),
    Cause("circuit_breaking_exception", "", "throttled", "retry", "its memory is full"),
    Cause("security_exception", "", "forbidden", "retry", "somebody must mend the key or the role"),
    Cause("", "auto_create_index", "no_index", "reject", "the cluster forbids new indices of this name"),
    Cause("index_not_found_exception", "", "no_index", "retry", "deleted as it was written to: made anew"),
    Cause("index_closed_exception", "", "index_closed", "reject", "on purpose; redrive when it is open"),
    Cause("", "Limit of total fields", "too_many_fields", "reject", "the mapping takes no more names"),
    Cause("", "Limit of mapping depth", "too_many_fields", "reject", "the mapping takes no deeper names"),
    Cause("", "immense term", "term_too_long", "reject", "more than 32,766 bytes in a field of keywords"),
    Cause("", "Document ID is not supported", "id_refused", "reject", "it is no search collection"),
    Cause("", "pipeline with id [", "no_pipeline", "reject", "the ingest pipeline is not there"),
    Cause("processor_exception", "", "pipeline_failed", "reject", "the pipeline refuses the document"),
    Cause("script_exception", "", "pipeline_failed", "reject", "a script of the ingest pipeline fails"),
    Cause("invalid_index_name_exception", "", "bad_index", "reject", "the name is none"),
    Cause("document_parsing_exception", "", "mapping_conflict", "reject", "it does not fit its field"),
    Cause("mapper_parsing_exception", "", "mapping_conflict", "reject", "it does not fit its field"),
    Cause("strict_dynamic_mapping_exception", "", "mapping_conflict", "reject", "no new names are taken"),
    Cause("", "cannot be changed from type", "mapping_conflict", "reject", "two documents bring two types"),
    Cause("", "merge a non object mapping", "mapping_conflict", "reject", "an object, and a value"),
)  # fmt: skip
#: What stands behind is the document's own text, which must not decide.
_PREVIEWS = ("Preview of field's value", "The prefix of the first immense term")
#: Causes are nested; deeper than this nobody looks.
_DEPTH_MAX = 8


class _Told(msgspec.Struct, gc=False):
    """What is said of one item. Where `_id` or the status is missing they are "" and 0."""

    id: str | None = msgspec.field(name="_id", default=None)
    status: int = 0
    error: Any = None


class _Answer(msgspec.Struct, gc=False):
    items: list[dict[str, _Told]]


_answers = msgspec.json.Decoder(_Answer)


def verdict(items: Sequence[Item], response: Response, *, is_renamed: bool = False) -> Verdict:
    """Return what an answer to a `_bulk` request means for its items.

    is_renamed: documents may have other IDs than were sent, for an ingest pipeline may change them.
    """
    if response.fault or not 200 <= response.status < 300:
        return _failed(items, response)
    try:
        told = _answers.decode(response.body).items
    except (ValueError, RecursionError) as error:
        return _not_understood(items, response, f"the answer is none of _bulk: {error}")
    if len(told) != len(items):
        return _not_understood(items, response, f"{len(told)} answers to {len(items)} items")
    results = [one.get("create") for one in told]
    # The order matters only where fates differ: to look up each ID of the fast lane's text costs as much as
    # to send it.
    all_there = all(result is not None and _is_there(result.status) for result in results)
    if all_there and isinstance(items, BulkLines):
        return Verdict()
    found: dict[int, tuple[Refusal, Fate]] = {}
    for position, (item, result) in enumerate(zip(items, results, strict=True)):
        if result is None or not result.status:
            found[position] = _bad(response, "no status of a create"), "retry"
        elif not is_renamed and result.id is not None and result.id != item.event_id:
            found[position] = _bad(response, f"the answer names {result.id[:80]!r} in its place"), "retry"
        elif not _is_there(result.status):
            found[position] = _judged(result.status, result.error)
    return _verdict(found, len(items), response)


def said(body: bytes) -> str:
    """Return what the body of an error says, at most DETAIL_MAX characters; "" where it says nothing."""
    return _words(_error_of(body))[:DETAIL_MAX]


def _is_there(status: int) -> bool:
    """Whether a document is there: written, left out by a pipeline on purpose, or there already."""
    return 200 <= status < 300 or status == 409


def _verdict(found: dict[int, tuple[Refusal, Fate]], count: int, response: Response) -> Verdict:
    retry = {i: refusal for i, (refusal, fate) in found.items() if fate in ("retry", "authorize")}
    is_all = len(retry) == count
    return Verdict(
        retry=retry,
        rejected={i: refusal for i, (refusal, _) in found.items() if i not in retry},
        after_s=retry_after_s(response.headers) if retry else 0.0,
        # One index that the key may not write to stops no other.
        is_unauthorized=is_all and any(refusal.reason == "forbidden" for refusal in retry.values()),
        is_down=is_all and all(refusal.status >= 500 for refusal in retry.values()),
    )


def _judged(status: int, error: Any) -> tuple[Refusal, Fate]:
    """What becomes of one item that was refused."""
    words = _words(error)
    cause = _cause(error, words)
    if cause is not None:
        return Refusal(cause.reason, status, words[:DETAIL_MAX]), cause.fate
    meaning = meaning_of(status)
    # One document that is too large is not two halves of one.
    fate: Fate = "reject" if meaning.fate == "halve" else meaning.fate
    return Refusal(meaning.reason, status, words[:DETAIL_MAX]), fate


def _failed(items: Sequence[Item], response: Response) -> Verdict:
    """The request failed as a whole."""
    error = _error_of(response.body)
    words = _words(error)
    cause = None if response.fault else _cause(error, words)
    if cause is None or cause.reason == "forbidden":
        return whole(items, response, words)
    every = dict.fromkeys(range(len(items)), Refusal(cause.reason, response.status, words[:DETAIL_MAX]))
    if cause.fate == "reject":
        return Verdict(rejected=every)
    return Verdict(retry=every, after_s=retry_after_s(response.headers), is_down=response.status >= 500)


def _not_understood(items: Sequence[Item], response: Response, why: str) -> Verdict:
    """A success that tells nothing: sent again, for a repeat is a conflict and no second document."""
    return Verdict(retry=dict.fromkeys(range(len(items)), _bad(response, why)))


def _bad(response: Response, why: str) -> Refusal:
    return Refusal("bad_response", response.status, why[:DETAIL_MAX])


def _cause(error: Any, words: str) -> Cause | None:
    types = [str(one.get("type", "")) for one in _chain(error)]
    if types:
        words = "; ".join(_own_words(str(one.get("reason", ""))) for one in _chain(error))
    for cause in CAUSES:
        if cause.words in words and any(one.endswith(cause.type) for one in types or [""]):
            return cause
    return None


def _own_words(reason: str) -> str:
    for preview in _PREVIEWS:
        reason = reason.partition(preview)[0]
    return reason


def _chain(error: Any) -> Iterator[dict[str, Any]]:
    """An error and what caused it."""
    for _ in range(_DEPTH_MAX):
        if not isinstance(error, dict):
            return
        yield error
        error = error.get("caused_by")


def _words(error: Any) -> str:
    """`type: reason`, and the same of what caused it."""
    if isinstance(error, str):
        return error
    told = (f"{one.get('type', '')}: {one.get('reason', '')}" for one in _chain(error))
    return "; ".join(dict.fromkeys(told))


def _error_of(body: bytes) -> Any:
    """The error in a body: an object, or a text; AWS says `message`, a proxy anything."""
    try:
        tree = msgspec.json.decode(body)
    except (ValueError, RecursionError):
        return body[: 4 * DETAIL_MAX].decode("utf-8", "replace").strip()
    if not isinstance(tree, dict):
        return ""
    found = tree.get("error") or tree.get("message") or tree.get("Message") or ""
    return found if isinstance(found, (dict, str)) else ""
