"""Fixed-width records: a field that is free, a trailer record at the end of a file. EBCDIC, too.

The Crockford form is 26 upper-case letters and digits, which every EBCDIC code page has in the same place.
"""

from __future__ import annotations

from observe.legacy import compact
from observe.legacy.carrier import CarrierError, Written, as_text, is_document, octets, readable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from observe.context import Context
    from observe.legacy.carrier import Text

#: Code pages of one byte a character whose letters and digits are known: any other is refused. For code page
#: 1047, which Python has not, cp037 will do: they differ in brackets and a few others, which no ID has.
ENCODINGS = ("ascii", "latin-1", "utf-8", "cp037", "cp273", "cp500", "cp1026", "cp1140", "cp1252")
#: What a trailer record begins with, unless partners agreed on something else.
PREFIX = "OBSERVE "
#: No fixed-width record is longer: a mistaken length must not become so many blanks. z/OS ends at 32,760:
#: https://ibm.com/support/knowledgecenter/en/SSLTBW_2.1.0/com.ibm.zos.v2r1.ieab600/iea3b6_record_length_requirements_parmdd.htm
RECORD_MAX = 1 << 20
#: Marks of UTF-16, and what ends a text for DOS: nobody reads behind it.
_BOMS = (b"\xff\xfe", b"\xfe\xff")
_DOS_END = b"\x1a"


def carry_field(
    record: Text, context: Context | None, *, offset: int, width: int, encoding: str = "ascii"
) -> Written[Text]:
    """Write the trace ID into a blank field of one record: 26 characters, padded with blanks.

    offset: of the field's first character, from 0. width: at least 26 (PIC X(26)). encoding: of bytes, one
    of ENCODINGS. Reasons: `present` (the field is neither blanks nor NULs), `no_room` (the record ends
    before).
    Raises CarrierError("width" | "offset" | "encoding" | "document").
    """
    _check(encoding)
    as_text(record)
    if width < compact.CROCKFORD_LENGTH:
        raise CarrierError("width", f"a field needs {compact.CROCKFORD_LENGTH} characters, not {width}")
    if offset < 0:
        raise CarrierError("offset", "an offset counts from 0")
    if context is None:
        return Written(record, "no_context")
    own = compact.reference(context, width) or ""
    if len(record) < offset + width:
        return Written(record, "no_room")
    own = own.ljust(width)
    if isinstance(record, str):
        if record[offset : offset + width].strip(" \0"):
            return Written(record, "present")
        return Written(record[:offset] + own + record[offset + width :])
    whole = bytes(record)
    if whole[offset : offset + width].replace(" ".encode(encoding), b"").strip(b"\0"):
        return Written(record, "present")
    return Written(whole[:offset] + own.encode(encoding) + whole[offset + width :])


def read_field(
    record: str | bytes, *, offset: int, width: int = compact.CROCKFORD_LENGTH, encoding: str = "ascii"
) -> dict[str, str]:
    """Return the headers of a field, or {}. Raises CarrierError("offset" | "encoding")."""
    _check(encoding)
    if offset < 0:
        raise CarrierError("offset", "an offset counts from 0")
    if not is_document(record):
        return {}
    field = record[offset : offset + max(width, 0)]
    return compact.read(field if isinstance(field, str) else bytes(field).decode(encoding, "replace"))


def carry_trailer(
    data: bytes,
    context: Context | None,
    *,
    record_length: int = 0,
    separator: bytes = b"",
    prefix: str = PREFIX,
    encoding: str = "ascii",
) -> Written[bytes]:
    """Append a record to a file: `OBSERVE ` and the longest form of the context that it takes.

    record_length 0: a text file in lines. It ends as it ended: with a line break or without one. Else the
    length of every record without its `separator` (b"" or a line break), blanks to fill it. Reasons:
    `present`, `no_room` (prefix and 26 characters are longer than a record), `binary` (NUL bytes in a text
    file, the mark of UTF-16, Ctrl-Z at its end), `record_length` (the file is not made of such records).
    Raises CarrierError("encoding" | "prefix" | "record_length" | "document").
    """
    _check_trailer(prefix, encoding, record_length)
    given, data = data, octets(data)
    if context is None:
        return Written(given, "no_context")
    whole = compact.text(context, 1 << 10)
    if read_trailer(data, record_length=record_length, separator=separator, prefix=prefix, encoding=encoding):
        return Written(given, "present")
    if not record_length:
        own = f"{prefix}{whole}".encode(encoding)
        if b"\0" in data or data.startswith(_BOMS) or data.endswith(_DOS_END):
            return Written(given, "binary")
        newline = b"\r\n" if b"\r\n" in data else b"\n"
        ended = not data or data.endswith(b"\n")
        return Written(data + own + newline if ended else data + newline + own)
    form = compact.text(context, record_length - len(prefix))
    if form is None:
        return Written(given, "no_room")
    if not _is_made_of(data, record_length, separator):
        return Written(given, "record_length")
    return Written(data + f"{prefix}{form}".ljust(record_length).encode(encoding) + separator)


def read_trailer(
    data: bytes,
    *,
    record_length: int = 0,
    separator: bytes = b"",
    prefix: str = PREFIX,
    encoding: str = "ascii",
) -> dict[str, str]:
    """Return the headers of the last record of a file, or {}; arguments as in `carry_trailer`."""
    _check_trailer(prefix, encoding, record_length)
    data = readable(data) or b""
    start = _last(data, record_length, separator)
    if not data.startswith(prefix.encode(encoding), start):
        return {}
    last = data[start : start + record_length] if record_length else data[start:]
    return compact.read(last.decode(encoding, "replace")[len(prefix) :])


def without_trailer(
    data: bytes,
    *,
    record_length: int = 0,
    separator: bytes = b"",
    prefix: str = PREFIX,
    encoding: str = "ascii",
) -> bytes:
    """Return the file as it was before `carry_trailer`, or as it is; for readers that take no such record."""
    if not read_trailer(
        data, record_length=record_length, separator=separator, prefix=prefix, encoding=encoding
    ):
        return data
    start = _last(data, record_length, separator)
    if record_length or data.endswith(b"\n"):
        return data[:start]
    return data[: start - (2 if data.find(b"\r\n", 0, max(start - 2, 0)) >= 0 else 1)]


def _last(data: bytes, record_length: int, separator: bytes) -> int:
    """Where the last record begins."""
    if record_length:
        return max(len(data) - record_length - len(separator), 0)
    return data.rfind(b"\n", 0, len(data) - 1) + 1 if data else 0


def _is_made_of(data: bytes, record_length: int, separator: bytes) -> bool:
    step = record_length + len(separator)
    return len(data) % step == 0 and (
        not separator or all(data.startswith(separator, at) for at in range(record_length, len(data), step))
    )


def _check_trailer(prefix: str, encoding: str, record_length: int) -> None:
    _check(encoding)
    if not prefix or not prefix.isascii() or not prefix.isprintable():
        raise CarrierError("prefix", "a prefix is printable ASCII")
    if not 0 <= record_length <= RECORD_MAX:
        raise CarrierError("record_length", f"a record length is 0 to {RECORD_MAX}, not {record_length}")
    if not record_length and "\n".encode(encoding) != b"\n":
        raise CarrierError("encoding", "lines in EBCDIC are not supported: give a record length")


def _check(encoding: str) -> None:
    if encoding not in ENCODINGS:
        raise CarrierError("encoding", f"{encoding!r} is not one of {', '.join(ENCODINGS)}")
