"""Fn::Sub: a text with ${names}, and what they mean.

What stays is one Fn::Sub of ${ID} and ${ID.attribute}, or, where a name means something that a Fn::Sub cannot
say (an import, a selection), a Fn::Join of pieces.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference-sub.html
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from dashboards.template.scope import Scope

_NAME = re.compile(r"\$\{([^!{}][^{}]*)\}")
_LITERAL = re.compile(r"\$\{!([^}]*)\}")


def substitute(text: str, meaning: Callable[[str], Any], scope: Scope) -> Any:
    """Return a text with its names put in, or what stays of it. meaning: a name -> its resolved tree."""
    pieces = [_piece(part, bool(index % 2), meaning) for index, part in enumerate(_NAME.split(text))]
    if not scope.may_make(sum(len(piece) for piece in pieces if isinstance(piece, str))):
        return {"Fn::Sub": text}
    if all(isinstance(piece, str) for piece in pieces):
        whole = "".join(pieces)
        return {"Fn::Sub": whole} if _NAME.search(whole) else unescaped(whole)
    return _joined(pieces)


def _piece(part: str, is_name: bool, meaning: Callable[[str], Any]) -> Any:
    """Return the text of a piece as Fn::Sub writes it, or the tree that it cannot write."""
    if not is_name:
        return part
    value = meaning(part.strip())
    if isinstance(value, str | int | float | bool):
        return escaped(shown(value))
    if isinstance(value, dict) and len(value) == 1:
        return _written(*next(iter(value.items())), value)
    return value


def _written(name: str, argument: Any, value: Any) -> Any:
    path = [argument] if name == "Ref" else argument if name == "Fn::GetAtt" else None
    if isinstance(path, list) and all(isinstance(one, str) for one in path):
        written = f"${{{'.'.join(path)}}}"
        return written if _NAME.fullmatch(written) else value
    return argument if name == "Fn::Sub" and isinstance(argument, str) else value


def _joined(pieces: list[Any]) -> Any:
    done: list[Any] = []
    texts: list[str] = []
    for piece in [*pieces, None]:
        if isinstance(piece, str):
            texts.append(piece)
            continue
        whole = "".join(texts)
        texts.clear()
        if whole:
            done.append({"Fn::Sub": whole} if _NAME.search(whole) else unescaped(whole))
        if piece is not None:
            done.append(piece)
    return {"Fn::Join": ["", done]}


def escaped(text: str) -> str:
    """Return a text as Fn::Sub must have it to mean itself."""
    return text.replace("${", "${!")


def unescaped(text: str) -> str:
    """Return what Fn::Sub makes of a text that has no names."""
    return _LITERAL.sub(r"${\1}", text)


def names(text: str) -> list[str]:
    """Return the names in a text of Fn::Sub, in order."""
    return [name.strip() for name in _NAME.findall(text)]


def starred(text: str, meaning: Callable[[str], str]) -> str:
    """Return a text of Fn::Sub with what each name is shown as."""
    return "".join(
        meaning(part.strip()) if index % 2 else unescaped(part)
        for index, part in enumerate(_NAME.split(text))
    )


def shown(value: Any) -> str:
    """Return a single value as CloudFormation writes it in a text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
