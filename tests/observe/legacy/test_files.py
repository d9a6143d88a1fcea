"""Files, archives and records."""

from __future__ import annotations

import gzip
import io
import struct
import subprocess
import tarfile
import zipfile
import zlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from observe.context import Context, extract
from observe.legacy import CarrierError, archives, files, records
from tests.observe.legacy.contexts import CONTEXTS, PLAIN, WHOLE, WILD, ids, ids_of

TEXT = b"claim 1\nclaim 2\n"


def zip_of(comment: bytes = b"") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("claims.txt", TEXT)
        archive.comment = comment
    return out.getvalue()


def tar_of(format: int = tarfile.PAX_FORMAT, **pax: str) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=format, pax_headers=pax) as archive:
        member = tarfile.TarInfo("claims.txt")
        member.size = len(TEXT)
        archive.addfile(member, io.BytesIO(TEXT))
    return out.getvalue()


def gzip_of(*, name: str = "", crc: bool = False, extra: bytes = b"") -> bytes:
    """A gzip file as other programs write it: with a name, a header CRC, an extra field."""
    flags = (8 if name else 0) | (2 if crc else 0) | (4 if extra else 0)
    header = b"\x1f\x8b\x08" + bytes((flags,)) + b"\0\0\0\0\0\3"
    header += struct.pack("<H", len(extra)) + extra if extra else b""
    header += name.encode() + b"\0" if name else b""
    header += struct.pack("<H", zlib.crc32(header) & 0xFFFF) if crc else b""
    return header + gzip.compress(TEXT, mtime=0)[10:]


GZIPS = {
    "plain": gzip_of(),
    "name": gzip_of(name="claims.txt"),
    "crc": gzip_of(name="x", crc=True),
    "two members": gzip_of() + gzip_of(name="b"),
    "empty": gzip.compress(b""),
}


@pytest.mark.parametrize("name", GZIPS)
@given(context=CONTEXTS)
def test_gzip_carries_all_of_a_context_in_its_header(name: str, context: Context) -> None:
    """The compressed bytes are the same; the standard library reads the file; twice is once."""
    data = GZIPS[name]
    grown = archives.carry_gzip(data, context)
    assert grown.reason == ""
    assert gzip.decompress(grown.document) == gzip.decompress(data)
    assert grown.document.endswith(gzip.compress(b"" if name == "empty" else TEXT, mtime=0)[10:])
    assert len(grown.document) - len(data) == len(archives.document(context)) + 6
    assert extract(archives.read_gzip(grown.document)) == context
    assert extract(files.read(grown.document)) == context
    assert archives.carry_gzip(grown.document, context) == (grown.document, "present")


def test_the_program_gzip_takes_it_and_the_header_crc_is_right() -> None:
    """GNU gzip verifies the CRC of a header."""
    for data in GZIPS.values():
        grown = archives.carry_gzip(data, WHOLE).document
        assert subprocess.run(["gzip", "-t"], input=grown, check=False).returncode == 0
    grown = archives.carry_gzip(GZIPS["crc"], WHOLE).document
    end = grown.index(b"x\0", 12 + int.from_bytes(grown[10:12], "little")) + 2
    assert grown[end : end + 2] == struct.pack("<H", zlib.crc32(grown[:end]) & 0xFFFF)


def test_gzip_is_created_with_the_context() -> None:
    """One call, reproducible."""
    data = archives.gzip_bytes(TEXT, WHOLE)
    assert data == archives.gzip_bytes(TEXT, WHOLE)
    assert gzip.decompress(data) == TEXT
    assert extract(archives.read_gzip(data[:2000])) == WHOLE
    with pytest.raises(CarrierError):
        archives.gzip_bytes(TEXT, WHOLE, level=10)


@pytest.mark.parametrize(
    "extra", [b"BC\2\0\1\0", b"RA\6\0\1\0\1\0\1\0", b"MZ\4\0\1\0\0\0", b"\1\2", b"AP\xff\xff"]
)
def test_gzip_with_an_extra_field_of_its_own_is_left_alone(extra: bytes) -> None:
    """BGZF, dictzip and mgzip say there where blocks lie; what is malformed would swallow ours."""
    data = gzip_of(extra=extra, crc=True)
    assert archives.carry_gzip(data, WHOLE) == (data, "extra")
    assert archives.read_gzip(data) == {}


def test_what_is_no_gzip_is_left_alone() -> None:
    """And a context always has room: 65,535 bytes."""
    assert archives.carry_gzip(TEXT, WHOLE) == (TEXT, "not_gzip")
    full = Context("a" * 32, baggage=tuple((f"k{n}", '"' * 400) for n in range(64)), tracestate='"' * 512)
    assert 8192 < len(archives.document(full)) <= archives.FIELD_MAX - 4 == 65_531
    assert ids_of(archives.read_gzip(archives.gzip_bytes(TEXT, full)))[0] == full.trace_id


