"""Compressed objects: bounded, in pieces, broken ones among them."""

from __future__ import annotations

import bz2
import gzip
import importlib
import lzma
import tracemalloc
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscribers.envelope import MalformedEnvelope
from subscribers.inputs.inflate import unpacked

TEXT = b"hello world\n" * 1000


def zstd(data: bytes) -> bytes:
    for name in ("compression.zstd", "backports.zstd"):
        try:
            return bytes(importlib.import_module(name).compress(data))
        except ImportError:
            continue
    pytest.skip("zstd needs Python 3.14 or the library backports.zstd")


HOW: list[Callable[[bytes], bytes]] = [gzip.compress, zstd, bz2.compress, lzma.compress, bytes]


def read(data: bytes, limit: int = 1 << 20, step: int = 1000) -> list[bytes | str]:
    """What comes out: the text between the reasons, and these."""
    found: list[bytes | str] = []
    for piece in unpacked((data[at : at + step] for at in range(0, len(data), step)), limit):
        if isinstance(piece, MalformedEnvelope):
            found.append(piece.reason)
        elif found and isinstance(found[-1], bytes):
            found[-1] += piece
        elif piece:
            found.append(piece)
    return found


@pytest.mark.parametrize("compress", HOW)
@pytest.mark.parametrize("step", [1, 7, 16_384, 1 << 20])
def test_everything_comes_out(compress: Callable[[bytes], bytes], step: int) -> None:
    """However the bytes come, of one member and of several, with padding behind."""
    assert read(compress(TEXT), step=step) == [TEXT]
    assert read(compress(TEXT) + compress(b"more"), step=step) == [TEXT + b"more"]
    assert read(compress(b"") + compress(b""), step=step) == []
    if compress is not bytes:
        assert read(compress(TEXT) + bytes(500), step=step) == [TEXT]
        assert read(compress(TEXT)[:-9], step=step)[-1] in ("bad_gzip", "bad_compression")


def test_what_was_compressed_twice_is_read() -> None:
    """Firehose compresses what CloudWatch has compressed."""
    assert read(gzip.compress(gzip.compress(b"a") + gzip.compress(b"b"))) == [b"ab"]


@pytest.mark.parametrize("step", [1, 30, 10_000])
def test_a_broken_member_costs_only_itself(step: int) -> None:
    """The next one is found behind it; bytes of nobody are told."""
    broken = bytearray(gzip.compress(TEXT))
    broken[20:23] = b"\xff\xff\xff"
    last = gzip.compress(b"next")
    assert read(bytes(broken) + last, step=step)[-2:] == ["bad_gzip", b"next"]
    assert read(gzip.compress(b"a") + b"garbage" + last, step=step) == [b"a", "bad_gzip", b"next"]
    assert read(last + b"garbage", step=step) == [b"next", "bad_gzip"]
    assert read(gzip.compress(b"a")[:-3] + last, step=step)[-2:] == ["bad_gzip", b"next"]


@pytest.mark.parametrize("compress", HOW)
def test_the_limit_is_told_behind_what_fits(compress: Callable[[bytes], bytes]) -> None:
    """One byte more than the limit is too much; the limit itself is not."""
    assert read(compress(b"x" * 5000), 5000) == [b"x" * 5000]
    assert read(compress(b"x" * 5001), 5000) == [b"x" * 5000, "too_large"]
    assert read(compress(b"x" * 3000) * 2, 5000) == [b"x" * 5000, "too_large"]


@pytest.mark.parametrize("compress", [gzip.compress, zstd, bz2.compress, lzma.compress])
def test_a_bomb_is_never_inflated(compress: Callable[[bytes], bytes]) -> None:
    """A quarter of a gigabyte of zeros costs little more than its pieces."""
    bomb = compress(bytes(1 << 26)) * 4
    tracemalloc.start()
    size = sum(len(piece) for piece in unpacked([bomb], 1 << 24) if isinstance(piece, bytes))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size == 1 << 24
    assert peak < (24 << 20)


def test_endless_members_end() -> None:
    """Empty members, and what looks like members all over, are given up after a while."""
    assert read(gzip.compress(b"") * 70_000, step=1 << 20) == ["bad_gzip"]
    assert set(read(b"\x1f\x8b\x08\xff" * 5000)) == {"bad_gzip"}


@pytest.mark.parametrize(
    "data", [b"PK\x03\x04x", b"\x1f\x9dx", b"\xff\x06\x00\x00sNaPpYx", b"\x04\x22\x4d\x18x"]
)
def test_what_is_not_read_is_refused_by_name(data: bytes) -> None:
    """Zip, compress, Snappy, lz4: never taken for text."""
    assert read(data) == ["unsupported"]


@given(
    st.sampled_from([gzip.compress, bz2.compress, lzma.compress, bytes]),
    st.binary(max_size=300),
    st.binary(max_size=9),
    st.integers(0, 400),
)
def test_damage_never_raises(compress: Callable[[bytes], bytes], data: bytes, noise: bytes, at: int) -> None:
    """Any bytes anywhere."""
    whole = compress(data)
    assert isinstance(read(whole[:at] + noise + whole[at:], 200, step=13), list)
