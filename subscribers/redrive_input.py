"""Documents of the input that could not be read, handed to the handler again: a newer version may read them.

A document is removed when the handler has returned and did not want to keep it again: then it stays what it
was, with the reason that it had as it came. What is kept of a part of it is a document of its own. What the
retry queues could not read is no input of the handler's and stays.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from subscribers.dead_letter_storage import Storage, StorageError
from subscribers.redrive_plan import Input
from subscribers.sinks.channel import Keeper

#: Reasons of what was no input of the handler's.
NO_INPUT = frozenset({"bad_retry_message", "unreadable_retry"})
#: What an event has, and what a record of one; other documents are the data of one record of a stream.
_EVENT_KEYS = ("awslogs", "Records", "detail", "Items", "Key", "key", "Event")
_RECORD_KEYS = ("s3", "Sns", "body")


class NotSettledError(Exception):
    """The handler replied that a document is not settled; `reason` is not_settled."""

    reason = "not_settled"


class KeptAgainError(Exception):
    """A document still cannot be read; `reason` is kept_again."""

    reason = "kept_again"


class Again:
    """The keeper of a handler that is handed documents again, one at a time."""

    def __init__(self, inner: Keeper) -> None:
        self.retry, self.bury = inner.retry, inner.bury
        self._inner = inner
        self._document = b""
        self._reason = ""

    def dead_letter(self, reason: str, document: bytes, detail: Mapping[str, Any]) -> None:
        """Keep a part of the document that is under way; all of it is there already."""
        if document == self._document:
            self._reason = reason
        else:
            self._inner.dead_letter(reason, document, detail)

    def hand(self, handler: Callable[[Any, Any], Any], document: bytes) -> None:
        """Hand a document to the handler. Raises what it raises, NotSettledError, KeptAgainError."""
        self._document, self._reason = document, ""
        handled(handler, document)
        if self._reason:
            raise KeptAgainError(self._reason)


class Replayed(msgspec.Struct, kw_only=True):
    """What became of documents. removed: read now; kept: kept again; failed: key -> what was raised."""

    documents: int = 0
    removed: int = 0
    kept: int = 0
    #: Documents of which nothing is there any more.
    gone: int = 0
    #: Documents that were no input.
    skipped: int = 0
    failed: dict[str, str] = {}
    #: Why it ended before the end: limit, deadline, stopped; else "".
    ended: str = ""


def replay(
    storage: Storage,
    inputs: Sequence[Input],
    handle: Callable[[bytes], object],
    *,
    limit: int = 0,
    deadline_s: float | None = None,
    clock: Callable[[], float] = time.monotonic,
    is_stopped: Callable[[], bool] = lambda: False,
) -> Replayed:
    """Hand documents to `handle`, which raises where it cannot settle one. Raises StorageError.

    limit: most documents, 0 for all; deadline_s: of all of them, from now; is_stopped: asked between them.
    """
    told = Replayed()
    until_s = None if deadline_s is None else clock() + deadline_s
    with storage.lease() as renew:
        for one in inputs:
            if is_stopped():
                told.ended = "stopped"
            elif until_s is not None and clock() >= until_s:
                told.ended = "deadline"
            elif limit and told.documents >= limit:
                told.ended = "limit"
            if told.ended:
                break
            if one.reason in NO_INPUT:
                told.skipped += 1
                continue
            renew()
            _replay(storage, one, handle, told)
    return told


def _replay(storage: Storage, one: Input, handle: Callable[[bytes], object], told: Replayed) -> None:
    try:
        described, document = storage.read(f"{one.key}.json"), storage.read(f"{one.key}.bin")
    except StorageError as error:
        if error.reason != "access_denied":
            raise
        told.failed[one.key] = str(error)
        return
    if described is None or document is None:
        told.gone += 1
        return
    told.documents += 1
    try:
        handle(document.data)
    except KeptAgainError:
        told.kept += 1
        return
    except Exception as error:  # noqa: BLE001 - whatever a handler raises: the document stays, the next one comes
        told.failed[one.key] = f"{type(error).__name__}: {error}"
        return
    if not storage.delete(f"{one.key}.json", described.etag):
        told.kept += 1
        return
    storage.delete(f"{one.key}.bin", document.etag)
    told.removed += 1


def event_of(document: bytes) -> Any:
    """Return the event by which a document came: itself, an object's name, or a record of a stream."""
    try:
        tree = msgspec.json.decode(document)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        tree = None
    if isinstance(tree, dict) and any(key in tree for key in _EVENT_KEYS):
        return tree
    if isinstance(tree, dict) and any(key in tree for key in _RECORD_KEYS):
        return {"Records": [tree]}
    data = base64.b64encode(document).decode()
    record = {"eventSource": "aws:kinesis", "kinesis": {"data": data, "sequenceNumber": "0"}}
    return {"Records": [record]}


def handled(handler: Callable[[Any, Any], Any], document: bytes) -> None:
    """Hand a document to a handler. Raises what it raises, and NotSettledError."""
    reply = handler(event_of(document), None)
    if isinstance(reply, dict) and reply.get("batchItemFailures"):
        raise NotSettledError("it is not settled: it would come again")