@pytest.mark.parametrize("comment", [b"", b"made by hand", b"\xff\n"])
@given(context=CONTEXTS)
def test_zip_carries_all_of_a_context_in_its_comment(comment: bytes, context: Context) -> None:
    """What comes before the comment is the same, the comment is kept; the standard library reads the file."""
    data = zip_of(comment)
    grown = archives.carry_zip(data, context)
    assert grown.reason == ""
    assert grown.document.startswith(data[: len(data) - len(comment) - 2])
    with zipfile.ZipFile(io.BytesIO(grown.document)) as archive:
        assert archive.testzip() is None
        assert archive.read("claims.txt") == TEXT
        assert archive.comment.startswith(comment)
        assert len(archive.comment) <= archives.FIELD_MAX
    assert extract(archives.read_zip(grown.document)) == context
    assert extract(files.read(grown.document)) == context
    assert archives.carry_zip(grown.document, context) == (grown.document, "present")


def test_zip_that_must_not_change_is_left_alone() -> None:
    """A full comment, a signed Android package, no archive."""
    full = zip_of(b"x" * 65500)
    assert archives.carry_zip(full, WHOLE) == (full, "no_room")
    plain = zip_of()
    start = int.from_bytes(plain[-6:-2], "little")
    end = struct.pack("<I", start + 16)
    signed = plain[:start] + b"APK Sig Block 42" + plain[start:-6] + end + plain[-2:]
    assert archives.carry_zip(signed, WHOLE) == (signed, "signed")
    assert archives.carry_zip(plain[:-1], WHOLE).reason == "not_zip"
    assert archives.carry_zip(b"", WHOLE).reason == "not_zip"
    assert archives.carry_zip(zip_of(b"PK\x05\x06 no end"), WHOLE).reason == "ambiguous"
    assert archives.carry_zip(b"MZ" + plain, WHOLE).reason == "signed"  # a program that unpacks itself


def test_an_end_inside_a_comment_is_not_taken_for_the_archive_s() -> None:
    """Other readers might see either: the real end's length would be wrong."""
    fake = b"PK\x05\x06" + b"\0" * 8 + struct.pack("<IIH", 40, 7, 0)
    spoofed = zip_of(b"see " + fake)
    assert archives.carry_zip(spoofed, WHOLE) == (spoofed, "ambiguous")


def test_archives_with_something_before_them_and_of_the_large_format_are_carried() -> None:
    """A program's start, and ZIP64 whose end says 0xFFFFFFFF."""
    assert archives.carry_zip(b"#!/bin/sh\n" + zip_of(), WHOLE).reason == ""
    empty = b"PK\x05\x06" + bytes(18)
    assert archives.carry_zip(empty, WHOLE).reason == ""
    plain = zip_of()
    locator = b"PK\x06\x07" + bytes(16)
    large = plain[:-22] + locator + b"PK\x05\x06" + bytes(4) + b"\xff" * 12 + bytes(2)
    assert archives.carry_zip(large, WHOLE).reason == ""


def test_our_line_is_found_though_somebody_wrote_behind_it() -> None:
    """A comment has lines; the last of ours counts."""
    grown = archives.carry_zip(zip_of(b"first"), WHOLE).document
    with zipfile.ZipFile(out := io.BytesIO(grown), "a") as archive:
        archive.comment += b"\nlast"
    assert extract(archives.read_zip(out.getvalue())) == WHOLE
    assert archives.carry_zip(out.getvalue(), WHOLE).reason == "present"


TARS = {
    "pax": tar_of(),
    "gnu": tar_of(tarfile.GNU_FORMAT),
    "ustar": tar_of(tarfile.USTAR_FORMAT),
    "git archive": tar_of(comment="4b825dc642cb6eb9a060e54bf8d69288fbee4904"),
}


@pytest.mark.parametrize("name", TARS)
@given(context=CONTEXTS)
def test_tar_carries_all_of_a_context_in_a_global_header(name: str, context: Context) -> None:
    """Nothing of the archive changes; the standard library finds our records beside what was there."""
    data = TARS[name]
    grown = archives.carry_tar(data, context)
    assert grown.reason == ""
    with (
        tarfile.open(fileobj=io.BytesIO(data)) as before,
        tarfile.open(fileobj=io.BytesIO(grown.document)) as after,
    ):
        assert after.getnames() == before.getnames()
        assert before.pax_headers.items() <= after.pax_headers.items()
        assert after.pax_headers["OBSERVE.x-correlation-id"] == context.correlation_id
    at = 1024 if name == "git archive" else 0
    assert grown.document[:at] == data[:at]
    assert grown.document.endswith(data[at:])
    assert extract(archives.read_tar(grown.document)) == context
    assert extract(files.read(grown.document)) == context
    assert archives.carry_tar(grown.document, context) == (grown.document, "present")


