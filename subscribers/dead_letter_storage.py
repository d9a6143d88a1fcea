"""The edges to where dead letters lie: a folder, or a prefix in a bucket of S3.

    StorageError        it cannot be written or read now; `reason` is a low-cardinality word:
                        access_denied, no_such_bucket, throttled, unreachable, unwritable, bad_source,
                        or AWS's own code in lower case
      BusyError         another redrive works there; `reason` is busy

Keys are relative and use slashes. What is put is there wholly or not at all, and is deleted only as what was
read: https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-requests.html
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import msgspec

from subscribers.clients import client
from subscribers.store_errors import StoreError
from subscribers.store_manifest import write_atomically

#: What only one redrive holds at a time.
LEASE = "redrive.lock"
#: After so long without a sign of life the lease of a redrive is another's.
LEASE_S = 900.0
#: Calls of S3 at a time, by a redrive.
THREADS = 16
_LOCK = "lock"
_CODES = {
    "AccessDenied": "access_denied",
    "403": "access_denied",
    "NoSuchBucket": "no_such_bucket",
    "SlowDown": "throttled",
    "ThrottlingException": "throttled",
    "RequestThrottled": "throttled",
}
_GONE = frozenset({"NoSuchKey", "404"})
#: The object is another one now, or is being written at this moment.
_CHANGED = frozenset({"PreconditionFailed", "412", "ConditionalRequestConflict", "409"})


class StorageError(Exception):
    """It cannot be written or read now."""

    def __init__(self, reason: str, said: str) -> None:
        super().__init__(said)
        self.reason = reason


class BusyError(StorageError):
    """Another redrive works there."""

    def __init__(self, said: str) -> None:
        super().__init__("busy", said)


class Found(NamedTuple):
    """One object of a listing."""

    key: str
    bytes: int
    modified_s: float


class Read(NamedTuple):
    """What was read. etag: what it was, for `delete`."""

    data: bytes
    etag: str


class Storage(Protocol):
    """Where dead letters lie. Every call may raise StorageError."""

    @property
    def name(self) -> str:
        """As people write it: a path, or s3://bucket/prefix."""

    @property
    def has_queues(self) -> bool:
        """Whether what is to be retried here is told to queues."""

    def put(self, key: str, data: bytes) -> None:
        """Write an object, wholly or not at all; one of the same key is replaced."""

    def read(self, key: str) -> Read | None:
        """Return an object, None where there is none."""

    def delete(self, key: str, etag: str) -> bool:
        """Remove what was read; False, and nothing happens, where there is another one now."""

    def find(self, folder: str) -> Iterator[Found]:
        """Yield all objects of a folder, which ends in a slash, in the order of their keys."""

    def lease(self) -> AbstractContextManager[Callable[[], None]]:
        """Be the only one who redrives. Yields what is to be called now and then, to go on being it.

        Raises BusyError, and so does what it yields.
        """


def storage_of(source: str) -> Storage:
    """Return the storage at a path or at s3://bucket/prefix. Raises StorageError with bad_source."""
    if "://" not in source:
        return FolderStorage(Path(source))
    scheme, _, rest = source.partition("://")
    bucket, _, prefix = rest.partition("/")
    if scheme != "s3" or not bucket:
        raise StorageError("bad_source", f"{source!r} is neither a folder nor s3://bucket/prefix")
    return BucketStorage(bucket, prefix)


class FolderStorage:
    """A folder on a disk; it appears with the first write."""

    has_queues = False

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()

    @property
    def name(self) -> str:
        """The path."""
        return str(self.path)

    def put(self, key: str, data: bytes) -> None:
        """See Storage."""
        with self._locked():
            try:
                write_atomically(self.path, self.path / key, data)
            except StoreError as error:
                raise StorageError("unwritable", str(error)) from error

    def read(self, key: str) -> Read | None:
        """See Storage."""
        try:
            with (self.path / key).open("rb") as file:
                return Read(file.read(), _etag(os.fstat(file.fileno())))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _from_os(error, self.path / key) from error

    def delete(self, key: str, etag: str) -> bool:
        """See Storage."""
        path = self.path / key
        with self._locked():
            try:
                if _etag(path.stat()) != etag:
                    return False
                path.unlink()
            except FileNotFoundError:
                return True
            except OSError as error:
                raise _from_os(error, path) from error
        return True

    def find(self, folder: str) -> Iterator[Found]:
        """See Storage. A folder that may not be read is an error, and does not look empty."""
        for root, folders, names in os.walk(self.path / folder, onerror=_not_listed):
            folders.sort()
            for name in sorted(names):
                path = Path(root) / name
                try:
                    told = path.stat()
                except FileNotFoundError:
                    continue
                except OSError as error:
                    raise _from_os(error, path) from error
                yield Found(path.relative_to(self.path).as_posix(), told.st_size, told.st_mtime)

    @contextmanager
    def lease(self) -> Iterator[Callable[[], None]]:
        """See Storage. The kernel gives back what a killed process held."""
        with self._locked(LEASE, fcntl.LOCK_EX | fcntl.LOCK_NB):
            yield lambda: None

    @contextmanager
    def _locked(self, name: str = _LOCK, how: int = fcntl.LOCK_EX) -> Iterator[None]:
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            file = (self.path / name).open("ab")
        except OSError as error:
            raise _from_os(error, self.path) from error
        with file:
            try:
                fcntl.flock(file, how)
            except BlockingIOError:
                raise BusyError(f"{self.path}: another redrive is at work there") from None
            yield


