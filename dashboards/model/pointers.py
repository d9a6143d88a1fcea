"""What a property's value points at: IDs of items, a text, or a pattern with `*` for what is not known.

Values are as `dashboards.template.values` describes them: plain JSON with intrinsics in their long form.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

#: `${Name}` and `${Name.Attribute}` of Fn::Sub; `${!Literal}` is text.
HOLE = re.compile(r"\$\{([^!{}][^{}]*)\}")
_LITERAL = re.compile(r"\$\{!([^{}]*)\}")
_STARS = re.compile(r"\*{2,}")
#: What may stand in a property that is a number.
_NUMBER = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,9})?\Z")


def named(value: Any) -> Iterator[str]:
    """Yield the IDs that a value names, in the order they stand in it; pseudo parameters, too."""
    if isinstance(value, list):
        for one in value:
            yield from named(one)
    elif isinstance(value, dict):
        yield from _named_in(value)


def text(value: Any) -> str:
    """Return a value as the text it is, "" where it is not wholly known. true and false are lower case."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int | float) else ""


def pattern(value: Any) -> str:
    """Return a value as a text with `*` for each part that is not known."""
    if isinstance(value, dict):
        return _STARS.sub("*", _pattern_of(value))
    return text(value) or ("*" if value is not None and value != "" else "")


def number(value: Any) -> float | None:
    """Return a number, also one in quotes; None where it is not known."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value) if abs(value) < 1e15 else None
    return float(value) if isinstance(value, str) and _NUMBER.match(value) else None


def truth(value: Any) -> bool:
    """Whether a property is true, in CloudFormation's spellings."""
    return value is True or (isinstance(value, str) and value.lower() == "true")


def attribute(value: Any) -> str:
    """Return the attribute that Fn::GetAtt asks for, "" of anything else."""
    inner = value.get("Fn::GetAtt") if isinstance(value, dict) else None
    if isinstance(inner, list) and len(inner) > 1:
        return text(inner[1])
    return inner.partition(".")[2] if isinstance(inner, str) else ""


def _named_in(value: dict[Any, Any]) -> Iterator[str]:
    for key, inner in value.items():
        if key == "Ref" and isinstance(inner, str):
            yield inner
        elif key == "Fn::GetAtt":
            first = inner[0] if isinstance(inner, list) and inner else inner
            if isinstance(first, str):
                yield first if isinstance(inner, list) else first.partition(".")[0]
        elif key == "Fn::Sub" and isinstance(inner, str):
            yield from (hole.partition(".")[0] for hole in HOLE.findall(inner))
        elif key == "Fn::Sub" and isinstance(inner, list) and inner and isinstance(inner[0], str):
            # A mapping's own names are not items; what they stand for is walked.
            own = inner[1] if len(inner) > 1 and isinstance(inner[1], dict) else {}
            yield from (
                name for hole in HOLE.findall(inner[0]) if (name := hole.partition(".")[0]) not in own
            )
            yield from named(list(own.values()))
        else:
            yield from named(inner)


def _pattern_of(value: dict[Any, Any]) -> str:
    inner = value.get("Fn::Sub")
    if isinstance(inner, str):
        return _LITERAL.sub(r"${\1}", HOLE.sub("*", inner))
    if isinstance(inner, list) and inner and isinstance(inner[0], str):
        own = inner[1] if len(inner) > 1 and isinstance(inner[1], dict) else {}
        return HOLE.sub(lambda hole: pattern(own[hole[1]]) if hole[1] in own else "*", inner[0])
    joined = value.get("Fn::Join")
    if isinstance(joined, list) and len(joined) == 2 and isinstance(joined[1], list):
        return text(joined[0]).join(pattern(part) for part in joined[1])
    return "*"
