"""Functions that exist and are not invoked: of observe.yaml and of the templates that it names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from subscribers.config import Config
from subscribers.config_groups import lambda_log_group
from subscribers.insight.answer import Question, Source
from subscribers.insight.template_limits import Limit, TemplateError, read_limits

_LAMBDA = lambda_log_group("")

# What was invoked: by its reports, its START lines (those that still run), or its spans.
_SEEN = """
WITH seen AS (
    SELECT coalesce(json_extract_string(tags, '$."faas.name"'), service) AS name, log_group, service,
           max(time_unix_nano) AS last
    FROM metrics WHERE name = 'aws.lambda.invocations' AND time_unix_nano <= $last GROUP BY ALL
    UNION ALL
    SELECT '', log_group, service, max(time_unix_nano)
    FROM logs WHERE request_id <> '' AND side = 'serverless' AND time_unix_nano <= $last GROUP BY ALL
    UNION ALL
    SELECT '', log_group, service, max(start_unix_nano)
    FROM spans WHERE side = 'serverless' AND start_unix_nano <= $last GROUP BY ALL
)
SELECT name, log_group, service, max(last) AS last FROM seen GROUP BY name, log_group, service
"""

_EXTENT = """
SELECT min(time_unix_nano) AS first_ever, max(time_unix_nano) AS last_ever,
       min(time_unix_nano) FILTER (time_unix_nano BETWEEN $first AND $last) AS first,
       max(time_unix_nano) FILTER (time_unix_nano BETWEEN $first AND $last) AS last
FROM logs
"""


class Extent(msgspec.Struct, frozen=True):
    """The times of a store's log lines: of all, and of those asked for. None where there are none."""

    first_ever: int | None = None
    last_ever: int | None = None
    first: int | None = None
    last: int | None = None

    @property
    def span_s(self) -> float:
        """How many seconds of what was asked for the store has lines of."""
        return 0.0 if self.first is None or self.last is None else (self.last - self.first) / 1e9


class Idle(msgspec.Struct, frozen=True, kw_only=True):
    """A function without an invocation. named_by: observe.yaml, or a template's file name.

    last_unix_nano: its last invocation before the time asked for, None where the store has none.
    """

    function: str
    service: str
    named_by: str
    last_unix_nano: int | None = None


class _Seen(msgspec.Struct, frozen=True):
    name: str
    log_group: str
    service: str
    last: int


def extent(source: Source, question: Question) -> Extent:
    """Return from when to when the store has lines. Raises what the source raises."""
    params = {"first": question.first_unix_nano, "last": question.last_unix_nano}
    (row,) = source(_EXTENT, params)
    return msgspec.convert(row, Extent)


def idle(source: Source, question: Question) -> tuple[list[Idle], list[str]]:
    """Return (functions without an invocation in the time asked for, templates that could not be read).

    Raises what the source raises.
    """
    seen = [msgspec.convert(row, _Seen) for row in source(_SEEN, {"last": question.last_unix_nano})]
    limits, problems = templated(question.config)
    found = [
        *_of_services(question, seen),
        *_of_templates(question, limits, seen),
    ]
    return found, problems


def templated(config: Config) -> tuple[list[tuple[str, Limit]], list[str]]:
    """Return (file name, function) of every template of observe.yaml, and why others cannot be read."""
    found: list[tuple[str, Limit]] = []
    problems: list[str] = []
    folder = Path(config.files[0]).parent if config.files else Path()
    for name in config.templates:
        try:
            found += [(name, limit) for limit in read_limits(folder / name)]
        except TemplateError as error:
            problems.append(str(error))
    return found, problems


def functions_of(config: Config) -> Iterator[tuple[str, str]]:
    """Yield (function, service) of every function that observe.yaml names, be it by its log group."""
    for service in config.services.values():
        if service.side != "serverless":
            continue
        groups = (name[len(_LAMBDA) :] for name in service.log_groups if name.startswith(_LAMBDA))
        for function in dict.fromkeys(
            (*service.functions, *(name for name in groups if not name.endswith("*")))
        ):
            yield function, service.name


def _of_services(question: Question, seen: list[_Seen]) -> Iterator[Idle]:
    for function, service in functions_of(question.config):
        last = max((one.last for one in seen if _is_it(one, function, service)), default=None)
        if (not question.services or service in question.services) and _is_idle(question, last):
            yield Idle(function=function, service=service, named_by="observe.yaml", last_unix_nano=last)


def _of_templates(question: Question, limits: list[tuple[str, Limit]], seen: list[_Seen]) -> Iterator[Idle]:
    """Those that observe.yaml does not name, too: nobody may know of them any more."""
    known = {function for function, _ in functions_of(question.config)}
    for file, limit in limits:
        if question.services or any(limit.is_of(function) for function in known):
            continue
        last = max((one.last for one in seen if limit.is_of(_name(one))), default=None)
        if _is_idle(question, last):
            name = limit.name or limit.logical_id
            yield Idle(function=name, service="", named_by=file, last_unix_nano=last)


def _is_it(one: _Seen, function: str, service: str) -> bool:
    if one.name and one.name == function:
        return True
    return one.log_group == lambda_log_group(function) and one.service in ("", service)


def _name(one: _Seen) -> str:
    return one.name or one.log_group.removeprefix(_LAMBDA)


def _is_idle(question: Question, last: int | None) -> bool:
    return last is None or last < question.first_unix_nano
