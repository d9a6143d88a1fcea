"""The subscriber's way into the state: a sink like others, with a ledger of its own.

    OBSERVE_STATE       where rules remember: memory:, a file ending in .sqlite, dynamodb:TABLE; without it
                        nothing is counted, and rules are not judged

Into a file the entries are written in the process; where that fails they are lost, and said to be. Into
DynamoDB they go as other sinks' requests do: batched, retried, and kept where they cannot be written.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from subscribers.alerts.plan import Plan, plan_of
from subscribers.alerts.state import State, StateError
from subscribers.alerts.state_channel import StateChannel
from subscribers.alerts.state_of import Table, dynamodb_table, state_of
from subscribers.alerts.tally import Counted, Tally
from subscribers.config import Config
from subscribers.delivery import Policy
from subscribers.http import Edge, Settings
from subscribers.insight.template_limits import TemplateError, read_limits
from subscribers.outlets import Local, Missed, Outlet, Shipped
from subscribers.parse import LAMBDA_GROUP
from subscribers.settings_error import SettingsError
from subscribers.shipping import Shipper
from subscribers.signals import Signal
from subscribers.tables import Row

#: The sink's name in ledgers and dead letters: none of observe.yaml can have a space in it.
SINK = "alerts state"
#: Of its one channel.
CHANNEL = "parts"
#: Why events are dropped whose counts could not be written.
UNAVAILABLE = "state_unavailable"
_TIMEOUT_S = 5.0
_PARALLEL = 4


class Counting:
    """A local sink (`outlets.Sink`) that counts into a state.

    A state that is damaged, full or held by others costs counts, never a delivery. What waits for a state
    that others hold is not tried again for as long as it waited: half of the time is for the logs.
    """

    def __init__(self, tally: Tally, state: State, clock: Callable[[], float] = time.monotonic) -> None:
        """clock: seconds since whenever."""
        self._tally, self._state, self._clock = tally, state, clock
        self._not_before_s = clock()

    def append(self, signals: Iterable[Signal]) -> frozenset[str] | Missed:
        """Count signals, and return the IDs of the events that some rule asks for, Missed where the state
        cannot be written."""
        counted = self._tally.count(list(signals))
        began_s = self._clock()
        if began_s < self._not_before_s:
            return Missed(taken(counted), UNAVAILABLE)
        try:
            self._state.put(entry for entry, _ in counted)
        except StateError:
            now_s = self._clock()
            self._not_before_s = now_s + (now_s - began_s)
            return Missed(taken(counted), UNAVAILABLE)
        return taken(counted)

    def record(self, ledger_rows: Iterable[Row]) -> None:
        """Rows of the ledger are nothing to count."""

    def dead_letter(self, reason: str, document: bytes, detail: Mapping[str, Any]) -> None:
        """Documents that cannot be read are the other sinks' affair."""


def taken(counted: Iterable[Counted]) -> frozenset[str]:
    """Return the log events that are in entries."""
    return frozenset(event.partition(":")[0] for _, events in counted for event in events)


def planned(config: Config) -> Plan:
    """Return the plan of a configuration, with the timeouts that its templates name.

    A template that cannot be read is in the plan's notes: the rest is judged without it.
    """
    folder = Path(config.files[0]).parent if config.files else Path()
    limits: dict[str, float] = {}
    notes: list[str] = []
    for template in config.templates:
        try:
            for name, limit_ms in _limits_ms(config, folder / template):
                limits[name] = max(limits.get(name, 0.0), limit_ms)
        except TemplateError as error:
            notes.append(f"{error}: nothing is known of the timeouts in it")
    return msgspec.structs.replace(plan_of(config, limits), notes=tuple(notes))


def _limits_ms(config: Config, template: Path) -> Iterator[tuple[str, float]]:
    """Yield service and timeout of functions. Raises TemplateError."""
    for limit in read_limits(template):
        service = config.service_of(LAMBDA_GROUP + limit.name) if limit.name else None
        if service and limit.timeout_s is not None:
            yield service.name, 1000 * limit.timeout_s


def counting(config: Config, environ: Mapping[str, str]) -> tuple[Outlet, Counter[str]]:
    """Return what counts for the rules, and what it could not count, by reason. Raises SettingsError.

    environ: OBSERVE_STATE, which is set, and OBSERVE_KEY_SECRET.
    """
    address = environ["OBSERVE_STATE"]
    tally = Tally(planned(config), key_secret=environ.get("OBSERVE_KEY_SECRET", ""))
    try:
        return _outlet(address, tally), tally.notes
    except ValueError as error:
        raise SettingsError(f"OBSERVE_STATE: {error}") from error


def _outlet(address: str, tally: Tally) -> Outlet:
    if table := dynamodb_table(address):
        return Shipped(SINK, table_shipper(table, tally))
    return Local(SINK, Counting(tally, state_of(address)), has_ledger=False)


def table_deliverer(environ: Mapping[str, str]) -> dict[str, Shipper]:
    """Return what writes kept entries into the table of OBSERVE_STATE, by its name; {} where there is none.

    Raises SettingsError.
    """
    try:
        table = dynamodb_table(environ.get("OBSERVE_STATE", ""))
    except ValueError as error:
        raise SettingsError(f"OBSERVE_STATE: {error}") from error
    return {SINK: table_shipper(table)} if table else {}


def table_shipper(table: Table, tally: Tally | None = None) -> Shipper:
    """Return what delivers entries to a table. tally: None to deliver what was counted before: a redrive."""
    channel = StateChannel(CHANNEL, table.name, table.region)
    if tally:
        channel = msgspec.structs.replace(channel, entries_of=tally.count)
    edge = Edge(Settings(timeout_s=_TIMEOUT_S, connections=_PARALLEL))
    return Shipper(SINK, [channel], edge, Policy(parallel=_PARALLEL, timeout_s=_TIMEOUT_S))
