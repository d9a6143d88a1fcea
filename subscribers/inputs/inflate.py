"""Compressed bytes in, plain bytes out, piece by piece and never more than a limit: gzip, zstd, bzip2, xz,
plain.

What it is is told by the first bytes, not by a name. Members that follow one another are one text. Where one
is broken there is a MalformedEnvelope in its place, and the next member is looked for behind it; zeros behind
the last are padding. Python reads zstd itself from 3.14 on; before, the library `backports.zstd` does.

https://www.rfc-editor.org/rfc/rfc1952 https://www.rfc-editor.org/rfc/rfc8878
https://docs.python.org/3.14/library/compression.zstd.html
"""

from __future__ import annotations

import bz2
import importlib
import lzma
import zlib
from collections.abc import Callable, Generator, Iterable, Iterator
from itertools import chain
from typing import Any, NamedTuple, Protocol

from subscribers.envelope import INFLATED_MAX_BYTES, MalformedEnvelope

Piece = bytes | MalformedEnvelope

#: How much goes in and comes out at once: what is behind a member's end is copied, so little is given at a
#: time.
_IN_BYTES, _OUT_BYTES = 16_384, 262_144
_MEMBERS_MAX = 65_536
#: A member that was cut off is noticed where gzip's checksum, of so many bytes, has been read from the next.
_RECENT_BYTES = 8
#: Broken members of one object, after which the rest of it is one.
_BROKEN_MAX = 100
#: What xz may use; its strongest preset needs 65 MiB.
_MEMORY_MAX_BYTES = 96 * 1024 * 1024
#: Firehose compresses what CloudWatch has compressed.
_LAYERS_MAX = 2
#: 64 MiB; `zstd --long` may ask for more.
_ZSTD_WINDOW_LOG = 26
_ZSTD = ("compression.zstd", "backports.zstd")
#: What is recognised, and refused with its name.
_REFUSED = {
    b"PK\x03\x04": "zip",
    b"\x1f\x9d": "compress (.Z)",
    b"\xff\x06\x00\x00sNaPpY": "framed Snappy",
    b"\x04\x22\x4d\x18": "lz4",
}