def test_what_is_no_tar_is_left_alone() -> None:
    """Compressed ones are gzip's; one without files would not be readable any more."""
    assert archives.carry_tar(bytes(10240), WHOLE).reason == "empty"
    assert archives.carry_tar(TEXT, WHOLE).reason == "not_tar"
    assert archives.carry_tar(gzip.compress(TARS["pax"]), WHOLE).reason == "not_tar"


# --- Sidecar and name -----------------------------------------------------------------------------


@given(CONTEXTS)
def test_a_sidecar_carries_all_of_a_context(context: Context) -> None:
    """JSON, ASCII, beside the file."""
    data = files.sidecar(context)
    assert data.isascii()
    assert extract(files.read_sidecar(data)) == context
    assert extract(files.read(data)) == context


def test_names_have_255_bytes() -> None:
    """Of the last part of a path."""
    assert files.sidecar_name("in/claims.txt") == "in/claims.txt.ctx.json"
    assert files.sidecar_name("x" * 246) is not None
    assert files.sidecar_name("x" * 247) is None
    assert files.sidecar_name("\u00e9" * 124) is None
    assert files.sidecar_name("in/") is None
    assert files.carry_name("x" * 225, PLAIN).reason == "no_room"
    assert files.carry_name("a/" * 200 + "x", PLAIN).reason == ""
    assert files.carry_name("in/..", PLAIN).reason == "no_name"
    assert files.carry_name("x" * 200 + "\\" + "y" * 30, PLAIN).reason == "no_room"  # one name on Linux
    assert files.sidecar_name("x" * 200 + "\\" + "y" * 50) is None


@pytest.mark.parametrize(
    ("name", "start", "end"),
    [
        ("claims.tar.gz", "claims", ".tar.gz"),
        ("in/v1.2/claims", "in/v1.2/claims", ""),
        ("C:\\in\\claims.txt", "C:\\in\\claims", ".txt"),
        (".profile", ".profile", ""),
    ],
)
@given(context=CONTEXTS)
def test_a_name_carries_the_trace(name: str, start: str, end: str, context: Context) -> None:
    """Before the first dot, so that the type of the file stays."""
    grown = files.carry_name(name, context)
    assert grown.document.startswith(start + ".ctx-")
    assert grown.document.endswith(end)
    assert len(grown.document) == len(name) + 31
    assert ids_of(files.read_name(grown.document))[0] == context.trace_id
    assert files.carry_name(grown.document, context).reason == "present"
    for folded in (grown.document.upper(), grown.document.lower()):
        assert ids_of(files.read_name(folded))[0] == context.trace_id
        assert files.carry_name(folded, context).reason == "present"


# --- Records --------------------------------------------------------------------------------------


@given(
    CONTEXTS, st.sampled_from(["ascii", "cp037", "cp500", "cp273"]), st.integers(26, 60), st.integers(0, 9)
)
def test_a_field_carries_the_trace(context: Context, encoding: str, width: int, offset: int) -> None:
    """In any code page; the record around it is the same; twice is once."""
    text = "A" * offset + " " * width + "DE89370400440532013000"
    record = text.encode(encoding)
    grown = records.carry_field(record, context, offset=offset, width=width, encoding=encoding)
    assert grown.reason == ""
    assert len(grown.document) == len(record)
    assert grown.document[:offset] == record[:offset]
    assert grown.document[offset + width :] == record[offset + width :]
    found = records.read_field(grown.document, offset=offset, width=width, encoding=encoding)
    assert ids_of(found)[0] == context.trace_id
    again = records.carry_field(grown.document, context, offset=offset, width=width, encoding=encoding)
    assert again == (grown.document, "present")
    as_text = records.carry_field(text, context, offset=offset, width=width)
    assert as_text.document.encode(encoding) == grown.document


