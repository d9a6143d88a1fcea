"""Numbers as COBOL writes them: with a sign before or behind, zoned, packed and binary.

    zoned    DISPLAY: a digit a byte, the sign in the first half of the last one: C and F plus, D minus
    packed   COMP-3: two digits a byte, the sign in the last half byte: A, C, E and F plus, B and D minus
    binary   COMP: two's complement, most significant byte first

https://www.ibm.com/docs/en/cobol-zos/6.4.0 (formats for numeric data; sign representation)
"""

from __future__ import annotations

import re

#: A number of JSON: a text where a double could not hold all its digits.
Number = int | float | str

_EXACT_DIGITS = 15
_PLUS, _MINUS = "{ABCDEFGHI", "}JKLMNOPQR"
#: What Micro Focus writes for a negative zoned number in ASCII.
_MINUS_ASCII = "pqrstuvwxy"
_SIGNED = re.compile(r"([+-]?+)(\d{1,38}+)(?:[.,](\d{1,18}+))?([+-]?+)")
_PACKED_SIGNS = {0xA: 1, 0xB: -1, 0xC: 1, 0xD: -1, 0xE: 1, 0xF: 1}
_ZONED_SIGNS = {0xC: 1, 0xD: -1, 0xF: 1, 0xA: 1, 0xB: -1, 0xE: 1}


def written(text: str, scale: int) -> Number | None:
    """Return the number that characters write, `-12`, `12-`, `1.50` or zoned `00012C`; None for what is none.

    scale: digits after the decimal point where the text shows no point.
    """
    text = text.strip()
    for sign, zoned in ((1, _PLUS), (-1, _MINUS), (-1, _MINUS_ASCII)):
        if text[-1:] and text[-1] in zoned:
            digits = text[:-1] + str(zoned.index(text[-1]))
            return _scaled(sign * int(digits), scale) if digits.isdecimal() and len(digits) < 39 else None
    match = _SIGNED.fullmatch(text)
    if match is None or (match[1] and match[4]):
        return None
    sign = -1 if "-" in (match[1], match[4]) else 1
    if match[3]:
        return _scaled(sign * int(match[2] + match[3]), len(match[3]))
    return _scaled(sign * int(match[2]), scale)


def zoned(raw: bytes, scale: int) -> Number | None:
    """Return the number of zoned EBCDIC bytes, or None where one of them is no digit."""
    if not raw or len(raw) > 38 or any(byte & 0xF > 9 for byte in raw):
        return None
    if any(byte >> 4 != 0xF for byte in raw[:-1]):
        return None
    sign = _ZONED_SIGNS.get(raw[-1] >> 4)
    return None if sign is None else _scaled(sign * int("".join(str(byte & 0xF) for byte in raw)), scale)


def packed(raw: bytes, scale: int) -> Number | None:
    """Return the number of packed bytes, or None where a half byte is no digit or the last no sign."""
    text = raw.hex()
    sign = _PACKED_SIGNS.get(raw[-1] & 0xF) if raw else None
    if sign is None or not text[:-1].isdecimal() or len(text) > 39:
        return None
    return _scaled(sign * int(text[:-1]), scale)


def binary(raw: bytes, scale: int) -> Number | None:
    """Return the number of two's complement bytes, at most 16 of them."""
    return _scaled(int.from_bytes(raw, "big", signed=True), scale) if 0 < len(raw) <= 16 else None


def _scaled(number: int, scale: int) -> Number:
    digits = str(abs(number)).rjust(scale + 1, "0")
    text = f"{'-' if number < 0 else ''}{digits[: len(digits) - scale]}" + (
        f".{digits[-scale:]}" if scale else ""
    )
    if len(digits) > _EXACT_DIGITS and (scale or abs(number) >= 1 << 63):
        return text
    return float(text) if scale else number
