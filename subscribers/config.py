"""observe.yaml -> frozen values.

    ConfigError     (config_problems) every mistake of every file: file, line, column, path, sentence

The text becomes a tree with lines (config_yaml), each file is checked against observe-v1.schema.json
(config_schema), fragments are merged under the platform's policy (config_files), names and times are
checked (config_meaning), and what is left is converted here. Nothing is read from the environment.
"""

from __future__ import annotations

import os
import re
from pathlib import Path as FilePath
from typing import Any, Literal

import msgspec

from subscribers.config_archives import archives
from subscribers.config_files import Merged, locate, read_document, read_files
from subscribers.config_groups import log_groups_of, rank
from subscribers.config_meaning import findings
from subscribers.config_problems import ConfigError, Problem
from subscribers.config_tree import texts
from subscribers.config_yaml import read_yaml
from subscribers.inputs.archives import Archive
from subscribers.parsers.prices import LIST_PRICES, Pricing
from subscribers.signals import Side

__all__ = [
    "EMPTY",
    "Archive",
    "Config",
    "ConfigError",
    "Controls",
    "Endpoint",
    "Implementation",
    "LogGroup",
    "Problem",
    "Redaction",
    "Service",
    "duration_ms",
    "load",
    "loads",
]

#: Sections that are kept as the file has them.
_PLAIN = ("alerts", "flows", "destinations", "sinks", "links", "keys", "policy", "dashboards")
#: Keys of a service that a Service has in another shape.
_CONVERTED = ("log_groups", "format", "functions", "architecture", "price")
_UNITS_MS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}


class LogGroup(msgspec.Struct, frozen=True):
    """A log group of a service. `name` is exact, or a beginning followed by `*`."""

    name: str
    #: Name of a built-in format, or the kind of a custom one: one of formats.custom.KINDS.
    format: str = "auto"
    #: The whole of a custom format as the file has it, {} for a built-in one.
    format_options: dict[str, Any] = {}
    #: IANA name: the zone of timestamps that name none.
    timezone: str = "UTC"


class Controls(msgspec.Struct, frozen=True, kw_only=True):
    """Which logs are left out, and how many series a metric may have. None where the file says nothing."""

    include: tuple[str, ...] | None = None
    exclude: tuple[str, ...] | None = None
    level: str | None = None
    sample: float | None = None
    keep_failed: bool | None = None
    series_max: int | None = None


class Service(msgspec.Struct, frozen=True, kw_only=True):
    """One application or function. What a log group says for itself is in `groups`."""

    name: str
    side: Side
    groups: tuple[LogGroup, ...] = ()
    format: str = "auto"
    format_options: dict[str, Any] = {}
    timezone: str = "UTC"
    clock_skew_ms: int = 0
    spans: Literal["layer", "platform"] = "layer"
    #: What its functions' invocations cost.
    pricing: Pricing = LIST_PRICES
    labels: dict[str, str] = {}
    functions: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    #: Of which functions an event may be sent again: of all, of none, or of these.
    idempotent: bool | tuple[str, ...] = False
    correlation_field: str = ""
    controls: Controls = Controls()
    owner: str = ""
    runbook: str = ""
    description: str = ""
    links: dict[str, str] = {}

    @property
    def log_groups(self) -> tuple[str, ...]:
        """The names of its log groups, those of its functions included."""
        return tuple(group.name for group in self.groups)


class Implementation(msgspec.Struct, frozen=True):
    """One side of an endpoint: the service, and the route as it sees it."""

    service: str
    route: str


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """One endpoint. `split` is the share of traffic, in percent, of the serverless implementation."""

    name: str
    route: str
    legacy: Implementation | None = None
    serverless: Implementation | None = None
    split: float | None = None
    baseline: dict[str, Any] = {}
    cutover: str = ""
    slo: dict[str, Any] = {}
    labels: dict[str, str] = {}
    owner: str = ""
    runbook: str = ""
    description: str = ""


class Redaction(msgspec.Struct, frozen=True, kw_only=True):
    """What is removed. `built_in` is None where every detector is on; patterns: name -> {regex, replace};
    keys: names, maybe with `*` at an end."""

    built_in: tuple[str, ...] | None = None
    keys: tuple[str, ...] = ()
    patterns: dict[str, dict[str, str]] = {}
    exempt: tuple[str, ...] = ()


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """The hybrid system. Sections without a type of their own are the validated JSON trees of the file."""

    version: int = 1
    services: dict[str, Service] = {}
    endpoints: dict[str, Endpoint] = {}
    alerts: dict[str, Any] = {}
    flows: dict[str, dict[str, Any]] = {}
    destinations: dict[str, dict[str, Any]] = {}
    sinks: dict[str, dict[str, Any]] = {}
    redaction: Redaction = Redaction()
    #: Of every service that does not say otherwise.
    controls: Controls = Controls()
    #: Relative to the folder of the platform's file.
    templates: tuple[str, ...] = ()
    #: What dashboards and alarms shall have that templates do not say.
    dashboards: dict[str, Any] = {}
    #: Whether requests of endpoints are metrics, too.
    endpoint_metrics: bool = False
    #: Where the objects of S3 come from; each has the log group by which `service_of` finds its service.
    archives: tuple[Archive, ...] = ()
    links: dict[str, str] = {}
    #: Name of a business key -> the expression that finds it in a message; group 1, where there is one.
    keys: dict[str, str] = {}
    policy: dict[str, Any] = {}
    #: Every file that was read, the platform's first.
    files: tuple[str, ...] = ()

    def service_of(self, log_group: str) -> Service | None:
        """Return the service that writes to a log group, with that group's format and zone, or None.

        An exact name wins over a beginning with `*`, a longer beginning over a shorter.
        """
        best: tuple[int, Service, LogGroup] | None = None
        for service in self.services.values():
            for group in service.groups:
                fit = rank(group.name, log_group)
                if fit and (best is None or fit > best[0]):
                    best = (fit, service, group)
        return _as_written(best[1], best[2]) if best else None


