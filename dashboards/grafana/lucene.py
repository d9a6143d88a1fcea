"""Filters of documents as Lucene queries, which Grafana's Elasticsearch data source sends as query strings.

https://www.elastic.co/docs/reference/query-languages/query-dsl/query-dsl-query-string-query#query-string-syntax
"""

from __future__ import annotations

import re

from dashboards.kibana.filters import Above, Either, Every, Exists, Filter, Like, Not, Phrase, Term

_SPECIAL = re.compile(r'([+\-=&|!(){}\[\]^"~?:\\/])')
_QUOTED = re.compile(r'(["\\])')


def lucene(found: Filter) -> str:
    """Return a filter as a query string; `*` where it is no condition."""
    match found:
        case Term(field=field, value=text) | Phrase(field=field, words=text):
            return f'{field}:"{_QUOTED.sub(_escaped, text)}"'
        case Like(field=field, pattern=pattern):
            return f"{field}:{_pattern(pattern)}"
        case Exists(field=field):
            return f"_exists_:{field}"
        case Above(field=field, limit=limit, is_equal=is_equal):
            return f"{field}:>{'=' * is_equal}{limit:.15g}"
        case Every(of=several):
            return " AND ".join(_inner(one) for one in several) or "*"
        case Either(of=several):
            return " OR ".join(_inner(one) for one in several)
        case Not(of=of):
            return f"NOT {_inner(of)}"


def _inner(found: Filter) -> str:
    is_several = isinstance(found, (Every, Either, Not))
    return f"({lucene(found)})" if is_several else lucene(found)


def _pattern(pattern: str) -> str:
    """Words in which only `*` is special. `<` and `>` cannot be escaped, and blanks end a word: any sign."""
    parts = (re.sub(r"[<>\s]", "?", _SPECIAL.sub(_escaped, part)) for part in pattern.split("*"))
    return "*".join(parts)


def _escaped(found: re.Match[str]) -> str:
    return "\\" + found[1]