class Decompressor(Protocol):
    """What bz2, lzma and zstd have in common."""

    @property
    def eof(self) -> bool: ...

    @property
    def needs_input(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


class Codec(NamedTuple):
    """One compression. magic: what a member begins with; reason: of a broken one."""

    magic: bytes
    make: Callable[[], Decompressor]
    reason: Any


class _Gzip:
    """zlib's decompressor, with the face of the others."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def needs_input(self) -> bool:
        return not self._inner.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        return self._inner.decompress(self._inner.unconsumed_tail + data, max_length)


class _Zstd:
    """zstd's decompressor, whose error is no error of Python's."""

    def __init__(self) -> None:
        library = _zstd_library()
        window = {library.DecompressionParameter.window_log_max: _ZSTD_WINDOW_LOG}
        self._inner, self._error = library.ZstdDecompressor(options=window), library.ZstdError

    @property
    def eof(self) -> bool:
        return bool(self._inner.eof)

    @property
    def needs_input(self) -> bool:
        return bool(self._inner.needs_input)

    @property
    def unused_data(self) -> bytes:
        return bytes(self._inner.unused_data)

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        try:
            return bytes(self._inner.decompress(data, max_length))
        except self._error as error:
            raise OSError(str(error)) from error


def _zstd_library() -> Any:
    for name in _ZSTD:
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    raise MalformedEnvelope("unsupported", "zstd needs Python 3.14 or the library backports.zstd")


CODECS = (
    Codec(b"\x1f\x8b\x08", _Gzip, "bad_gzip"),
    Codec(b"\x28\xb5\x2f\xfd", _Zstd, "bad_compression"),
    Codec(b"BZh", bz2.BZ2Decompressor, "bad_compression"),
    Codec(b"\xfd7zXZ\x00", lambda: lzma.LZMADecompressor(memlimit=_MEMORY_MAX_BYTES), "bad_compression"),
)
#: After an error with such a reason bytes are missing: what comes next does not go on with what came before.
DAMAGE = frozenset(codec.reason for codec in CODECS)
_MAGIC_MAX = max(len(codec.magic) for codec in CODECS)
_FAULTS = (zlib.error, OSError, EOFError, ValueError, lzma.LZMAError)


def unpacked(chunks: Iterable[bytes], limit: int = INFLATED_MAX_BYTES) -> Iterator[Piece]:
    """Yield the plain bytes of an object, and a MalformedEnvelope for each part that cannot be read.

    limit: how many bytes come out at most, over all members; the last piece is then `too_large`.
    """
    pieces: Iterator[Piece] = iter(chunks)
    for _ in range(_LAYERS_MAX):
        first, pieces = peek(pieces)
        codec = next((codec for codec in CODECS if first.startswith(codec.magic)), None)
        if codec is None:
            break
        pieces = _inflated(pieces, codec, limit)
    first, pieces = peek(pieces)
    refused = next((name for magic, name in _REFUSED.items() if first.startswith(magic)), "")
    if refused:
        yield MalformedEnvelope("unsupported", f"objects compressed with {refused} are not read")
        return
    yield from _bounded(pieces, limit)


def peek(pieces: Iterator[Piece]) -> tuple[bytes, Iterator[Piece]]:
    """Return (what it begins with, as far as a magic number may reach, all of it again)."""
    taken: list[Piece] = []
    begin = b""
    for piece in pieces:
        taken.append(piece)
        if isinstance(piece, MalformedEnvelope):
            break
        begin += piece[:_OUT_BYTES]
        if len(begin) >= _MAGIC_MAX + 4:
            break
    return begin, chain(taken, pieces)


def _bounded(pieces: Iterator[Piece], limit: int) -> Iterator[Piece]:
    room = limit
    for piece in pieces:
        if isinstance(piece, MalformedEnvelope):
            yield piece
            continue
        if len(piece) > room:
            yield piece[:room]
            yield MalformedEnvelope("too_large", f"holds more than {limit} bytes")
            return
        room -= len(piece)
        yield piece


class _Members:
    """The members of one object on their way."""

    def __init__(self, codec: Codec, limit: int) -> None:
        # One byte more than fits tells what is full from what is too large.
        self._codec, self._room = codec, limit + 1
        self._inner: Decompressor | None = None
        #: What may be the beginning of a magic number, between members, and whether other bytes came there.
        self._held, self._is_other = b"", False
        #: What the member was given last.
        self._recent = b""
        #: Whether what comes is the rest of a broken member.
        self._is_lost = False
        self._members = self._broken = 0
        self.is_over = False

    def feed(self, data: bytes) -> Iterator[Piece]:
        """Yield what comes out for what goes in."""
        while data and not self.is_over:
            begins = self._inner is None
            if begins:
                data = yield from self._begin(data)
                if not data:
                    return
            given = data[1:] if begins else data
            try:
                data = yield from self._member(data)
                self._recent = (self._recent + given)[-_RECENT_BYTES:]
            except _FAULTS as fault:
                # A next member may be in what this one was given: behind its own first byte, that is.
                data = self._recent + given
                self._is_lost = True
                yield self._fault(str(fault) or type(fault).__name__)

    def end(self) -> Iterator[Piece]:
        """Yield what the end of the input means."""
        if self.is_over:
            return
        if self._inner is not None:
            yield self._fault("a member is truncated")
        elif not self._is_lost and (self._is_other or self._held.strip(b"\0")):
            yield self._fault("there are bytes that are no member")

    def _begin(self, data: bytes) -> Generator[Piece, None, bytes]:
        """Begin a member; returns the bytes from its magic number on, b"" where there is none yet."""
        magic = self._codec.magic
        data, self._held, self._recent = self._held + data, b"", b""
        at = data.find(magic)
        before = data if at < 0 else data[:at]
        if at < 0:
            keep = next((n for n in range(len(magic) - 1, 0, -1) if data.endswith(magic[:n])), 0)
            before, self._held = data[: len(data) - keep], data[len(data) - keep :]
        self._is_other = self._is_other or bool(before.strip(b"\0"))
        if at < 0:
            return b""
        if self._is_other and not self._is_lost:
            yield self._fault("there are bytes that are no member")
        self._is_other = self._is_lost = False
        try:
            self._inner = self._codec.make()
        except MalformedEnvelope as error:
            self.is_over = True
            yield error
        return b"" if self.is_over else data[at:]

    def _member(self, data: bytes) -> Generator[Piece, None, bytes]:
        """Yield what a member holds; returns what is behind its end."""
        inner = self._inner
        while inner is not None and not inner.eof:
            out = inner.decompress(data, min(_OUT_BYTES, self._room))
            data = b""
            self._room -= len(out)
            if out:
                yield out
            if self._room <= 0:
                self.is_over = True
                return b""
            if not out and inner.needs_input and not inner.eof:
                return b""
        self._inner = None
        self._members += 1
        if self._members >= _MEMBERS_MAX:
            self.is_over = True
            yield MalformedEnvelope(self._codec.reason, f"has more than {_MEMBERS_MAX} members")
        return inner.unused_data if inner is not None else b""

    def _fault(self, said: str) -> MalformedEnvelope:
        self._inner = None
        self._broken += 1
        self.is_over = self._broken >= _BROKEN_MAX
        return MalformedEnvelope(
            self._codec.reason, f"{said}; the rest is not read" if self.is_over else said
        )


def _inflated(pieces: Iterator[Piece], codec: Codec, limit: int) -> Iterator[Piece]:
    members = _Members(codec, limit)
    for piece in pieces:
        if isinstance(piece, MalformedEnvelope):
            yield piece
            continue
        for at in range(0, len(piece), _IN_BYTES):
            yield from members.feed(piece[at : at + _IN_BYTES])
            if members.is_over:
                return
    yield from members.end()
