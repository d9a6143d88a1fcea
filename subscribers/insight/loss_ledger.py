"""What the ledger says of events: received, delivered, stored, dropped, by sink and by reason."""

from __future__ import annotations

import msgspec

from subscribers.insight.answer import Question, Source

_SINKS = """
SELECT sink, count(DISTINCT payload_id) AS payloads, sum(received)::BIGINT AS received,
       sum(delivered)::BIGINT AS delivered, sum(stored)::BIGINT AS stored, sum(dropped)::BIGINT AS dropped,
       count(*) FILTER (received <> delivered + stored + dropped) AS unbalanced
FROM ledger WHERE time_unix_nano BETWEEN $first AND $last
GROUP BY sink ORDER BY sink
"""

# A payload has a row for each sink, and one more for each time that it was settled again.
_EVENTS = """
SELECT coalesce(sum(received), 0)::BIGINT AS events FROM (
    SELECT max(received) AS received FROM ledger
    WHERE time_unix_nano BETWEEN $first AND $last GROUP BY payload_id)
"""

_REASONS = """
SELECT sink, reason, sum(try_cast(json_extract_string(
           dropped_reasons, '/' || replace(replace(reason, '~', '~0'), '/', '~1')
       ) AS BIGINT))::BIGINT AS events
FROM (SELECT sink, dropped_reasons, unnest(json_keys(dropped_reasons)) AS reason FROM ledger
      WHERE dropped > 0 AND time_unix_nano BETWEEN $first AND $last)
GROUP BY sink, reason ORDER BY sink, events DESC, reason
"""

#: Why events are dropped that have nothing for a sink, or are no telemetry of the team's.
NOTHING_IN_IT = frozenset(
    {"no_signal", "not_taken", "control_message", "own_log_group", "no_object", "superseded"}
)
#: Why events are dropped that the team asked to leave out.
ASKED_FOR = frozenset({"excluded", "below_level", "sampled_out"})


class SinkLedger(msgspec.Struct, frozen=True, kw_only=True):
    """One sink. Events, not signals; unbalanced: payloads whose three ends are not what came in."""

    sink: str
    payloads: int
    received: int
    delivered: int
    stored: int
    dropped: int
    unbalanced: int


class Dropped(msgspec.Struct, frozen=True, kw_only=True):
    """Events that one sink did not get for one reason."""

    sink: str
    reason: str
    events: int | None

    @property
    def why(self) -> str:
        """Whether that is as it should be: `nothing in it`, `asked for`, or `look at it`."""
        if self.reason in NOTHING_IN_IT:
            return "nothing in it"
        return "asked for" if self.reason in ASKED_FOR else "look at it"


def sinks(source: Source, question: Question) -> list[SinkLedger]:
    """Return the sinks of the payloads settled in a time. Raises what the source raises."""
    return [msgspec.convert(row, SinkLedger) for row in source(_SINKS, _times(question))]


def events(source: Source, question: Question) -> int:
    """Return how many events came in, for however many sinks. Raises what the source raises."""
    (row,) = source(_EVENTS, _times(question))
    return int(row["events"])


def dropped(source: Source, question: Question) -> list[Dropped]:
    """Return why events were dropped, by sink. Raises what the source raises."""
    return [msgspec.convert(row, Dropped) for row in source(_REASONS, _times(question))]


def _times(question: Question) -> dict[str, int]:
    return {"first": question.first_unix_nano, "last": question.last_unix_nano}
