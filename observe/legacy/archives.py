"""Places in gzip, ZIP and tar files that readers skip. Nothing is recompressed: our part is spliced in.

What is carried is a JSON object of the four headers (gzip, ZIP), or one PAX record for each (tar).
"""

from __future__ import annotations

import json
import struct

from observe.legacy.carrier import (
    CarrierError,
    Written,
    headers_of,
    is_document,
    octets,
    ours,
    projected,
    readable,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from observe.context import Context

#: SI1 and SI2 of our subfield. https://www.rfc-editor.org/rfc/rfc1952#section-2.3.1.1
GZIP_SUBFIELD = b"OB"
#: XLEN has two bytes, and so has the length of a ZIP comment.
#: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT section 4.3.16
FIELD_MAX = 65535
#: PAX keywords of an application are "VENDOR.keyword" in upper case.
#: https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html
PAX_VENDOR = "OBSERVE."

_ZIP_END = b"PK\x05\x06"
_ZIP_END_LENGTH = 22
_ZIP_ENTRY = b"PK\x01\x02"
#: Where this stands before the end, the true numbers are in the record it refers to (section 4.3.15).
_ZIP64_LOCATOR = b"PK\x06\x07"
_ZIP64_LOCATOR_LENGTH = 20
#: A program for Windows, which may be signed as a whole, behind whatever it unpacks.
_EXECUTABLE = b"MZ"
_ZIP_MARK = "observe:"
_APK_SIGNED = b"APK Sig Block 42"
_FHCRC, _FEXTRA, _FNAME, _FCOMMENT, _RESERVED = 2, 4, 8, 16, 0xE0
_BLOCK = 512


def document(context: Context) -> str:
    """Return the four headers as one JSON object, ASCII, without blanks."""
    return json.dumps(headers_of(context), separators=(",", ":"))


def read_document(text: str | bytes) -> dict[str, str]:
    """Return the headers of such an object, or {}; of at most 65,535 characters."""
    if not is_document(text) or len(text) > FIELD_MAX:
        return {}
    try:
        found = json.loads(text if isinstance(text, str) else bytes(text))
    except (ValueError, RecursionError):
        return {}
    return ours(projected(found.items())) if isinstance(found, dict) else {}


# --- gzip -----------------------------------------------------------------------------------------


def gzip_bytes(data: bytes, context: Context | None, level: int = 9) -> bytes:
    """Compress `data` with the context in the extra field. Raises CarrierError("level")."""
    import gzip

    if not 0 <= level <= 9:
        raise CarrierError("level", f"a level is 0 to 9, not {level}")
    return carry_gzip(gzip.compress(data, level, mtime=0), context).document


def carry_gzip(data: bytes, context: Context | None) -> Written[bytes]:
    """Add the context to the header of existing gzip bytes, of their first member.

    Reasons: `not_gzip`, `present`, `extra` (it has an extra field of another program's: dictzip, BGZF and
    mgzip keep lengths and places there, which would be wrong then).
    """
    gzipped = octets(data)
    if context is None:
        return Written(data, "no_context")
    value = document(context).encode("ascii")
    head = _gzip(gzipped)
    if head is None:
        return Written(data, "not_gzip")
    fields, header_end = head
    if fields is not None:
        return Written(data, "present" if GZIP_SUBFIELD in dict(_subfields(fields)) else "extra")
    extra = GZIP_SUBFIELD + struct.pack("<H", len(value)) + value  # some 18 KB at most: there is room
    flags = gzipped[3]
    header = gzipped[:3] + bytes((flags | _FEXTRA,)) + gzipped[4:10] + struct.pack("<H", len(extra)) + extra
    if flags & _FHCRC:
        from zlib import crc32

        header += gzipped[10 : header_end - 2]
        return Written(header + struct.pack("<H", crc32(header) & 0xFFFF) + gzipped[header_end:])
    return Written(header + gzipped[10:])


def read_gzip(data: bytes) -> dict[str, str]:
    """Return the headers in the extra field of gzip bytes, or {}; the first kilobytes are enough."""
    head = _gzip(readable(data) or b"")
    found = dict(_subfields(head[0])) if head and head[0] else {}
    return read_document(found[GZIP_SUBFIELD]) if GZIP_SUBFIELD in found else {}


def _gzip(data: bytes) -> tuple[bytes | None, int] | None:
    """(the extra field, None where there is none, where the header ends), or None."""
    if len(data) < 10 or data[:3] != b"\x1f\x8b\x08" or data[3] & _RESERVED:
        return None
    flags, at, fields = data[3], 10, None
    if flags & _FEXTRA:
        if len(data) < 12:
            return None
        at = 12 + int.from_bytes(data[10:12], "little")
        fields = data[12:at]
    for flag in (_FNAME, _FCOMMENT):
        if flags & flag:
            at = data.find(b"\0", at) + 1
            if not at:
                return None
    at += 2 if flags & _FHCRC else 0
    return (fields, at) if at <= len(data) else None


def _subfields(fields: bytes) -> list[tuple[bytes, bytes]]:
    found, at = [], 0
    while at + 4 <= len(fields):
        length = int.from_bytes(fields[at + 2 : at + 4], "little")
        found.append((fields[at : at + 2], fields[at + 4 : at + 4 + length]))
        at += 4 + length
    return found


# --- ZIP ------------------------------------------------------------------------------------------


def carry_zip(data: bytes, context: Context | None) -> Written[bytes]:
    """Add a line `observe:{...}` to the comment of a ZIP archive; a comment that it has is kept.

    Reasons: `not_zip`, `present`, `no_room` (a comment has at most 65,535 bytes), `signed` (an Android
    package, whose signature covers the comment, or a program that unpacks itself), `ambiguous` (a comment
    that looks like an archive's end, or an end without the directory before it).
    """
    archive = octets(data)
    if context is None:
        return Written(data, "no_context")
    own = (_ZIP_MARK + document(context)).encode("ascii")
    end = _zip_end(archive)
    if end < 0:
        return Written(data, "not_zip")
    comment = archive[end + _ZIP_END_LENGTH :]
    if _zip_headers(comment):
        return Written(data, "present")
    directory = int.from_bytes(archive[end + 16 : end + 20], "little")
    if archive.startswith(_EXECUTABLE) or archive[max(directory - 16, 0) : directory] == _APK_SIGNED:
        return Written(data, "signed")
    if _ZIP_END in comment or not _has_directory(archive, end):
        return Written(data, "ambiguous")
    grown = comment + (b"\n" if comment else b"") + own
    if len(grown) > FIELD_MAX:
        return Written(data, "no_room")
    return Written(archive[: end + 20] + struct.pack("<H", len(grown)) + grown)


def read_zip(data: bytes) -> dict[str, str]:
    """Return the headers in the comment of a ZIP archive, or {}; its last 65,557 bytes are enough."""
    tail = (readable(data) or b"")[-(_ZIP_END_LENGTH + FIELD_MAX) :]
    end = _zip_end(tail)
    return _zip_headers(tail[end + _ZIP_END_LENGTH :]) if end >= 0 else {}


def _has_directory(data: bytes, end: int) -> bool:
    """Whether what an end says of its central directory is true: else it is somebody's comment."""
    size = int.from_bytes(data[end + 12 : end + 16], "little")
    locator = end - _ZIP64_LOCATOR_LENGTH
    if locator >= 0 and data.startswith(_ZIP64_LOCATOR, locator):
        return True
    return data.startswith(_ZIP_ENTRY, end - size) if 0 < size <= end else not size


def _zip_end(data: bytes) -> int:
    """Where the end of central directory record is, whose comment must reach exactly to the end; or -1."""
    lowest = max(len(data) - _ZIP_END_LENGTH - FIELD_MAX, 0)
    end = len(data)
    while (end := data.rfind(_ZIP_END, lowest, end)) >= 0:
        length = int.from_bytes(data[end + 20 : end + 22], "little")
        if end + _ZIP_END_LENGTH + length == len(data):
            return end
        end += len(_ZIP_END) - 1
    return -1


def _zip_headers(comment: bytes) -> dict[str, str]:
    mark = _ZIP_MARK.encode()
    line = next((line for line in reversed(comment.split(b"\n")) if line.startswith(mark)), b"")
    return read_document(line[len(mark) :])


# --- tar ------------------------------------------------------------------------------------------


def carry_tar(data: bytes, context: Context | None) -> Written[bytes]:
    """Add a PAX global header with `OBSERVE.<header>` records to a tar archive (not a compressed one).

    It goes behind the global headers the archive begins with, where `git archive` keeps the commit.
    Reasons: `not_tar`, `present`, `empty` (a global header must be followed by a file).
    """
    from tarfile import TarInfo

    archive = octets(data)
    if context is None:
        return Written(data, "no_context")
    own = {PAX_VENDOR + name: value for name, value in headers_of(context).items()}
    end, found = _globals(archive)
    if end < 0:
        return Written(data, "not_tar")
    if found:
        return Written(data, "present")
    if not archive[end : end + _BLOCK].strip(b"\0"):
        return Written(data, "empty")
    return Written(archive[:end] + TarInfo.create_pax_global_header(own) + archive[end:])


def read_tar(data: bytes) -> dict[str, str]:
    """Return the headers in the global PAX headers that a tar archive begins with, or {}."""
    return _globals(readable(data) or b"")[1]


def _globals(data: bytes) -> tuple[int, dict[str, str]]:
    """(where the leading global headers end, ours), or (-1, {})."""
    headers: dict[str, str] = {}
    at = 0
    while True:
        block = data[at : at + _BLOCK]
        if at == 0 and len(block) == _BLOCK and not block.strip(b"\0"):
            return 0, {}  # an empty archive
        if not _is_tar_header(block):
            return (at if at else -1), headers
        if block[156:157] != b"g":
            return at, headers
        size = _octal(block[124:136])
        headers |= _pax(data[at + _BLOCK : at + _BLOCK + size])
        at += _BLOCK + size + -size % _BLOCK
        if at > len(data):
            return -1, {}


def _is_tar_header(block: bytes) -> bool:
    if len(block) < _BLOCK or block[257:262] != b"ustar":
        return False
    return _octal(block[148:156]) == sum(block[:148]) + 8 * 32 + sum(block[156:])


def _octal(field: bytes) -> int:
    digits = field.strip(b" \0")
    return int(digits, 8) if digits and not digits.strip(b"01234567") else 0


def _pax(records: bytes) -> dict[str, str]:
    """Ours of `<length> <keyword>=<value>\\n` records."""
    found: list[tuple[object, object]] = []
    at = 0
    while at < len(records):
        digits = records[at : max(records.find(b" ", at, at + 10), at)]
        if not digits or digits.strip(b"0123456789") or not int(digits):
            break
        keyword, _, value = records[at + len(digits) + 1 : at + int(digits)].partition(b"=")
        if keyword.startswith(PAX_VENDOR.encode()):
            found.append((keyword[len(PAX_VENDOR) :], value.removesuffix(b"\n")))
        at += int(digits)
    return ours(projected(found))
