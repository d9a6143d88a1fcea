"""The fast lane: the lines that functions write most, from text to documents without a value in between.

A page is cut into invocations. One that is START, END, REPORT and between them log lines of the layer,
metric lines and plain prints is told here, as the body of a `_bulk` request, and so are the layer's log lines
where nothing is around them. Any other goes to `serverless.parse`, which knows every line; both give the same
documents. Where lines of invocations are mixed, all of the page goes there.

The active controls hold in both ways: a line that may hold a secret is redacted by itself, a service of which
logs are left out, or given keys, or whose clock may be off, goes the general way, and so do events with
fields of a subscription filter.
"""

from __future__ import annotations

from collections.abc import Iterator

from subscribers import config, extracted
from subscribers.controls import Controls
from subscribers.enrich import Enrichment
from subscribers.lane_invocations import Teller, Told
from subscribers.lane_redaction import Guarded, Redacting
from subscribers.parsers import serverless
from subscribers.parsers.page import Page, Parsed
from subscribers.read import Body, Read, priced
from subscribers.sinks import bulk
from subscribers.sinks.bulk import DATED, Names

__all__ = ["Body", "Lane", "Told", "bodies", "tell"]


class Lane:
    """What the configuration makes of functions' pages, ready for every payload. Raises PatternError.

    controls: what is redacted and left out; enrichment: what is added; marks: whether that gives logs keys;
    names: of the indices.
    """

    def __init__(
        self,
        controls: Controls | None = None,
        enrichment: Enrichment | None = None,
        *,
        marks: bool = False,
        names: Names = DATED,
    ) -> None:
        self._controls, self._enrichment, self._marks = controls, enrichment, marks
        self._names = names
        self._guarded = Guarded(controls) if controls is not None else None

    def bodies(self, page: Page, service: config.Service | None = None) -> Iterator[Body]:
        """Yield what a function's page becomes: of each part what is told here, then the rest.

        service: whose controls hold besides the system's.
        """
        is_open = not self._marks and (self._controls is None or self._controls.keeps_all(service))
        is_open = is_open and not (service is not None and service.clock_skew_ms)
        for part in page.parts():
            if not is_open or any(event.extracted_fields for event in part.events):
                yield self._general(part, service)
                continue
            told = self._told(part, service)
            if told.events:
                # Each for itself: one more text of this size would be asked of the system each time.
                lines = b"".join([piece.encode() for piece in told.pieces])
                notes = {f"redacted.{rule}": count for rule, count in told.removals.items()}
                more = self.told(Parsed(signals=told.signals, notes=notes), service)
                yield Body(
                    lines + more.lines,
                    told.documents + more.documents,
                    told.events,
                    {},
                    more.notes,
                    more.joined,
                )
            for begin, end in told.rest:
                yield self._general(part.part(begin, end), service)

    def _told(self, page: Page, service: config.Service | None) -> Told:
        guarded = self._guarded
        redacting = Redacting(guarded, page.origin, service) if guarded is not None else None
        return Teller(page, redacting, self._names).told()

    def _general(self, page: Page, service: config.Service | None) -> Body:
        parsed = priced(serverless.parse, service)(page)
        extracted.apply(parsed, page)
        return self.told(parsed, service)

    def told(self, parsed: Parsed, service: config.Service | None = None) -> Body:
        """Return what parsed lines of any format become. parsed: it is completed and redacted in place."""
        if self._enrichment is not None:
            self._enrichment.apply(parsed)
        dropped = self._guarded.apply(parsed, service) if self._guarded is not None else {}
        delivered = Read(parsed, dropped).delivered
        if parsed.silent:
            dropped["no_signal"] = dropped.get("no_signal", 0) + parsed.silent
        lines = bulk.body(parsed.signals, self._names)
        return Body(lines, lines.count(b"\n") // 2, delivered, dropped, parsed.notes, parsed.joined)


_PLAIN = Lane()


def tell(page: Page) -> Told:
    """Return the documents of a function's page as far as they are told here."""
    return Teller(page).told()


def bodies(page: Page) -> Iterator[bytes]:
    """Yield the lines of `_bulk` requests of a page, without controls."""
    return (body.lines for body in _PLAIN.bodies(page))
