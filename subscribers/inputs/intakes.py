"""Every input as the same thing: parts, each of which holds batches and can fail by itself.

    awslogs     one part: the payload
    Kinesis     a part a record
    S3          a part an object: told by S3 itself, through SQS, SNS or EventBridge, or by a Distributed Map

Firehose's records are parts, too (`firehose.parts`); its reply holds what they became.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from hashlib import blake2b
from typing import Any, Protocol, cast

import msgspec

from subscribers.envelope import MalformedEnvelope, decode_events, payload
from subscribers.inputs import archives, kinesis
from subscribers.inputs.archives import Archive
from subscribers.inputs.documents import Found
from subscribers.inputs.inflate import Piece
from subscribers.inputs.objects import S3Object, Unreadable, objects
from subscribers.parsers.java_layout import BadLayout

#: Plain bytes of one object that are read; what is beyond is one `too_large`.
OBJECT_MAX_BYTES = 1024 * 1024 * 1024


class Intake(msgspec.Struct, frozen=True, kw_only=True):
    """The least part of an event that can fail by itself."""

    #: For the reply; "" where the whole event stands or falls.
    record_id: str = ""
    #: What is kept where it cannot be read; asked for when all of it was.
    document: bytes | Callable[[], bytes]
    #: What tells it from others, when all of it was read; the document where there is none.
    identity: Callable[[], bytes] | None = None
    #: Its batches, and why a part of it could not be read. Iterating raises SourceError.
    found: Iterable[Found] = ()
    #: Why it is not read at all, on purpose; "" where it is.
    unread: str = ""
    #: What a dead letter and the summary say of it.
    detail: Mapping[str, Any] = {}

    def kept(self) -> bytes:
        """Return the document."""
        return self.document() if callable(self.document) else self.document

    def digest(self) -> str:
        """Return 32 hex digits that tell this part from others: the same for the same bytes."""
        identity = self.identity() if self.identity is not None else self.kept()
        return blake2b(identity, digest_size=16).hexdigest()


class Content:
    """The bytes of an object or a file on their way, told from others of the same name by their digest."""

    def __init__(self, chunks: Iterable[Piece], **name: str) -> None:
        """name: what a dead letter says of where the bytes are."""
        self._chunks, self._name, self._digest = chunks, name, blake2b(digest_size=16)

    def __iter__(self) -> Iterator[Piece]:
        for chunk in self._chunks:
            if isinstance(chunk, bytes):
                self._digest.update(chunk)
            yield chunk

    def document(self) -> bytes:
        """Return the name with the digest of what was read, as JSON."""
        return document_of({**self._name, "blake2b": self._digest.hexdigest()})


class Objects(Protocol):
    """Where objects are read; `aws.Aws` is one."""

    def read(self, found: S3Object) -> Iterator[bytes]:
        """Yield an object's bytes. Raises MalformedEnvelope where it is gone or archived, SourceError where
        it cannot be read at the moment."""


def from_payload(event: Any) -> Intake:
    """Return the one part of a subscription event, whatever it is."""
    document = document_of(event)
    try:
        return Intake(document=document, found=decode_events(payload(event)))
    except MalformedEnvelope as error:
        return Intake(document=document, found=(error,))


def from_kinesis(event: dict[str, Any]) -> Iterator[Intake]:
    """Yield a part a record, each decoded when it is read: one that trips us blocks none behind it."""
    for record_id, data in kinesis.records(event):
        yield Intake(record_id=record_id, document=partial(kinesis.raw, data), found=kinesis.found_in(data))


def from_objects(
    event: Any,
    source: Objects,
    known: tuple[Archive, ...],
    *,
    now_ms: int,
    in_time: Callable[[], None] = lambda: None,
) -> Iterator[Intake]:
    """Yield a part an object. known: the configuration's; in_time: raises SourceError when time runs out."""
    for named in objects(event, now_ms=now_ms):
        if isinstance(named, Unreadable):
            yield Intake(record_id=named.record_id, document=document_of(named.part), found=(named.error,))
            continue
        chunks = () if named.unread else source.read(named)
        content = Content(chunks, Bucket=named.bucket, Key=named.key, VersionId=named.version)
        yield Intake(
            record_id=named.record_id,
            document=content.document,
            found=() if named.unread else _in_object(named, content, known, in_time),
            unread=named.unread,
            detail={"bucket": named.bucket, "key": named.key},
        )


def _in_object(
    found: S3Object, content: Content, known: tuple[Archive, ...], in_time: Callable[[], None]
) -> Iterator[Found]:
    archive = archives.archive_of(found, known) or Archive(log_group=f"s3://{found.bucket}")
    in_time()
    try:
        for batch in archives.batches(cast("Iterable[bytes]", content), found, archive, OBJECT_MAX_BYTES):
            yield batch
            in_time()
    except MalformedEnvelope as error:
        yield error
    except BadLayout as error:
        yield MalformedEnvelope("unsupported", str(error))


def document_of(event: Any) -> bytes:
    """Return an event as it would be sent again: still compressed, whatever it inflates to."""
    try:
        return msgspec.json.encode(event)
    except UnicodeEncodeError:  # half a surrogate, which JSON has as an escape
        return json.dumps(event, separators=(",", ":"), default=repr, skipkeys=True).encode()
    except (TypeError, ValueError, RecursionError):
        return repr(type(event)).encode()
