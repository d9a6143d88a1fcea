"""Character sets of the old world, EBCDIC's among them, with those that Python does not bring.

CCSID 1047 is 037 with three pairs of characters exchanged, 1141 and 1148 are 273 and 500 with the euro sign,
as glibc's iconv has them (IBM1047, IBM1141, IBM1148) but for the overline of 273 and 1141, which is Python's.
Character sets of two bytes a character (930, 939) are not known.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable
from functools import lru_cache, partial

from subscribers.parsers.java_layout import BadLayout

Decoder = Callable[[bytes], str]

_EVERY_BYTE = bytes(range(256))
_NUMBERED = re.compile(r"(?:ibm|cp|ccsid|ebcdic-cp)?[-_ ]?0*(\d{2,5})", re.IGNORECASE)
#: CCSID -> (the one it differs from, byte -> character).
_OWN = {
    "1047": ("cp037", {0xAD: "[", 0xBD: "]", 0xBA: "Ý", 0xBB: "¨", 0x5F: "^", 0xB0: "¬"}),
    "1141": ("cp273", {0x9F: "€"}),
    "1148": ("cp500", {0x9F: "€"}),
}


@lru_cache(maxsize=64)
def decoder(encoding: str) -> Decoder:
    """Return what turns bytes into text; a byte that is no character becomes U+FFFD. Raises BadLayout.

    encoding: Python's name (`cp037`, `latin-1`), IBM's (`IBM-1047`, `CCSID 1141`) or its number alone.
    """
    number = _NUMBERED.fullmatch(encoding.strip())
    if number and number[1] in _OWN:
        base, changes = _OWN[number[1]]
        table = [*_EVERY_BYTE.decode(base)]
        for byte, character in changes.items():
            table[byte] = character
        characters = "".join(table)
        return lambda raw: codecs.charmap_decode(raw, "replace", characters)[0]
    for name in (encoding, *((f"cp{number[1].zfill(3)}",) if number else ())):
        try:
            # Asked with every byte, for some codecs are no character sets, and some take no bad ones.
            _EVERY_BYTE.decode(name, "replace")
        except (LookupError, ValueError):
            continue
        return partial(_decoded, name)
    raise BadLayout(f"the character set '{encoding}' is not known")


def _decoded(name: str, raw: bytes) -> str:
    return raw.decode(name, "replace")


def is_ebcdic(encoding: str) -> bool:
    """Whether a character set writes digits as F0 to F9. Raises BadLayout."""
    return decoder(encoding)(b"\xf0\xf9") == "09"
