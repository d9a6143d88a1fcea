"""What data may put on a page: text, and addresses that lead to the web; never markup, never a script."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Mapping
from urllib.parse import quote

_FIELD = re.compile(r"\{([a-z_]+)\}")
_LINE_ENDS = "\n\t"
#: Direction marks would turn what stands behind them around; one isolate around each text is enough.
_TURNING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def text(value: object) -> str:
    """Return a value as text of HTML, quotes included; control and direction characters as U+FFFD."""
    return html.escape("".join(map(_visible, str(value))), quote=True)


def _visible(character: str) -> str:
    if character in _LINE_ENDS:
        return character
    if character in _TURNING or unicodedata.category(character) in ("Cc", "Cs"):
        return "\ufffd"
    return character


def address(url: str) -> str:
    """Return an address that may stand in an `href`, escaped; "" for anything but http and https."""
    clean = url.strip()
    if not re.match(r"https?://[^\s/]", clean, re.IGNORECASE) or any(c <= " " or c == "\x7f" for c in clean):
        return ""
    return text(clean)


def filled(template: str, values: Mapping[str, str]) -> str:
    """Return an address template with its {fields}, URL-encoded; "" where one of them is not known."""
    if any(not values.get(name) for name in _FIELD.findall(template)):
        return ""
    return _FIELD.sub(lambda found: quote(values[found[1]], safe=""), template)
