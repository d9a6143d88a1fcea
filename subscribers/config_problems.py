"""What can be wrong with a configuration, as values.

ConfigError     one or more Problems; `reason` is `bad_config`; the text has one line a problem
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

import msgspec

#: Keys and indices from the root of the document: ("services", "claims", "log_groups", 0).
Path = tuple[str | int, ...]

_PLAIN_KEY = re.compile(r"[A-Za-z0-9_-]+\Z")


class Problem(msgspec.Struct, frozen=True, order=True):
    """One mistake. `line` and `column` count from 1; both are 0 where the whole file is meant."""

    file: str
    line: int
    column: int
    #: Dotted path of the key, "" where the whole file is meant.
    path: str
    message: str

    def __str__(self) -> str:
        """`observe.yaml:12:5: services.claims.side: 'mainframe' is not one of ...`, on one line."""
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return printable(": ".join(part for part in (place, self.path, self.message) if part))


class ConfigError(ValueError):
    """A configuration that cannot be used, with every problem found in it, in the order of the files."""

    reason = "bad_config"

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(dict.fromkeys(sorted(problems)))
        super().__init__("\n".join(map(str, self.problems)))


def dotted(path: Path) -> str:
    """Return a path as people write it: `services.claims.log_groups[0]`, odd keys in brackets and quotes."""
    out = ""
    for part in path:
        if isinstance(part, int):
            out += f"[{part}]"
        elif _PLAIN_KEY.match(part):
            out += f".{part}" if out else part
        else:
            out += f"[{shown(part)}]"
    return out


def shown(value: object, limit: int = 60) -> str:
    """Return a value of the file for a message: quoted text, short, and never more than one line."""
    if isinstance(value, str):
        text = "'" + printable(value) + "'"
    else:
        text = printable(json.dumps(value, ensure_ascii=False, default=str))
    return text if len(text) <= limit else text[: limit - 2] + "…" + text[-1]


def printable(text: str) -> str:
    """Return the text with every character that a terminal would act on as its escape sequence."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