#: What holds where there is no observe.yaml.
EMPTY = Config()


def load(path: str | os.PathLike[str]) -> Config:
    """Read observe.yaml and its fragments. Raises ConfigError with every problem found."""
    return _config(read_files(FilePath(path)))


def loads(data: bytes | str, file: str = "observe.yaml") -> Config:
    """Read a configuration that needs no folder (no `include`). Raises ConfigError.

    file: the name that problems carry.
    """
    raw = data.encode("utf-8", "replace") if isinstance(data, str) else data
    merged = read_document(read_yaml(raw, file), file)
    if "include" in merged.tree:
        merged.problems.append(locate(merged.marks, ("include",), "needs a file whose folder can be read"))
    return _config(merged)


def duration_ms(text: str) -> int:
    """Return a duration of the file (`500ms`, `1h30m`, `28d`) in milliseconds. Raises ValueError."""
    parts = re.findall(r"([0-9]+)(ms|[smhdw])", text)
    if not parts or "".join(n + unit for n, unit in parts) != text:
        raise ValueError(f"{text!r} is not a duration such as 30s or 1h30m")
    return sum(int(n) * _UNITS_MS[unit] for n, unit in parts)


def _as_written(service: Service, group: LogGroup) -> Service:
    own = (group.format, group.format_options, group.timezone)
    if own == (service.format, service.format_options, service.timezone):
        return service
    return msgspec.structs.replace(
        service, format=group.format, format_options=group.format_options, timezone=group.timezone
    )


def _config(merged: Merged) -> Config:
    meaning = [locate(merged.marks, path, message) for path, message in findings(merged.tree)]
    if merged.problems or meaning:
        raise ConfigError([*merged.problems, *meaning])
    tree = merged.tree
    kept = archives(tree)
    own = {archive.service for archive in kept}
    return Config(
        services={name: _service(name, item, name in own) for name, item in tree.get("services", {}).items()},
        archives=kept,
        endpoints={name: _endpoint(name, item) for name, item in tree.get("endpoints", {}).items()},
        redaction=_redaction(tree.get("redaction", {})),
        controls=msgspec.convert(tree.get("controls", {}), Controls),
        templates=tuple(texts(tree.get("templates"))),
        endpoint_metrics=tree.get("endpoint_metrics", False),
        files=merged.files,
        **{key: tree.get(key, {}) for key in _PLAIN},
    )


def _service(name: str, item: dict[str, Any], has_archives: bool) -> Service:
    written = {key: value for key, value in item.items() if key not in _CONVERTED}
    default = LogGroup("", *_format(item.get("format")), item.get("timezone", "UTC"))
    own = {g["name"]: _group(g, default) for g in item.get("log_groups", ()) if isinstance(g, dict)}
    names = dict.fromkeys(group for _, group in log_groups_of(name, item))
    if has_archives and not names:
        names = {name: name}
    groups = tuple(own.get(n) or msgspec.structs.replace(default, name=n) for n in names)
    return msgspec.convert(
        {
            **written,
            "name": name,
            "groups": groups,
            "format": default.format,
            "format_options": default.format_options,
            "functions": item.get("functions", ()),
            "pricing": {
                "architecture": item.get("architecture", LIST_PRICES.architecture),
                **item.get("price", {}),
            },
        },
        Service,
    )


def _group(item: dict[str, Any], default: LogGroup) -> LogGroup:
    layout = _format(item["format"]) if "format" in item else (default.format, default.format_options)
    return LogGroup(item["name"], *layout, item.get("timezone", default.timezone))


def _format(value: str | dict[str, Any] | None) -> tuple[str, dict[str, Any]]:
    if isinstance(value, dict):
        kinds = [key for key in value if key not in ("encoding", "multiline")]
        return kinds[0], value
    return value or "auto", {}


def _endpoint(name: str, item: dict[str, Any]) -> Endpoint:
    sides: dict[str, Implementation] = {
        side: Implementation(item[side]["service"], item[side].get("route", item["route"]))
        for side in ("legacy", "serverless")
        if side in item
    }
    fields: dict[str, Any] = {**item, **sides, "name": name}
    return msgspec.convert(fields, Endpoint)


def _redaction(item: dict[str, Any]) -> Redaction:
    patterns = {name: _pattern(name, value) for name, value in item.get("patterns", {}).items()}
    return msgspec.convert({**item, "patterns": patterns}, Redaction)


def _pattern(name: str, value: str | dict[str, str]) -> dict[str, str]:
    given: dict[str, str] = {"regex": value} if isinstance(value, str) else value
    return {"replace": f"[REDACTED:{name}]", **given}
