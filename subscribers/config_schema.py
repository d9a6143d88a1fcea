"""observe-v1.schema.json applied to a tree: each violation as a sentence, with the path it is about.

Three annotations of ours in the schema: `x-message`, the sentence to use instead of a generic one;
`x-secret`, whose values no message may repeat; and the formats `iana-timezone`, `instant` and `regex`.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime
from functools import cache
from importlib import resources
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import jsonschema
import msgspec
from jsonschema.exceptions import ValidationError

from subscribers.config_problems import Path, shown
from subscribers.patterns import Pattern, PatternError

_ARTICLES = {
    "object": "a mapping of keys to values",
    "array": "a list",
    "string": "text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "null": "empty",
}
_FORMATS = jsonschema.FormatChecker(formats=())


class Violation(msgspec.Struct, frozen=True):
    """One place that breaks the schema. `path` ends with the key that is wrong."""

    path: Path
    message: str


@cache
def schema() -> dict[str, Any]:
    """Return observe-v1.schema.json as a tree; not to be changed. JSON Schema, draft 2020-12."""
    text = resources.files("subscribers").joinpath("observe-v1.schema.json").read_text(encoding="utf-8")
    tree: dict[str, Any] = json.loads(text)
    return tree


def violations(tree: Any, *, fragment: bool = False) -> list[Violation]:
    """Return every place where the tree breaks the schema; a fragment may leave the version out."""
    errors = _validator(fragment).iter_errors(tree)
    return [violation for error in errors for violation in _explain(error)]


def fits(value: Any, part: str) -> bool:
    """Return whether a value is what a named part of the schema describes. part: a key of its `$defs`."""
    return _part(part).is_valid(value)


@cache
def _part(name: str) -> jsonschema.Draft202012Validator:
    root = {"$ref": f"#/$defs/{name}", "$defs": schema()["$defs"]}
    return jsonschema.Draft202012Validator(root, format_checker=_FORMATS)


@cache
def _validator(fragment: bool) -> jsonschema.Draft202012Validator:
    root = {**schema(), "required": []} if fragment else schema()
    return jsonschema.Draft202012Validator(root, format_checker=_FORMATS)


def _explain(error: ValidationError) -> Iterator[Violation]:
    path = tuple(error.absolute_path)
    rule = str(error.validator)
    note = _annotation(error, "x-message")
    if rule in ("oneOf", "anyOf"):
        yield from _best_branch(error, path, note)
    elif rule == "additionalProperties" and isinstance(_value(error), dict):
        yield from _unknown_keys(error, path)
    elif rule == "propertyNames" or _names_a_key(error):
        message = note or "is not a name that is allowed here"
        yield Violation((*path, str(_value(error))), f"{shown(_value(error))} {message}")
    else:
        yield Violation(path, _sentence(error, rule, note))


def _sentence(error: ValidationError, rule: str, note: str) -> str:
    if rule == "required":
        return f"{shown(_missing(error))} is missing"
    value = "the value" if _annotation(error, "x-secret") else shown(_value(error))
    if note:
        # An anyOf is about what a mapping lacks: its note is a whole sentence, and the mapping says nothing.
        return note if _annotation(error, "x-secret") or rule == "anyOf" else f"{value} {note}"
    say = _SENTENCES.get(rule)
    return f"{value} {say(error)}" if say else f"{value} breaks the rule '{rule}' of the schema"


def _type(error: ValidationError) -> str:
    wanted = [_limit(error)] if isinstance(_limit(error), str) else _limit(error)
    hint = "; put it in quotes" if wanted == ["string"] and isinstance(_value(error), int | float) else ""
    return "is not " + " or ".join(_ARTICLES[name] for name in wanted) + hint


def _enum(error: ValidationError) -> str:
    options = [str(option) for option in _limit(error)]
    return f"is not one of {', '.join(map(shown, options))}{_did_you_mean(_value(error), options)}"


#: Rule of JSON Schema -> what is wrong, to follow the value.
_SENTENCES: dict[str, Callable[[ValidationError], str]] = {
    "type": _type,
    "enum": _enum,
    "const": lambda e: f"is not {shown(_limit(e))}",
    "pattern": lambda e: f"does not match {_limit(e)}",
    "minimum": lambda e: f"is less than {_limit(e)}",
    "maximum": lambda e: f"is more than {_limit(e)}",
    "exclusiveMinimum": lambda e: f"is not more than {_limit(e)}",
    "exclusiveMaximum": lambda e: f"is not less than {_limit(e)}",
    "minLength": lambda e: "is empty" if not _value(e) else f"is shorter than {_limit(e)} characters",
    "maxLength": lambda e: f"is longer than {_limit(e)} characters",
    "minItems": lambda e: "is empty" if not _value(e) else f"has fewer than {_limit(e)} items",
    "maxItems": lambda e: f"has more than {_limit(e)} items",
    "minProperties": lambda e: "is empty" if not _value(e) else f"has fewer than {_limit(e)} keys",
    "uniqueItems": lambda _: "names something twice",
    "dependentRequired": lambda e: f"is incomplete: {e.message}",
}


def _unknown_keys(error: ValidationError, path: Path) -> Iterator[Violation]:
    known = list(_resolved(error.schema).get("properties", ()))
    for key in _value(error):
        if key not in known:
            hint = _did_you_mean(key, known) or (f"; known are {', '.join(known)}" if len(known) <= 8 else "")
            yield Violation((*path, key), f"unknown key {shown(key)}{hint}")


def _did_you_mean(value: object, options: Iterable[str]) -> str:
    folded = {option.lower().replace("_", "").replace("-", ""): option for option in options}
    word = str(value)[:100].lower().replace("_", "").replace("-", "")
    close = difflib.get_close_matches(word, folded, n=1, cutoff=0.7)
    return f"; did you mean {shown(folded[close[0]])}?" if close else ""


def _best_branch(error: ValidationError, path: Path, note: str) -> Iterator[Violation]:
    """Explain only the alternative that was meant: the one whose `type` or shape the value has."""
    branches: dict[int, list[ValidationError]] = {}
    for child in error.context or ():
        branches.setdefault(int(child.relative_schema_path[0]), []).append(child)
    meant = [errors for errors in branches.values() if not any(map(_another_kind, errors))]
    tags = [tag for branch in _limit(error) if (tag := _tag(_resolved(branch)))]
    if tags and isinstance(_value(error), dict) and not meant:
        yield _wrong_tag(error, path, tags)
    elif len(meant) == 1 and not (_annotation(error, "x-secret") and _is_leaf(_value(error))):
        for child in meant[0]:
            yield from _explain(child)
    else:
        yield Violation(path, _no_branch(error, note))


def _no_branch(error: ValidationError, note: str) -> str:
    if note:
        return _sentence(error, str(error.validator), note)
    kinds = dict.fromkeys(_ARTICLES.get(str(_resolved(b).get("type")), "") for b in _limit(error))
    return f"{shown(_value(error))} is not {' or '.join(kind for kind in kinds if kind)}"


def _wrong_tag(error: ValidationError, path: Path, tags: list[str]) -> Violation:
    if "type" not in _value(error):
        return Violation(path, f"'type' is missing: one of {', '.join(map(shown, tags))}")
    tag = _value(error)["type"]
    options = ", ".join(map(shown, tags))
    return Violation((*path, "type"), f"{shown(tag)} is not one of {options}{_did_you_mean(tag, tags)}")


def _another_kind(error: ValidationError) -> bool:
    """Whether the error says that another alternative was meant, not that this one has a mistake."""
    if error.validator == "const":
        return list(error.relative_path) == ["type"]
    return not error.relative_path and (error.validator == "type" or _missing(error) == "type")


def _missing(error: ValidationError) -> str:
    """The key that is missing, or "": jsonschema reports one error a key, and only its text says which."""
    if error.validator != "required" or not isinstance(_value(error), dict):
        return ""
    quoted = error.message.removesuffix(" is a required property")
    return next((key for key in _limit(error) if repr(key) == quoted), "")


def _value(error: ValidationError) -> Any:
    return error.instance  # typed by jsonschema as possibly unset, which no error of a validator is


def _limit(error: ValidationError) -> Any:
    return error.validator_value


def _tag(branch: dict[str, Any]) -> str:
    return str(branch.get("properties", {}).get("type", {}).get("const", ""))


def _is_leaf(value: object) -> bool:
    return not isinstance(value, dict)


def _names_a_key(error: ValidationError) -> bool:
    """Whether the error is about the text of a key: then jsonschema's path lacks the key itself."""
    return "propertyNames" in error.absolute_schema_path


def _annotation(error: ValidationError, name: str) -> str:
    value = error.schema.get(name, "") if isinstance(error.schema, dict) else ""
    return str(value or _resolved(error.schema).get(name, "") or "")


def _resolved(node: Any) -> dict[str, Any]:
    """Follow `$ref` within the schema; what stands beside it (a description) is only about this use."""
    while isinstance(node, dict) and "$ref" in node:
        node = schema()["$defs"][node["$ref"].rpartition("/")[2]]
    return node if isinstance(node, dict) else {}


@_FORMATS.checks("iana-timezone")
def _is_timezone(value: object) -> bool:
    return not isinstance(value, str) or _zone_exists(value) or not _zone_exists("Europe/Paris")


def _zone_exists(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


@_FORMATS.checks("date", raises=ValueError)
def _is_date(value: object) -> bool:
    return not isinstance(value, str) or (len(value) == 10 and bool(date.fromisoformat(value)))


@_FORMATS.checks("instant", raises=ValueError)
def _is_instant(value: object) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


@_FORMATS.checks("regex", raises=PatternError)
def _is_regex(value: object) -> bool:
    return not isinstance(value, str) or bool(Pattern(value))
