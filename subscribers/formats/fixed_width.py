"""The custom format `fixed_width`: records by a table of fields, characters or EBCDIC's bytes.

A line without `encoding` is text, and columns are characters. With `encoding` a line is the bytes of one
record: in hexadecimal digits, as files and S3 objects are read here, in base64, or one character a byte as
who takes bytes for Latin-1 writes them; the length of a line, which the fields tell, says which. Latin-1
loses records that end in 0A or 0D, so it suits records without packed and binary fields only. What another
program has translated from EBCDIC to text is text: packed numbers do not survive that.

| type | what it reads |
|---|---|
| text | characters, without the blanks around them |
| integer, decimal | digits with a sign before or behind, or zoned; `scale` digits are behind the point |
| packed | COMP-3 |
| binary | COMP, most significant byte first |
| date, time, timestamp | by `pattern`, which is strptime's, else in any usual shape |

A field of blanks or of 00 bytes is absent; the time is the first `timestamp`, else the first `date` with the
first `time`. Names mean what `named_values` says. A record with a number or a time that is none is of no
format, and so is one that does not have in a field what its `equals` says, as headers and trailers do not:
a text without the blanks around it, a number however it is written.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import partial
from itertools import pairwise
from typing import Any

import msgspec

from subscribers.formats import decimals
from subscribers.formats.code_pages import Decoder, decoder, is_ebcdic
from subscribers.formats.named_values import moment, told
from subscribers.formats.told import Clock, LineFormat, Reader, Told
from subscribers.parsers import java_dates
from subscribers.parsers.java_layout import BadLayout

NAME = "fixed_width"
TYPES = ("text", "integer", "decimal", "packed", "binary", "date", "time", "timestamp")
RECORD_MAX_BYTES = 32_760
_BYTES_ONLY = frozenset({"packed", "binary"})
_TIMES = frozenset({"date", "time", "timestamp"})
_NUMBERS = frozenset({"integer", "decimal", "packed", "binary"})
_HEX = re.compile(r"[0-9A-Fa-f]*+")
_BASE64 = re.compile(r"[A-Za-z0-9+/]*+=*+")
#: strptime's letters as SimpleDateFormat's. https://docs.python.org/3/library/datetime.html#format-codes
_LETTERS = {
    "Y": "yyyy",
    "y": "yy",
    "m": "MM",
    "d": "dd",
    "j": "DDD",
    "H": "HH",
    "I": "hh",
    "M": "mm",
    "S": "ss",
    "p": "a",
    "b": "MMM",
    "B": "MMMM",
    "a": "EEE",
    "A": "EEEE",
    "z": "XX",
    "Z": "z",
}
_ELEMENT = re.compile(r"%(.)|%|[^%]++", re.DOTALL)
#: `%f` is as many digits as there are.
_FRACTIONS = ("SS", "SSSS", "SSSSS", "SSSSSS", "SSSSSSSSS")
#: What a date and a time look like beside one with a pattern.
_USUAL = {
    "date": tuple(map(java_dates.date_format, ("yyyyMMdd", "yyyy-MM-dd", "dd.MM.yyyy"))),
    "time": tuple(map(java_dates.date_format, ("HHmmss", "HHmmssSS", "HH:mm:ss", "HH.mm.ss"))),
}


class Field(msgspec.Struct, frozen=True):
    """One field of a record. start: from 0; dates: how `pattern` is read, () for any usual shape; equals:
    what it is in every record of this kind, None where it may be anything."""

    name: str
    start: int
    length: int
    type: str = "text"
    scale: int = 0
    dates: tuple[java_dates.DateFormat, ...] = ()
    equals: str | Decimal | None = None


def fixed_width_format(table: Sequence[Mapping[str, Any]], encoding: str = "") -> LineFormat:
    """Return the format of a table of fields. Raises BadLayout for a table that cannot be read with.

    table: [{"name", "start" from 1, "length", "type", "scale", "pattern"}]; encoding: "" for text.
    """
    fields = tuple(_field(item, encoding) for item in table)
    if not fields:
        raise BadLayout("a fixed_width format needs a field")
    names = [field.name for field in fields]
    if twice := {name for name in names if names.count(name) > 1}:
        raise BadLayout(f"the field '{min(twice)}' is named twice")
    reader = _records(fields, encoding) if encoding else _lines(fields)
    unread = partial(_said, record_bytes(table), decoder(encoding)) if encoding else str
    return LineFormat(dataset=NAME, reader=lambda: reader, unread=unread)


def record_bytes(table: Sequence[Mapping[str, Any]]) -> int:
    """Return how long a record is: to the end of its last field."""
    return max((item["start"] + item["length"] - 1 for item in table), default=0)


def _field(item: Mapping[str, Any], encoding: str) -> Field:
    name, type, pattern = item["name"], item.get("type", "text"), item.get("pattern", "")
    start, length = item["start"] - 1, item["length"]
    if type not in TYPES:
        raise BadLayout(f"the field '{name}' has a type '{type}' that is none of {', '.join(TYPES)}")
    if start < 0 or length < 1 or start + length > RECORD_MAX_BYTES:
        raise BadLayout(f"the field '{name}' does not lie in columns 1 to {RECORD_MAX_BYTES}")
    if type in _BYTES_ONLY and not encoding:
        raise BadLayout(f"the field '{name}' is {type}: its bytes are read only where 'encoding' is named")
    if pattern and type not in _TIMES:
        raise BadLayout(f"the field '{name}' has a pattern, but is no date, time or timestamp")
    dates = tuple(_dates(pattern)) if pattern else ()
    return Field(name, start, length, type, item.get("scale", 0), dates, _equals(item, name, type))


def _equals(item: Mapping[str, Any], name: str, type: str) -> str | Decimal | None:
    """What a field has in every record of the kind. Raises BadLayout for what none can have, or any has."""
    if "equals" not in item:
        return None
    text, length, scale = str(item["equals"]).strip(), item["length"], item.get("scale", 0)
    if not text:
        raise BadLayout(f"the 'equals' of the field '{name}' is blank, and would tell nothing apart")
    if type not in _NUMBERS:
        if len(text) > length:
            raise BadLayout(f"the field '{name}' is {length} long, too short for the 'equals' of '{text}'")
        return text
    number = _decimal(decimals.written(text, 0))
    if number is None:
        raise BadLayout(f"the field '{name}' is a number, which the 'equals' of '{text}' is not")
    if not _has_room(number.scaleb(scale), type, length) and not (
        type not in _BYTES_ONLY and len(f"{abs(number):f}") <= length  # with its point
    ):
        raise BadLayout(f"the field '{name}' can never have the 'equals' of '{text}'")
    return number


def _has_room(scaled: Decimal, type: str, length: int) -> bool:
    """Whether a field can hold a number without its point."""
    if scaled != int(scaled):
        return False
    if type == "binary":
        return -(1 << 8 * length - 1) <= scaled < 1 << 8 * length - 1
    return len(str(abs(int(scaled)))) <= (2 * length - 1 if type == "packed" else length)


def _decimal(value: Any) -> Decimal | None:
    """A number as such; None for a text, or what is none."""
    try:
        return None if value is None else Decimal(str(value).strip())
    except ArithmeticError:
        return None


def _dates(pattern: str) -> list[java_dates.DateFormat]:
    """The formats of a strptime pattern; several for `%f`. Raises BadLayout."""
    made = ""
    for match in _ELEMENT.finditer(pattern):
        letter = match[1]
        if letter is None and match[0] == "%":
            raise BadLayout(f"the pattern '{pattern}' ends in a %")
        if letter is None or letter == "%":
            made += "'" + (letter or match[0]).replace("'", "''") + "'"
        elif letter == "f":
            made += "\0"
        elif letter in _LETTERS:
            made += _LETTERS[letter]
        else:
            raise BadLayout(f"the letter %{letter} of the pattern '{pattern}' is not known")
    try:
        return [
            java_dates.date_format(made.replace("\0", digits))
            for digits in _FRACTIONS[: None if "\0" in made else 1]
        ]
    except java_dates.BadDate as error:
        raise BadLayout(f"the pattern '{pattern}' names no part of a time") from error


def _lines(fields: tuple[Field, ...]) -> Reader:
    cuts = sorted({cut for field in fields for cut in (field.start, field.start + field.length)})

    def read(text: str, clock: Clock) -> Told | None:
        first, separator, rest = text.partition("\n")
        known = _known(fields, [first[field.start : field.start + field.length] for field in fields])
        record = _told(fields, known, clock) if known else None
        if record is not None:
            record.message = (record.message or _apart(first, cuts)) + separator + rest
        return record

    return read


def _apart(line: str, cuts: Sequence[int]) -> str:
    """A line with a blank between fields that touch: where one ends, a secret can be told from the next."""
    parts = [line[begin:end] for begin, end in pairwise((0, *cuts, max(len(line), cuts[-1]))) if begin < end]
    made = ""
    for part in parts:
        touches = made and part and not made[-1].isspace() and not part[0].isspace()
        made += f" {part}" if touches else part
    return made


def _records(fields: tuple[Field, ...], encoding: str) -> Reader:
    decode, length = decoder(encoding), max(field.start + field.length for field in fields)
    numbers = decimals.zoned if is_ebcdic(encoding) else None

    def read(text: str, clock: Clock) -> Told | None:
        raw = record_of(text, length)
        if raw is None:
            return None
        parts = (raw[field.start : field.start + field.length] for field in fields)
        values = [_value_of(field, part, decode, numbers) for field, part in zip(fields, parts, strict=True)]
        known = _known(fields, values)
        record = _told(fields, known, clock) if known else None
        if known and record is not None and not record.message:
            # The line itself says nothing to a reader.
            record.message = " ".join(str(value).strip() for value in known.values())
        return record

    return read


def _said(length: int, decode: Decoder, text: str) -> str:
    """What a record of another kind says: its characters. What is no record stays as it is, and so does a
    text that only has its length."""
    raw = record_of(text, length)
    readable = sum(one.isascii() and (one.isalnum() or one == " ") for one in text)
    if raw is None or (len(text) == length and 2 * readable >= length):
        return text
    said = "".join(one if one.isprintable() else " " for one in decode(raw))
    return said.strip() or text


def record_of(text: str, length: int) -> bytes | None:
    """Return the bytes of a record that a line holds, however it holds them; None for what is none."""
    if len(text) == 2 * length and _HEX.fullmatch(text):
        return bytes.fromhex(text)
    if len(text) == 4 * -(-length // 3) and _BASE64.fullmatch(text):
        try:
            raw = base64.b64decode(text, validate=True)
        except ValueError:
            return None
        return raw if len(raw) == length else None
    if len(text) != length:
        return None
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return None


def _value_of(
    field: Field, raw: bytes, decode: Decoder, zoned: Callable[[bytes, int], decimals.Number | None] | None
) -> Any:
    """The value of a field's bytes: a number of JSON, "" for an absent one, None for a bad one, else text."""
    if field.type == "binary":
        return decimals.binary(raw, field.scale)
    if not raw.strip(b"\0"):
        return ""
    if field.type == "packed":
        return "" if not decode(raw).strip() else decimals.packed(raw, field.scale)
    text = decode(raw).replace("\0", " ")
    if zoned and field.type in ("integer", "decimal") and raw[-1] >> 4 != 0xF:
        # Zoned signs are letters whose look depends on the code page, so the bytes are read.
        number = zoned(raw, field.scale)
        return text if number is None else number
    return text


