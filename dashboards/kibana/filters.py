"""Filters over documents, once, and what they are in KQL and in the Query DSL.

KQL is read by Kibana and, as DQL, by OpenSearch Dashboards; the DSL by both products.
https://www.elastic.co/docs/explore-analyze/query-filter/languages/kql
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec


class Term(msgspec.Struct, frozen=True):
    """A keyword field has exactly this value."""

    field: str
    value: str


class Like(msgspec.Struct, frozen=True):
    """A keyword field fits a pattern in which `*` is any text."""

    field: str
    pattern: str


class Phrase(msgspec.Struct, frozen=True):
    """A text has these words, one behind the other."""

    field: str
    words: str


class Exists(msgspec.Struct, frozen=True):
    """A field has a value."""

    field: str


class Above(msgspec.Struct, frozen=True):
    """A number is above a limit, or with `is_equal` at it, too."""

    field: str
    limit: float
    is_equal: bool = False


class Every(msgspec.Struct, frozen=True):
    """All of these hold; none is no condition."""

    of: tuple[Filter, ...]


class Either(msgspec.Struct, frozen=True):
    """At least one of these holds."""

    of: tuple[Filter, ...]


class Not(msgspec.Struct, frozen=True):
    """This does not hold."""

    of: Filter


Filter = Term | Like | Phrase | Exists | Above | Every | Either | Not
_SPECIAL = re.compile(r'([\\():<>"*{}])')
_QUOTED = re.compile(r'(["\\])')


def kql(found: Filter) -> str:
    """Return a filter in KQL; "" where it is no condition."""
    match found:
        case Term(field=field, value=value):
            return f'{field}: "{_QUOTED.sub(_escaped, value)}"'
        case Phrase(field=field, words=words):
            return f'{field}: "{_QUOTED.sub(_escaped, words)}"'
        case Like(field=field, pattern=pattern):
            return f"{field}: {_pattern(pattern)}"
        case Exists(field=field):
            return f"{field}: *"
        case Above(field=field, limit=limit, is_equal=is_equal):
            return f"{field} >{'=' * is_equal} {_number(limit)}"
        case Every(of=several):
            return " and ".join(_inner(one) for one in several)
        case Either(of=several):
            return " or ".join(_inner(one) for one in several)
        case Not(of=of):
            return f"not ({kql(of)})"


def dsl(found: Filter) -> dict[str, Any]:
    """Return a filter in the Query DSL.

    https://docs.opensearch.org/latest/query-dsl/
    """
    match found:
        case Term(field=field, value=value):
            return {"term": {field: {"value": value}}}
        case Phrase(field=field, words=words):
            return {"match_phrase": {field: {"query": words}}}
        case Like(field=field, pattern=pattern):
            return {"wildcard": {field: {"value": re.sub(r"([\\?])", _escaped, pattern)}}}
        case Exists(field=field):
            return {"exists": {"field": field}}
        case Above(field=field, limit=limit, is_equal=is_equal):
            return {"range": {field: {"gte" if is_equal else "gt": _plain(limit)}}}
        case Every(of=several):
            return {"bool": {"filter": [dsl(one) for one in several]}} if several else {"match_all": {}}
        case Either(of=several):
            return {"bool": {"minimum_should_match": 1, "should": [dsl(one) for one in several]}}
        case Not(of=of):
            return {"bool": {"must_not": [dsl(of)]}}


def fields_of(found: Filter) -> Iterator[str]:
    """Yield the fields that a filter asks for."""
    match found:
        case Every(of=several) | Either(of=several):
            for one in several:
                yield from fields_of(one)
        case Not(of=of):
            yield from fields_of(of)
        case _:
            yield found.field


def either(several: tuple[Filter, ...]) -> Filter:
    """Return the one filter, or that any of them holds."""
    return several[0] if len(several) == 1 else Either(several)


def _inner(found: Filter) -> str:
    text = kql(found)
    return f"({text})" if isinstance(found, (Every, Either)) and len(found.of) > 1 else text


def _pattern(pattern: str) -> str:
    """A value without quotes, in which only `*` is special. KQL cannot escape a blank: it becomes a `*`."""
    return "*".join(_SPECIAL.sub(_escaped, part) for part in re.split(r"[*\s]+", pattern))


def _escaped(found: re.Match[str]) -> str:
    return "\\" + found[1]


def _plain(limit: float) -> float:
    return int(limit) if limit == int(limit) else limit


def _number(limit: float) -> str:
    return str(_plain(limit))
