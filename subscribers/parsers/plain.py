"""The format `text`: lines of which nothing is known but what they say."""

from __future__ import annotations

from subscribers.parsers.page import Line, Page, Parsed
from subscribers.signals import Log

DATASET = "text"


def parse(page: Page) -> Parsed:
    """Return one log a line that is not blank. See `page.Format`."""
    parsed = Parsed()
    for line in page.lines():
        if line.text.strip():
            parsed.signals.append(log(page, line))
        else:
            parsed.silent += 1
    return parsed


def log(page: Page, line: Line) -> Log:
    """Return a line as a log without a level, at CloudWatch's time."""
    return Log(
        event_id=line.event_id,
        origin=page.origin,
        time_unix_nano=line.unix_nano,
        observed_time_unix_nano=page.now_unix_nano,
        sequence=line.sequence,
        message=line.text,
        dataset=DATASET,
    )
