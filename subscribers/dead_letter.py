"""Where that goes which a sink did not take, or which could not be read: a folder, or S3 and a retry queue.

    retries/<sink>/<channel>/<date>/<reason>/<digest>-<items>.ndjson.gz         transient, kept.py
    dead_letters/<sink>/<channel>/<date>/<reason>/<digest>-<items>.ndjson.gz    permanent, kept.py
    input/<reason>/<digest>.bin and .json                                       input, byte for byte

An object is written before the message that points to it, and the new one before the old one is removed:
whatever stops in between is there, at worst twice. The errors are those of dead_letter_storage.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import Any

import msgspec

from subscribers.clients import client
from subscribers.dead_letter_storage import (
    BucketStorage,
    FolderStorage,
    Storage,
    StorageError,
    storage_of,
)
from subscribers.kept import Kept, Kind, Pointer, documents, word, written
from subscribers.sinks.channel import Leftover

#: The longest that SQS keeps a message back.
DELAY_MAX_S = 900
_DELAY_S = 30
INPUT = "input"


class _Keeper:
    """What both have in common. See `sinks.channel.Keeper`."""

    def __init__(self, storage: Storage, clock: Callable[[], int]) -> None:
        self._storage, self._clock = storage, clock

    @property
    def storage(self) -> Storage:
        """Where it is kept."""
        return self._storage

    def bury(self, sink: str, channel: str, leftovers: Sequence[Leftover]) -> list[str]:
        """Keep permanent leftovers as dead letters, and return the keys. Raises StorageError."""
        return self.keep(documents(sink, channel, leftovers, kind="dead_letter", at_unix_nano=self._clock()))

    def keep(self, made: Iterable[Kept]) -> list[str]:
        """Write documents and return their keys. Raises StorageError."""
        keys = []
        for kept in made:
            key, data = written(kept)
            self._storage.put(key, data)
            keys.append(key)
        return keys

    def dead_letter(self, reason: str, document: bytes, detail: Mapping[str, Any]) -> str:
        """Keep a document of the input that could not be read, and return the key of its description.

        The same document for the same reason is kept once. detail: a JSON tree. Raises StorageError.
        """
        key = f"{INPUT}/{word(reason)}/{blake2b(document, digest_size=16).hexdigest()}"
        described = {
            "reason": reason,
            "bytes": len(document),
            "at_s": self._clock() / 1e9,
            # So that no description is the one before: a redrive that is at work leaves this one.
            "id": os.urandom(8).hex(),
            "detail": dict(detail),
        }
        # The description last: what is described is there.
        self._storage.put(f"{key}.bin", document)
        self._storage.put(f"{key}.json", msgspec.json.encode(described, enc_hook=str))
        return f"{key}.json"

    def _documents(
        self, kind: Kind, sink: str, channel: str, leftovers: Sequence[Leftover]
    ) -> Iterable[Kept]:
        return documents(sink, channel, leftovers, kind=kind, at_unix_nano=self._clock())


class FolderKeeper(_Keeper):
    """Keeps in a folder. What is transient waits there for `observe redrive`."""

    def __init__(self, path: str | os.PathLike[str], clock: Callable[[], int] = time.time_ns) -> None:
        """clock: nanoseconds since the epoch."""
        super().__init__(FolderStorage(Path(path)), clock)

    def retry(self, sink: str, channel: str, leftovers: Sequence[Leftover]) -> list[str]:
        """Keep transient leftovers, and return the keys. Raises StorageError."""
        return self.keep(self._documents("retry", sink, channel, leftovers))


class S3Keeper(_Keeper):
    """Keeps in S3, and tells the retry queue of each sink what is transient.

    A sink without a queue has its transient leftovers among its dead letters, where a redrive finds them.
    """

    def __init__(
        self,
        source: str | BucketStorage,
        queues: Mapping[str, str] | str = "",
        clock: Callable[[], int] = time.time_ns,
        sqs: Any = None,
    ) -> None:
        """source: s3://bucket/prefix, or the storage there; queues: sink -> URL of its queue, or the URL of
        one for all; clock: nanoseconds since the epoch; sqs: boto3's client, made on first use where missing.
        Raises StorageError with bad_source."""
        storage = storage_of(source) if isinstance(source, str) else source
        if not isinstance(storage, BucketStorage):
            raise StorageError("bad_source", f"{source!r} is not s3://bucket/prefix")
        super().__init__(storage, clock)
        self.bucket = storage.bucket
        self.prefix = storage.prefix
        self._queues, self._given = queues, sqs

    def retry(self, sink: str, channel: str, leftovers: Sequence[Leftover]) -> list[str]:
        """Keep transient leftovers and queue them; return the keys.

        Where the queue cannot be told they are dead letters: they are kept, and need not come again. Raises
        StorageError.
        """
        return self.queue(self._documents("retry", sink, channel, leftovers))

    def queue(self, made: Iterable[Kept]) -> list[str]:
        """Write documents and tell their sinks' queues; where there is none they are dead letters.

        Returns the keys. Raises StorageError.
        """
        keys = []
        for kept in made:
            if not self.has_queue(kept.sink):
                keys += self.keep([msgspec.structs.replace(kept, kind="dead_letter")])
                continue
            (key,) = self.keep([kept])
            pointer = Pointer(
                sink=kept.sink,
                channel=kept.channel,
                bucket=self.bucket,
                key=self.prefix + key,
                items=len(kept.leftovers),
                attempts=kept.attempts,
            )
            try:
                self.send(pointer)
            except StorageError:
                keys += self._buried(kept, key)
            else:
                keys.append(key)
        return keys

    def _buried(self, kept: Kept, key: str) -> list[str]:
        """Make a dead letter of what no queue knows of, and return its key."""
        keys = self.keep([msgspec.structs.replace(kept, kind="dead_letter")])
        with suppress(StorageError):  # then it is there twice, and a redrive takes the second after a day
            read = self.storage.read(key)
            if read is not None:
                self.storage.delete(key, read.etag)
        return keys

    def has_queue(self, sink: str) -> bool:
        """Whether there is a retry queue for a sink."""
        return bool(self._queue_of(sink))

    def send(self, pointer: Pointer) -> None:
        """Tell a sink's queue of a document, the later the more often it was tried. Raises StorageError."""
        from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

        url = self._queue_of(pointer.sink)
        if not url:
            raise StorageError("no_queue", f"the sink {pointer.sink!r} has no retry queue")
        try:
            self._sqs.send_message(
                QueueUrl=url,
                MessageBody=msgspec.json.encode(pointer).decode(),
                DelaySeconds=delay_s(pointer.attempts),
            )
        except ClientError as error:
            told = error.response.get("Error", {})
            raise StorageError(
                "queue_refused", f"{url}: {told.get('Message') or told.get('Code')}"
            ) from error
        except (BotoCoreError, HTTPClientError, OSError) as error:
            raise StorageError("unreachable", f"{url}: {error}") from error

    def _queue_of(self, sink: str) -> str:
        return self._queues if isinstance(self._queues, str) else self._queues.get(sink, "")

    @cached_property
    def _sqs(self) -> Any:
        return self._given or client("sqs")


def delay_s(attempts: int) -> int:
    """Return how long a message waits after so many deliveries: twice as long each time, up to SQS's most."""
    return int(min(_DELAY_S * 2.0 ** min(max(0, attempts - 1), 10), DELAY_MAX_S))
