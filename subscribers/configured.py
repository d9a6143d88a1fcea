"""The sinks of observe.yaml, ready to deliver.

    SettingsError     a setting of the environment that cannot be used; a sentence

Without `sinks` there is one, the embedded store. Connections, secrets and circuit breakers live as long as
the process.
"""

from __future__ import annotations

import re
import sys
from collections import ChainMap
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from subscribers.config import Config, duration_ms
from subscribers.delivery import Policy
from subscribers.http import Edge, Settings
from subscribers.outlets import ALL_KINDS, Local, Outlet, Outlets, Shipped, Sink, kinds_of
from subscribers.secrets import Secrets
from subscribers.settings_error import SettingsError
from subscribers.shipping import Shipper
from subscribers.signals import Metric
from subscribers.sinks.bulk import Names
from subscribers.sinks.channel import Channel, Keeper

STORE_FOLDER = ".observe"
#: Folder of what could not be delivered, in the store's, where OBSERVE_DEAD_LETTERS names no other.
KEPT_FOLDER = "kept"
#: What begins so is no folder that somebody means.
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")
_TIMEOUT_S = 10.0
_PARALLEL = 4


#: Types of sinks that are spoken to by requests -> module of `sinks`, and what makes their channels there.
#: Each is loaded when it is used: a function pays for what it has.
SHIPPED: dict[str, tuple[str, str]] = {
    "elasticsearch": ("elasticsearch", "make_elasticsearch"),
    "opensearch": ("elasticsearch", "make_opensearch"),
    "logstash": ("logstash", "make_logstash"),
    "datadog": ("datadog", "make_datadog"),
    "otlp": ("otlp", "make_otlp"),
    "xray": ("xray", "make_xray"),
    "cloudwatch_metrics": ("cloudwatch_metrics", "make_cloudwatch_metrics"),
    "firehose": ("firehose", "make_firehose"),
}
#: Types whose bodies the fast lane can write.
_BULK = ("elasticsearch", "opensearch")


def outlets_of(config: Config, environ: Mapping[str, str], secrets: Secrets | None = None) -> Outlets:
    """Return the sinks that a configuration names. Raises SettingsError.

    environ: OBSERVE_STORE, OBSERVE_STATE, OBSERVE_DEAD_LETTERS, OBSERVE_RETRY_QUEUE and
    OBSERVE_RETRY_QUEUE_<SINK>.
    """
    folder = environ.get("OBSERVE_STORE") or STORE_FOLDER
    wanted = {name: sink for name, sink in config.sinks.items() if sink.get("enabled", True)}
    if config.sinks and not wanted:
        raise SettingsError("every sink of observe.yaml has 'enabled: false': there is nowhere to deliver to")
    secrets = secrets or Secrets()
    notes: Mapping[str, int] = secrets.notes
    outlets = [_outlet(name, sink, folder, secrets) for name, sink in wanted.items()]
    outlets = outlets or [Local("store", _store(folder))]
    if config.endpoint_metrics and environ.get("AWS_LAMBDA_FUNCTION_NAME"):
        # Behind the other local ones: where one of them fails all of it comes again, and nothing was counted.
        outlets.append(_endpoint_emf())
    if environ.get("OBSERVE_STATE"):
        from subscribers.alerts.counting import counting  # a subscriber that does not count loads none of it

        outlet, uncounted = counting(config, environ)
        outlets.append(outlet)
        notes = ChainMap(uncounted, secrets.notes)
    shipped = [outlet.name for outlet in outlets if isinstance(outlet, Shipped)]
    local = next((outlet.sink for outlet in outlets if isinstance(outlet, Local)), None)
    if not shipped and local is not None and not environ.get("OBSERVE_DEAD_LETTERS"):
        return Outlets(outlets, local, notes=notes)
    keeper = keeper_of(environ, [outlet.name for outlet in outlets])
    return Outlets(outlets, keeper, keeper, notes)


def deliverers(
    config: Config, environ: Mapping[str, str], secrets: Secrets | None = None
) -> dict[str, Shipper]:
    """Return what delivers kept items again: the sinks that are spoken to by requests, the disabled ones too,
    by name, the destinations of alerts as `destination.<name>`, and the table of OBSERVE_STATE.

    Raises SettingsError.
    """
    from subscribers.alerts.counting import table_deliverer
    from subscribers.alerts.notify import shippers  # those that ship logs shall not pay for it

    secrets = secrets or Secrets()
    sinks = {
        name: shipper_of(name, sink, secrets)
        for name, sink in config.sinks.items()
        if sink["type"] in SHIPPED
    }
    return shippers(config.destinations, secrets) | sinks | table_deliverer(environ)


