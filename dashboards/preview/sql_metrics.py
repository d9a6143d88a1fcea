"""What Lambda's own lines and an application's gauges amount to, from the table of metrics."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import cache

from dashboards.preview.facts import Fact
from dashboards.preview.window import NS_PER_S, Window
from dashboards.resources import Resource, System
from subscribers.insight.answer import Source

PREFIX = "aws.lambda."
#: Measure -> name of the metric (subscribers/parsers/platform_signals.py).
FUNCTIONS: dict[str, str] = {
    "function.invocations": PREFIX + "invocations",
    "function.errors": PREFIX + "errors",
    "function.timeouts": PREFIX + "timeouts",
    "function.cold_starts": PREFIX + "cold_starts",
    "function.duration": PREFIX + "duration",
    "function.memory_used": PREFIX + "memory_used",
    "function.cost": PREFIX + "estimated_cost",
}
#: Of which every value is needed; of the others the sum.
_VALUES = frozenset(("function.duration", "function.memory_used"))
#: Counts that are 0, and not unknown, where there were invocations.
_COUNTED = ("function.errors", "function.timeouts", "function.cold_starts", "function.cost")
#: Measure -> name of the metric, by OpenTelemetry's conventions.
#: https://opentelemetry.io/docs/specs/semconv/database/database-metrics/
#: https://opentelemetry.io/docs/specs/semconv/system/system-metrics/
SERVICES: dict[str, str] = {
    "service.pool_used": "db.client.connection.count",
    "service.pool_max": "db.client.connection.max",
    "service.pool_exhausted": "db.client.connection.timeouts",
    "service.cpu": "system.cpu.utilization",
    "service.memory": "system.memory.utilization",
}
_SHARES = frozenset(("service.cpu", "service.memory"))

_OF_FUNCTIONS = """
SELECT name, coalesce(json_extract_string(tags, '$."faas.name"'), service) AS function, service,
       time_unix_nano // $base AS piece, sum(value) AS total, list(value) AS every
FROM metrics
WHERE time_unix_nano BETWEEN $first AND $last AND list_contains($names, name) AND isfinite(value)
GROUP BY ALL
"""
_OF_SERVICES = """
SELECT name, service, unit, time_unix_nano // $base AS piece, list(value) AS every
FROM (SELECT *, coalesce(json_extract_string(tags, '$."db.client.connection.state"'),
                         json_extract_string(tags, '$.state'), 'used') AS state FROM metrics)
WHERE time_unix_nano BETWEEN $first AND $last AND list_contains($names, name) AND isfinite(value)
  AND (state = 'used' OR name <> 'db.client.connection.count')
GROUP BY ALL
"""


def functions(source: Source, system: System, window: Window) -> Iterator[Fact]:
    """Yield the facts of `function.*`, by the IDs of the functions that the model knows."""
    measures = {name: measure for measure, name in FUNCTIONS.items()}
    owner = _Owner(system)
    for row in source(_OF_FUNCTIONS, _asked(window, FUNCTIONS.values())):
        measure, piece = measures[row["name"]], row["piece"]
        values = row["every"] if measure in _VALUES else (row["total"],)
        for subject in owner.of(row["function"], row["service"]):
            yield Fact(measure, subject, piece, values)
            if measure == "function.invocations":
                yield from (Fact(other, subject, piece, (0.0,)) for other in _COUNTED)


def gauges(source: Source, _: System, window: Window) -> Iterator[Fact]:
    """Yield the facts of the pool, the processor and the memory of services whose applications tell them."""
    measures = {name: measure for measure, name in SERVICES.items()}
    for row in source(_OF_SERVICES, _asked(window, SERVICES.values())):
        measure = measures[row["name"]]
        # By the conventions a utilization is from 0 to 1, of unit `1`.
        factor = 100.0 if measure in _SHARES and row["unit"] != "%" else 1.0
        yield Fact(measure, row["service"], row["piece"], [value * factor for value in row["every"]])


def _asked(window: Window, names: object) -> dict[str, object]:
    return {
        "first": window.first_unix_nano,
        "last": window.last_unix_nano,
        "base": window.base_s * NS_PER_S,
        "names": list(names),  # type: ignore[call-overload]
    }


class _Owner:
    """Which functions of the model a name in the data is: by its name, its pattern, or its service."""

    def __init__(self, system: System) -> None:
        self._functions = tuple(system.of_kind("function"))
        services = system.services.items()
        self._of_service = {name: one.functions for name, one in services if len(one.functions) == 1}
        self.of = cache(self._of)

    def _of(self, function: str, service: str) -> tuple[str, ...]:
        exact = tuple(f.id for f in self._functions if f.name.known and f.name.known == function)
        return exact or self._by_pattern(function) or self._of_service.get(service, ())

    def _by_pattern(self, function: str) -> tuple[str, ...]:
        """The one with the longest pattern that fits: `*-Submit-*` is not `*-SubmitClaim-*`."""
        fitting = [f for f in self._functions if _fits(f, function)]
        return (max(fitting, key=lambda f: len(f.name.pattern)).id,) if fitting else ()


def _fits(function: Resource, name: str) -> bool:
    pattern = function.name.pattern
    return not function.name.known and bool(pattern.strip("*")) and fnmatchcase(name, pattern)