def test_a_field_that_is_taken_or_too_short_is_left_alone() -> None:
    """And a wrong layout is a wrong argument."""
    assert records.carry_field(b"x" * 40, PLAIN, offset=0, width=26).reason == "present"
    assert records.carry_field(b" " * 40, PLAIN, offset=20, width=26).reason == "no_room"
    assert records.carry_field(b" " * 40, PLAIN, offset=0, width=10**15).reason == "no_room"
    assert records.carry_field(bytes(26), PLAIN, offset=0, width=26).reason == ""
    assert records.carry_field("\0" * 26, PLAIN, offset=0, width=26).reason == ""
    for arguments in ({"offset": 0, "width": 25}, {"offset": -1, "width": 26}):
        with pytest.raises(CarrierError):
            records.carry_field(b" " * 40, PLAIN, **arguments)
    with pytest.raises(CarrierError, match="utf-16"):
        records.carry_field(b" " * 40, PLAIN, offset=0, width=26, encoding="utf-16")
    with pytest.raises(CarrierError):
        records.read_field(b" " * 40, offset=-1)


@given(CONTEXTS, st.binary(max_size=40).filter(lambda data: records.carry_trailer(data, PLAIN).reason == ""))
@example(PLAIN, b"a\r")
@example(PLAIN, b"a\r\nb")
def test_a_text_file_has_a_trailer(context: Context, data: bytes) -> None:
    """It ends as it ended; taking the trailer off gives the file back; twice is once."""
    grown = records.carry_trailer(data, context)
    assert grown.reason == ""
    assert grown.document.startswith(data)
    assert grown.document.endswith(b"\n") == (not data or data.endswith(b"\n"))
    assert ids_of(records.read_trailer(grown.document)) == ids(context)
    assert records.without_trailer(grown.document) == data
    assert records.carry_trailer(grown.document, context) == (grown.document, "present")


@pytest.mark.parametrize("separator", [b"", b"\n", b"\r\n", b"\x15"])
@given(CONTEXTS, st.integers(34, 220), st.integers(0, 3), st.sampled_from(["ascii", "cp037", "cp500"]))
def test_a_fixed_width_file_has_a_trailer_record(
    separator: bytes, context: Context, length: int, count: int, encoding: str
) -> None:
    """Of the length of the others, in their code page."""
    data = (("IBAN DE89370400440532013000").ljust(length)[:length].encode(encoding) + separator) * count
    layout = {"record_length": length, "separator": separator, "encoding": encoding}
    grown = records.carry_trailer(data, context, **layout)
    assert grown.reason == ""
    assert len(grown.document) == len(data) + length + len(separator)
    assert grown.document.startswith(data)
    found = records.read_trailer(grown.document, **layout)
    assert ids_of(found)[0] == context.trace_id
    assert records.without_trailer(grown.document, **layout) == data
    assert records.carry_trailer(grown.document, context, **layout).reason == "present"


def test_a_file_that_takes_no_trailer_is_left_alone() -> None:
    """Too short, not made of such records, binary."""
    assert records.carry_trailer(b"", PLAIN, record_length=33).reason == "no_room"
    assert records.carry_trailer(b"x" * 41, PLAIN, record_length=40).reason == "record_length"
    assert (
        records.carry_trailer(b"x" * 82, PLAIN, record_length=40, separator=b"\n").reason == "record_length"
    )
    for binary in (b"a\0b", "\u4e2d\u6587".encode("utf-16"), b"a\r\n\x1a"):
        assert records.carry_trailer(binary, PLAIN) == (binary, "binary")
    assert records.without_trailer(TEXT) == TEXT
    for wrong in (
        {"encoding": "cp037"},
        {"encoding": "x"},
        {"prefix": ""},
        {"record_length": -1},
        {"record_length": records.RECORD_MAX + 1},
    ):
        with pytest.raises(CarrierError):
            records.carry_trailer(b"", PLAIN, **wrong)


@given(
    st.binary(max_size=600),
    WILD,
    st.sampled_from([b"", b"\x1f\x8b\x08", b"PK\x05\x06", b"{", zip_of(), TARS["pax"]]),
)
def test_nothing_raises_on_anything(data: bytes, context: Context, start: bytes) -> None:
    """Cut off, mixed up, or something else."""
    data = start[: len(data) * 4] + data
    files.read(data)
    files.read_name(data.decode("latin-1"))
    records.read_trailer(data, record_length=40, encoding="cp037")
    for carry in (archives.carry_gzip, archives.carry_zip, archives.carry_tar, records.carry_trailer):
        grown = carry(data, context)
        assert not grown.reason or grown.document is data


@given(
    st.integers(0, 2000),
    st.integers(0, 255),
    st.sampled_from([*TARS.values(), *GZIPS.values(), zip_of(b"x")]),
)
def test_a_damaged_archive_never_raises(at: int, byte: int, data: bytes) -> None:
    """One byte of one that carries a context is another."""
    for carry in (archives.carry_gzip, archives.carry_zip, archives.carry_tar):
        grown = carry(data, WHOLE).document
        at %= len(grown)
        files.read(grown[:at] + bytes((byte,)) + grown[at + 1 :])
        files.read(grown[:at])