def shipper_of(name: str, sink: Mapping[str, Any], secrets: Secrets) -> Shipper:
    """Return one sink. sink: its tree in observe.yaml, validated. Raises SettingsError."""
    settings = connection_of(name, sink)
    try:
        channels = channels_of(name, sink)
    except ValueError as error:
        raise SettingsError(f"sinks.{name}: {error}") from error
    policy = Policy(parallel=settings.connections, timeout_s=settings.timeout_s)
    return Shipper(name, channels, Edge(settings, secrets), policy)


def channels_of(name: str, sink: Mapping[str, Any]) -> Sequence[Channel]:
    """Return the channels of a sink that is spoken to by requests. Raises ValueError where they need more."""
    module, maker = SHIPPED[sink["type"]]
    make: Callable[[str, Mapping[str, Any]], Sequence[Channel]]
    make = getattr(import_module(f"subscribers.sinks.{module}"), maker)
    return make(name, sink)


def connection_of(name: str, sink: Mapping[str, Any]) -> Settings:
    """Return how a sink is spoken to. Raises SettingsError."""
    timeout_s = duration_ms(sink["timeout"]) / 1000 if "timeout" in sink else _TIMEOUT_S
    ca_file = sink.get("ca_file", "")
    if ca_file and not Path(ca_file).is_file():
        raise SettingsError(f"sinks.{name}.ca_file: there is no file {ca_file}")
    return Settings(timeout_s, sink.get("verify_tls", True), ca_file, int(sink.get("parallel", _PARALLEL)))


def keeper_of(environ: Mapping[str, str], sinks: Iterable[str]) -> Keeper:
    """Return where that is kept which sinks do not take. Raises SettingsError.

    On Lambda it must be named: a folder there is gone with its environment.
    """
    from subscribers.dead_letter import FolderKeeper, S3Keeper

    place = environ.get("OBSERVE_DEAD_LETTERS", "")
    if place.startswith("s3://"):
        default = environ.get("OBSERVE_RETRY_QUEUE", "")
        queues = {name: environ.get(_queue_variable(name), default) for name in sinks}
        return S3Keeper(place, {name: url for name, url in queues.items() if url})
    if environ.get("AWS_LAMBDA_FUNCTION_NAME"):
        said = f"is {place!r}, which is gone with the function's environment" if place else "is not set"
        raise SettingsError(
            f"OBSERVE_DEAD_LETTERS {said}: it names where that is kept which a sink does not take, such as "
            "s3://bucket/prefix"
        )
    if _ADDRESS.match(place):
        raise SettingsError(f"OBSERVE_DEAD_LETTERS is {place!r}: neither s3://bucket/prefix nor a folder")
    return FolderKeeper(Path(place or Path(environ.get("OBSERVE_STORE") or STORE_FOLDER) / KEPT_FOLDER))


def _queue_variable(sink: str) -> str:
    name = "".join(c if c.isascii() and c.isalnum() else "_" for c in sink)
    return f"OBSERVE_RETRY_QUEUE_{name.upper()}"


def _outlet(name: str, sink: Mapping[str, Any], folder: str, secrets: Secrets) -> Outlet:
    kind, wanted = sink["type"], sink.get("signals")
    kinds = kinds_of(wanted)
    has_ledger = wanted is None or "ledger" in wanted
    if kind == "store":
        return Local(name, _store(sink.get("path") or folder), kinds, has_ledger)
    if kind == "stdout":
        from subscribers.sinks.stdout import StandardOutput

        return Local(name, StandardOutput(pretty=sink.get("pretty", False)), kinds, has_ledger)
    return Shipped(name, shipper_of(name, sink, secrets), kinds, _names(sink) if kind in _BULK else None)


def _endpoint_emf() -> Local:
    from subscribers.endpoint_emf import SINK, EndpointEmf  # a subscriber without it loads none of it

    def write(lines: str) -> None:
        sys.stdout.write(lines)
        sys.stdout.flush()

    return Local(SINK, EndpointEmf(write), frozenset((Metric,)), has_ledger=False)


def _names(sink: Mapping[str, Any]) -> Names | None:
    """What its indices are called, where it takes all signals: then the fast lane can write its bodies."""
    from subscribers.sinks.elasticsearch import names_of

    return names_of(sink) if kinds_of(sink.get("signals")) == ALL_KINDS else None


def _store(folder: str) -> Sink:
    from subscribers.store import Store  # brings DuckDB, which functions without a store shall not pay for

    return Store(folder)