def _known(fields: tuple[Field, ...], values: Sequence[Any]) -> dict[str, Any]:
    """Name -> value of the fields that are there; {} for no record, as one with a bad number is, or one of
    another kind."""
    known: dict[str, Any] = {}
    for field, value in zip(fields, values, strict=True):
        is_absent = isinstance(value, str) and not value.strip()
        if isinstance(value, str) and not is_absent and field.type in ("integer", "decimal"):
            value = decimals.written(value, field.scale)
        if value is None:
            return {}
        if field.equals is not None:
            said = _decimal(value) if isinstance(field.equals, Decimal) else str(value).strip()
            if said != field.equals:
                return {}
        if is_absent:
            continue
        known[field.name] = value
    return known


def _told(fields: tuple[Field, ...], known: Mapping[str, Any], clock: Clock) -> Told | None:
    moments: dict[str, tuple[Field, str]] = {}
    for field in fields:
        if field.type in _TIMES and field.name in known:
            moments.setdefault(field.type, (field, known[field.name].strip()))
    told_by = [
        moments[type]
        for type in (("timestamp",) if "timestamp" in moments else ("date", "time"))
        if type in moments
    ]
    nano = _moment(told_by, clock) if {"timestamp", "time"} & set(moments) else None
    if nano is None and {"timestamp", "time"} & set(moments):
        return None
    taken = {field.name for field, _ in told_by} if nano is not None else set()
    record = told({name: value for name, value in known.items() if name not in taken}, NAME, clock)
    record.time_unix_nano = record.time_unix_nano if nano is None else nano
    return record


def _moment(said: Sequence[tuple[Field, str]], clock: Clock) -> int | None:
    """The time of one field, or of a day and a time of day."""
    if not any(field.dates for field, _ in said):
        return moment(" ".join(text for _, text in said), clock)
    parts: java_dates.Parts = {}
    for field, text in said:
        dates = field.dates or _USUAL.get(field.type, ())
        found = next((found for date in dates if (found := date.parts(text))), None)
        if found is None:
            return None
        parts.update(found)
    return clock.unix_nano(parts)