class BucketStorage:
    """A prefix in a bucket of S3, encrypted as the bucket says."""

    has_queues = True

    def __init__(
        self,
        bucket: str,
        prefix: str = "",
        client: Any = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """client: boto3's for S3, made on first use where missing; clock: seconds since the epoch."""
        self.bucket = bucket
        self.prefix = prefix.strip("/") + "/" if prefix.strip("/") else ""
        self._given, self._clock = client, clock

    @property
    def name(self) -> str:
        """s3://bucket/prefix."""
        return f"s3://{self.bucket}/{self.prefix}".rstrip("/")

    def put(self, key: str, data: bytes) -> None:
        """See Storage. Needs s3:PutObject."""
        with self._said(key):
            self._put(key, data)

    def read(self, key: str) -> Read | None:
        """See Storage. Needs s3:GetObject, and s3:ListBucket to tell what is missing from a refusal."""
        with self._said(key):
            try:
                told = self._s3.get_object(Bucket=self.bucket, Key=self.prefix + key)
            except self._s3.exceptions.NoSuchKey:
                return None
            return Read(told["Body"].read(), told["ETag"])

    def delete(self, key: str, etag: str) -> bool:
        """See Storage. Needs s3:DeleteObject and s3:GetObject."""
        from botocore.exceptions import ClientError

        with self._said(key):
            try:
                self._s3.delete_object(Bucket=self.bucket, Key=self.prefix + key, IfMatch=etag)
            except ClientError as error:
                if (code := _code(error)) in _CHANGED:
                    return False
                if code not in _GONE:
                    raise
        return True

    def find(self, folder: str) -> Iterator[Found]:
        """See Storage. Needs s3:ListBucket."""
        prefix = self.prefix + folder
        with self._said(folder):
            pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
            for page in pages:
                for told in page.get("Contents", ()):
                    key = told["Key"].removeprefix(self.prefix)
                    yield Found(key, told["Size"], told["LastModified"].timestamp())

    @contextmanager
    def lease(self) -> Iterator[Callable[[], None]]:
        """See Storage. An object with the time until which it holds, put on conditions."""
        etag, until_s = self._take()

        def renew() -> None:
            nonlocal etag, until_s
            if self._clock() > until_s - LEASE_S * 2 / 3:
                until_s = self._clock() + LEASE_S
                etag = self._hold(until_s, IfMatch=etag)

        try:
            yield renew
        finally:
            # It ends by itself; what happened in between is what is to be told.
            with suppress(StorageError):
                self.delete(LEASE, etag)

    def _take(self) -> tuple[str, float]:
        now_s = self._clock()
        with suppress(BusyError):
            return self._hold(now_s + LEASE_S, IfNoneMatch="*"), now_s + LEASE_S
        held = self.read(LEASE)
        if held is None:  # given back at this moment
            return self._hold(now_s + LEASE_S, IfNoneMatch="*"), now_s + LEASE_S
        if _until_s(held.data) > now_s:
            raise self._busy()
        return self._hold(now_s + LEASE_S, IfMatch=held.etag), now_s + LEASE_S

    def _hold(self, until_s: float, **condition: str) -> str:
        """Put the lease where a condition holds, and return its ETag. Raises BusyError."""
        from botocore.exceptions import ClientError

        body = msgspec.json.encode({"until_s": until_s, "by": os.urandom(8).hex()})
        with self._said(LEASE):
            try:
                return self._put(LEASE, body, **condition)
            except ClientError as error:
                if _code(error) not in _CHANGED | _GONE:
                    raise
        raise self._busy()

    def _busy(self) -> BusyError:
        return BusyError(
            f"{self.name}: another redrive is at work there; where it was killed, its lease ends "
            f"{LEASE_S / 60:.0f} minutes after its last sign of life"
        )

    def _put(self, key: str, data: bytes, **condition: str) -> str:
        kind = "application/gzip" if key.endswith(".gz") else "application/octet-stream"
        kind = "application/json" if key.endswith(".json") else kind
        told = self._s3.put_object(
            Bucket=self.bucket, Key=self.prefix + key, Body=data, ContentType=kind, **condition
        )
        return str(told["ETag"])

    @contextmanager
    def _said(self, key: str) -> Iterator[None]:
        """Turn what AWS and the network say into StorageError."""
        from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

        where = f"s3://{self.bucket}/{self.prefix}{key}"
        try:
            yield
        except ClientError as error:
            code = _code(error)
            said = error.response.get("Error", {}).get("Message", "") or code
            raise StorageError(_CODES.get(code, code.lower() or "unknown"), f"{where}: {said}") from error
        except (BotoCoreError, HTTPClientError, OSError) as error:
            raise StorageError("unreachable", f"{where}: {error}") from error

    @cached_property
    def _s3(self) -> Any:
        return self._given or client("s3")


def _code(error: Any) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _until_s(data: bytes) -> float:
    """When a lease ends; one that cannot be read has ended."""
    try:
        until_s = msgspec.json.decode(data, type=dict[str, Any]).get("until_s")
    except msgspec.MsgspecError:
        return 0.0
    return float(until_s) if isinstance(until_s, int | float) else 0.0


def _etag(told: os.stat_result) -> str:
    return f"{told.st_ino}-{told.st_mtime_ns}-{told.st_size}"


def _not_listed(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise _from_os(error, Path(error.filename or "")) from error


def _from_os(error: OSError, path: Path) -> StorageError:
    reason = "access_denied" if isinstance(error, PermissionError) else "unwritable"
    return StorageError(reason, f"{path}: {error.strerror or error}")
