"""The part of filter patterns that we write for lines whose fields stand between spaces, and what matches it.

`[name, name="glob" && name!="glob", a=1 || a=2, ...]`: a wildcard stands before or after a text only.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
"""

from __future__ import annotations

import re
from typing import NamedTuple

_FIELD = re.compile(r'\[([^\]]*)\]|"([^"]*)"|(\S+)')
_CONDITION = re.compile(r'(\w+)\s*(!?=)\s*("[^"]*"|[^\s"&|,]+)')
_ONE = re.compile(r'\s*((?:"[^"]*"|[^,"])*)')


class PatternError(ValueError):
    """What is no pattern of ours."""


class Condition(NamedTuple):
    """One comparison of a field."""

    is_equal: bool
    glob: str

    def holds(self, value: str) -> bool:
        """Whether a field fulfils it."""
        text = self.glob.strip("*")
        before, after = self.glob.startswith("*"), self.glob.endswith("*")
        if before and after:
            found = text in value
        elif before or after:
            found = value.endswith(text) if before else value.startswith(text)
        else:
            found = value == text
        return found is self.is_equal


class Field(NamedTuple):
    """A field: all of its conditions, or any of them."""

    conditions: tuple[Condition, ...]
    is_any: bool

    def holds(self, value: str) -> bool:
        """Whether the value of a line fulfils it."""
        found = [one.holds(value) for one in self.conditions]
        return not found or (any(found) if self.is_any else all(found))


def read(pattern: str) -> list[Field | None]:
    """Return the fields of a pattern, None for `...`. Raises PatternError."""
    if not (pattern.startswith("[") and pattern.endswith("]")):
        raise PatternError(f"{pattern} does not stand in brackets")
    fields: list[Field | None] = []
    rest = pattern[1:-1]
    while True:
        match = _ONE.match(rest)
        text = match[1].strip() if match else ""
        fields.append(None if text == "..." else _field(text))
        rest = rest[match.end() :] if match else rest
        if not rest:
            return fields
        if not rest.startswith(","):
            raise PatternError(f"{rest} is no field")
        rest = rest[1:]


def _field(text: str) -> Field:
    if re.fullmatch(r"\w+", text):
        return Field((), is_any=False)
    if "&&" in text and "||" in text:
        raise PatternError(f"{text} mixes && and ||")
    found = []
    for part in re.split(r"\s*(?:&&|\|\|)\s*", text):
        match = _CONDITION.fullmatch(part)
        glob = match[3].strip('"') if match else ""
        if match is None or not glob.strip("*") or "*" in glob.strip("*"):
            raise PatternError(f"{part!r} is no condition, or has a wildcard within")
        found.append((match[1], Condition(match[2] == "=", glob)))
    if len({name for name, _ in found}) != 1:
        raise PatternError(f"{text} names several fields")
    return Field(tuple(condition for _, condition in found), is_any="||" in text)


def matches(pattern: str, line: str) -> bool:
    """Whether a line is counted: what stands in brackets or quotes is one field."""
    values = ["".join(groups) for groups in _FIELD.findall(line)]
    fields = read(pattern)
    is_open = None in fields
    known = fields[: fields.index(None)] if is_open else fields
    if len(values) < len(known) or (len(values) > len(known) and not is_open):
        return False
    return all(field.holds(value) for field, value in zip(known, values, strict=False) if field)
