"""What is wrong with a query in KQL: its grammar, and fields that no document of ours has."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from kibana_ql import KqlParser

from subscribers.sinks.bulk import Names
from subscribers.sinks.index_templates import Cluster, assets
from tests.dashboards.shapes import alike

_PARSER = KqlParser()
_QUOTED = re.compile(r'"(?:\\.|[^"\\])*"')
_FIELD = re.compile(r"(?:^|[\s(])([A-Za-z@][\w.@]*)\s*(?::|>=|<=|>|<)")
#: Trees that are mapped as one field: any name below is one.
_FLATTENED = ("labels.", "attributes.")
_ALWAYS = ("___records___", "@timestamp")
#: What Lambda's lines bring (docs/sink-elasticsearch.md): the index templates map them without naming them.
_OF_LAMBDA = tuple(
    f"aws.lambda.{word}"
    for word in ("status", "duration", "billed_duration", "memory_used", "init_duration", "restore_duration")
)


def kql_problems(name: str, query: str) -> Iterator[str]:
    """Yield what is wrong with a query: its grammar, fields that no document has."""
    yield from (f"{name}: {problem}" for problem in _kql_problems(query))


@cache
def _kql_problems(query: str) -> tuple[str, ...]:
    if not query:
        return ()
    if fault := _fault(alike(query)):
        return (f"{query} is no KQL: {fault[:200]}",)
    plain = _QUOTED.sub('""', query)
    return tuple(f"{field} is no field" for field in _FIELD.findall(plain) if not is_field(field))


@cache
def _fault(query: str) -> str:
    try:
        _PARSER.parse(query)
    except Exception as fault:  # the parser has no errors of its own
        return str(fault) or "it cannot be read"
    return ""


def _mapped() -> frozenset[str]:
    (mappings,) = (
        one.body["template"]["mappings"]
        for one in assets(Cluster("elasticsearch", (8, 17)), Names())
        if one.name.endswith("-mappings")
    )
    return frozenset(_names(mappings["properties"], ""))


def _names(properties: dict[str, Any], above: str) -> Iterator[str]:
    for name, field in properties.items():
        if "properties" in field:
            yield from _names(field["properties"], f"{above}{name}.")
        else:
            yield f"{above}{name}"


_FIELDS = _mapped() | frozenset(_OF_LAMBDA) | frozenset(_ALWAYS)


def is_field(name: str) -> bool:
    """Whether documents have a field: of the index templates, or one that Lambda's lines bring."""
    return name in _FIELDS or name.startswith(_FLATTENED)
