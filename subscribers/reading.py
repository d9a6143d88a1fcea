"""What the configuration makes of a batch: origin, format, signals, and what is left out of them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

from subscribers import extracted
from subscribers.config import Config, Service
from subscribers.controls import Controls
from subscribers.enrich import Enrichment
from subscribers.envelope import LogBatch
from subscribers.lane_redaction import Guarded
from subscribers.parse import AUTO, FORMATS, LAMBDA_GROUP, Parsed, custom, named, page_of
from subscribers.parsers import serverless
from subscribers.parsers.page import Format
from subscribers.signals import Origin, Side


class Read(NamedTuple):
    """What a part of a batch became. events: how many it had, of so many characters; dropped: how many of
    them are left out on purpose, by reason."""

    parsed: Parsed
    dropped: dict[str, int]
    events: int = 0
    characters: int = 0

    @property
    def delivered(self) -> int:
        """How many events reach the sink: with signals of their own, or as a part of another event's log.

        Counted from what is to be written, not from what was read: else a ledger could only agree with
        itself.
        """
        told = {signal.event_id.partition(":")[0] for signal in self.parsed.signals}
        joined = self.parsed.joined.items()
        return len(told) + sum(log in told for event, log in joined if event not in told)


class Reading:
    """A configuration made ready to read batches, once a process. Raises PatternError."""

    def __init__(self, config: Config, region: str = "", key_secret: str = "") -> None:
        """region: where the log groups are; key_secret: of the marks of business keys."""
        self._config, self._region = config, region
        self._enrichment = Enrichment(config, key_secret)
        self._controls = Guarded(Controls(config))

    def read(self, batch: LogBatch, now_unix_nano: int) -> Iterator[Read]:
        """Yield what a batch becomes, in parts that are small. now_unix_nano: when it arrived."""
        origin, format = origin_of(batch, self._config, self._region)
        unknown = isinstance(format, str) and format not in FORMATS and format != AUTO
        if unknown:
            format = AUTO
        if format == AUTO and origin.side == "serverless":
            format = "lambda"
        service = self._config.service_of(batch.log_group)
        read = priced(named(format) if isinstance(format, str) else format, service)
        for page in page_of(batch, origin, now_unix_nano).parts():
            parsed = read(page)
            if unknown:
                parsed.notes["format_unknown"] = len(page.events)
            extracted.apply(parsed, page)
            self._enrichment.apply(parsed)
            dropped = self._controls.apply(parsed, service)
            yield Read(parsed, dropped, len(page.events), sum(len(event.message) for event in page.events))


def priced(format: Format, service: Service | None) -> Format:
    """Return the format with which a service's lines are read: what its invocations cost is the service's."""
    if format is serverless.parse and service is not None:
        return partial(serverless.parse, pricing=service.pricing)
    return format


def origin_of(batch: LogBatch, config: Config, region: str) -> tuple[Origin, str | Format]:
    """Return where a batch comes from, and its format or the name of one: by configuration, else by group."""
    group = batch.log_group
    service = config.service_of(group)
    side: Side
    format: str | Format
    if service:
        name, side, format = service.name, service.side, _format_of(service)
    elif group.startswith(LAMBDA_GROUP):
        name, side, format = group[len(LAMBDA_GROUP) :], "serverless", AUTO
    else:
        name, side, format = group.rstrip("/").rpartition("/")[2], "legacy", AUTO
    return Origin(batch.owner, region, group, batch.log_stream, name, side), format


def _format_of(service: Service) -> str | Format:
    if not service.format_options:
        known = service.format in FORMATS or service.format == AUTO
        if not known or (service.format == AUTO and service.side == "serverless"):
            return service.format
        return named(service.format, service.timezone, service.correlation_field)
    # Options describe a format of the team's own, which the built-in one of that name would misread.
    return custom(service.format_options, service.timezone, service.correlation_field) or "custom"
