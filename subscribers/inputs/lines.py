"""Bytes of a file to its lines, or to its records of one length, each with the offset where it begins.

Offsets are bytes of the plain file, from 0; of UTF-16 and UTF-32 they are bytes of the same text in UTF-8. A
byte order mark of theirs is believed where the encoding is UTF-8, which is the default. A line longer than 1
MiB is cut into lines of that length, as CloudWatch takes none that is longer. Where a part of the file is
damaged a line or a record ends, as short as it is, and the next one begins; places are counted as if nothing
were missing.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterable, Iterator

from subscribers.envelope import MalformedEnvelope
from subscribers.formats.code_pages import decoder, is_ebcdic
from subscribers.inputs.inflate import DAMAGE, Piece, peek

#: (offset, bytes without the line end) or why there are none.
Cut = tuple[int, bytes] | MalformedEnvelope

LINE_MAX_BYTES = 1024 * 1024
_BOM = b"\xef\xbb\xbf"
_WIDE = frozenset({"utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"})
#: UTF-32's little-endian mark begins with UTF-16's.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
#: EBCDIC's line feed, and its new line, which is as long.
_LINE_FEED, _NEW_LINE = b"\x25", b"\x15"
_TO_LINE_FEED = bytes.maketrans(_NEW_LINE, _LINE_FEED)


def texts(
    pieces: Iterable[Piece], encoding: str, record_bytes: int = 0
) -> tuple[Iterator[Cut], Callable[[bytes], str]]:
    """Return (the lines or records of a file, what makes text of one). Raises BadLayout for an unknown
    encoding.

    record_bytes: how long a record is, whose text is then hexadecimal; 0 for lines.
    """
    if record_bytes:
        return records(pieces, record_bytes), bytes.hex
    begin, pieces = peek(iter(pieces))
    if wide := _wide(_name(encoding), begin):
        return lines(_narrow(pieces, wide)), decoder("utf-8")
    if is_ebcdic(encoding):
        translated = (p if isinstance(p, MalformedEnvelope) else p.translate(_TO_LINE_FEED) for p in pieces)
        return lines(translated, _LINE_FEED), decoder(encoding)
    return lines(pieces), decoder(encoding)


def lines(pieces: Iterable[Piece], end: bytes = b"\n") -> Iterator[Cut]:
    """Yield each line; what is behind the last line end is one, too, unless it is nothing."""
    rest, offset, is_first = b"", 0, True
    for piece in pieces:
        if isinstance(piece, MalformedEnvelope):
            if rest and _is_torn(piece):
                yield from _pieces(offset, rest)
                rest, offset = b"", offset + len(rest)
            yield piece
            continue
        if is_first and piece:
            is_first = False
            if piece.startswith(_BOM):
                piece, offset = piece[len(_BOM) :], len(_BOM)
        *whole, rest = (rest + piece).split(end)
        for line in whole:
            yield from _pieces(offset, line)
            offset += len(line) + 1
        while len(rest) > LINE_MAX_BYTES:
            yield offset, rest[:LINE_MAX_BYTES]
            rest, offset = rest[LINE_MAX_BYTES:], offset + LINE_MAX_BYTES
    if rest:
        yield from _pieces(offset, rest)


def records(pieces: Iterable[Piece], length: int) -> Iterator[Cut]:
    """Yield each record of `length` bytes; the last one, and one before damage, as long as it is.

    Line ends between records are passed over, where there is one behind both the first and the second.
    """
    rest, offset, gap = b"", 0, -1
    for piece in pieces:
        if isinstance(piece, MalformedEnvelope):
            if rest and _is_torn(piece):
                yield from _last_records(rest, offset, length, gap)
                rest, offset = b"", offset + len(rest)
            yield piece
            continue
        rest += piece
        if gap < 0 and len(rest) < 2 * (length + 2):
            continue
        gap = _gap(rest, length) if gap < 0 else gap
        step = length + gap
        for at in range(0, len(rest) - step + 1, step):
            yield offset + at, rest[at : at + length]
        read = len(rest) // step * step
        rest, offset = rest[read:], offset + read
    yield from _last_records(rest, offset, length, gap)


def _last_records(rest: bytes, offset: int, length: int, gap: int) -> Iterator[Cut]:
    """What is left: of a short file all of it. gap: -1 where it is not known yet."""
    gap = _gap(rest, length) if gap < 0 else gap
    for at in range(0, len(rest), length + gap):
        yield offset + at, rest[at : at + length]


def _is_torn(error: MalformedEnvelope) -> bool:
    """Whether bytes are missing here. A pipe's pause, too, is told by an error, and tears nothing."""
    return error.reason in DAMAGE


def _gap(begin: bytes, length: int) -> int:
    """How many bytes of line end there are between records: 0, 1 or 2."""
    for ends in ((b"\r\n", b"\r\x25", b"\x0d\x25"), (b"\n", _LINE_FEED, _NEW_LINE)):
        size = len(ends[0])
        second = begin[2 * length + size : 2 * (length + size)]
        if begin[length : length + size] in ends and (not second or second in ends):
            return size
    return 0


def _pieces(offset: int, line: bytes) -> Iterator[tuple[int, bytes]]:
    for at in range(0, max(len(line), 1), LINE_MAX_BYTES):
        yield offset + at, line[at : at + LINE_MAX_BYTES]


def _narrow(pieces: Iterable[Piece], encoding: str) -> Iterator[Piece]:
    """The same text in UTF-8."""
    wide = codecs.getincrementaldecoder(encoding)("replace")
    for piece in pieces:
        if not isinstance(piece, MalformedEnvelope):
            yield wide.decode(piece).encode("utf-8", "replace")
            continue
        begun, order = wide.getstate()
        if begun and _is_torn(piece):
            yield "\ufffd".encode()
            # Not reset: the order of bytes was told by the mark, and there is no other one.
            wide.setstate((b"", order))
        yield piece
    yield wide.decode(b"", True).encode("utf-8", "replace")


def _wide(name: str, begin: bytes) -> str:
    """UTF-16 or UTF-32, with its order of bytes where no mark tells it; "" for any other encoding."""
    marked = next((wide for mark, wide in _MARKS if begin.startswith(mark)), "")
    if marked and (name in _WIDE or (name == "utf-8" and b"\0" in begin)):
        return marked
    # Of what has no mark the first character is taken to be ASCII's.
    order = "-be" if begin.startswith(b"\0") else "-le"
    return name + order if name in ("utf-16", "utf-32") else name if name in _WIDE else ""


def _name(encoding: str) -> str:
    try:
        return codecs.lookup(encoding).name
    except LookupError:
        return ""
