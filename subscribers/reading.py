"""What the configuration makes of a batch: origin, format, signals, and what is left out of them."""

from __future__ import annotations

from collections.abc import Iterator

from subscribers import extracted
from subscribers.config import Config, Service
from subscribers.controls import Controls
from subscribers.endpoint_metrics import EndpointMetrics
from subscribers.enrich import Enrichment
from subscribers.envelope import LogBatch
from subscribers.lane import Lane
from subscribers.lane_redaction import Guarded
from subscribers.parse import AUTO, FORMATS, LAMBDA_GROUP, custom, named, page_of
from subscribers.parsers import serverless
from subscribers.parsers.page import Format, Page, Parsed
from subscribers.read import Read, priced
from subscribers.signals import Origin, Side
from subscribers.sinks.bulk import Names


class Reading:
    """A configuration made ready to read batches, once a process. Raises PatternError."""

    def __init__(
        self, config: Config, region: str = "", key_secret: str = "", *, names: Names | None = None
    ) -> None:
        """region: where the log groups are; key_secret: of the marks of business keys; names: of the
        indices, where nothing but `_bulk` bodies is wanted: then functions' lines take the fast lane."""
        self._config, self._region = config, region
        self._enrichment = Enrichment(config, key_secret)
        controls = Controls(config)
        self._controls = Guarded(controls)
        self._endpoint_metrics = EndpointMetrics(config) if config.endpoint_metrics else None
        self._lane = None
        if names is not None:
            self._lane = Lane(controls, self._enrichment, marks=bool(config.keys), names=names)

    def read(self, batch: LogBatch, now_unix_nano: int) -> Iterator[Read]:
        """Yield what a batch becomes, in parts that are small. now_unix_nano: when it arrived."""
        origin, format = origin_of(batch, self._config, self._region)
        unknown = isinstance(format, str) and format not in FORMATS and format != AUTO
        if unknown:
            format = AUTO
        if format == AUTO and origin.side == "serverless":
            format = "lambda"
        service = self._config.service_of(batch.log_group)
        format = named(format) if isinstance(format, str) else format
        if self._lane is not None and format is serverless.parse and not unknown:
            yield from _bodies(self._lane, page_of(batch, origin, now_unix_nano), service)
            return
        read = priced(format, service)
        for page in page_of(batch, origin, now_unix_nano).parts():
            parsed = read(page)
            if unknown:
                parsed.notes["format_unknown"] = len(page.events)
            extracted.apply(parsed, page)
            self._enrichment.apply(parsed)
            dropped = self._controls.apply(parsed, service)
            if self._endpoint_metrics is not None:
                parsed.signals += self._endpoint_metrics.of(parsed.signals)
            yield Read(parsed, dropped, len(page.events), sum(len(event.message) for event in page.events))


def _bodies(lane: Lane, page: Page, service: Service | None) -> Iterator[Read]:
    """Yield what a function's page becomes as the fast lane tells it."""
    characters = sum(len(event.message) for event in page.events)
    for body in lane.bodies(page, service):
        yield Read(Parsed(), body.dropped, body.delivered + sum(body.dropped.values()), characters, body)
        characters = 0


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
