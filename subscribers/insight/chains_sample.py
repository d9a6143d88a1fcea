"""Which traces a question looks at: a sample that is the same each time, and of each a bounded part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from subscribers.insight.answer import Question, Source
from subscribers.insight.calls import Trace, asked_services, stitched
from subscribers.tables import SPANS, span_of

#: Traces that one question looks at.
MOST_TRACES = 2_000
#: Spans that are read for them; of one trace, with what is joined to it; and traces that may share a
#: correlation ID: a session's or a job's has more.
MOST_SPANS, MOST_OF_TRACE, MOST_RELATED = 100_000, 2_000, 20
#: Around a period, for spans of its traces that began before it or ended after it.
_AROUND_NS = 3_600_000_000_000
_INT64_MAX = (1 << 63) - 1

_COLUMNS = ", ".join(f'"{column.name}"' for column in SPANS.columns)
#: What the sample of a question is drawn of: traces with a request in the period, by the hash of their ID.
_TRACES = """
SELECT trace_id, count(*) OVER () AS total FROM (
    SELECT trace_id FROM spans
    WHERE trace_id <> '' AND kind IN ('server', 'consumer') AND start_unix_nano BETWEEN $first AND $last
    GROUP BY trace_id
    HAVING len($services::VARCHAR[]) = 0 OR bool_or(list_contains($services::VARCHAR[], service))
) ORDER BY md5(trace_id), trace_id LIMIT $most
"""
#: Each trace with what shares its correlation ID, the traces in the order given: the nth span of how many.
_SPANS = f"""
WITH own AS (
    SELECT unnest($traces::VARCHAR[]) AS trace_id, unnest(range(len($traces::VARCHAR[]))) AS own_at
),
near AS (SELECT * FROM spans WHERE start_unix_nano BETWEEN $first AND $last),
named AS (
    SELECT correlation_id, min(own_at) AS named_at FROM near JOIN own USING (trace_id)
    WHERE correlation_id <> '' GROUP BY correlation_id
),
same AS (
    SELECT correlation_id, any_value(named_at) AS named_at FROM near JOIN named USING (correlation_id)
    GROUP BY correlation_id HAVING count(DISTINCT trace_id) <= $related
),
wanted AS (
    SELECT near.*, own_at IS NULL AS joined, coalesce(own_at, named_at) AS trace_at
    FROM near LEFT JOIN own USING (trace_id) LEFT JOIN same USING (correlation_id)
    WHERE own_at IS NOT NULL OR named_at IS NOT NULL
),
numbered AS (
    SELECT *, row_number() OVER (PARTITION BY trace_at ORDER BY joined, start_unix_nano, event_id) AS nth,
           count(*) OVER (PARTITION BY trace_at) AS spans
    FROM wanted
)
SELECT {_COLUMNS}, trace_at, spans FROM numbered WHERE nth <= $each ORDER BY trace_at, nth LIMIT $most
"""  # noqa: S608  # names of our own columns


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """The traces that were looked at: so many of `total`; `cut` of them are longer than what is read of one.

    drawn: their IDs; a trace may have spans of others, which share its correlation ID. is_short: fewer were
    read than were to be, because all of them have more spans than are read for one question.
    """

    traces: tuple[Trace, ...] = ()
    drawn: frozenset[str] = frozenset()
    total: int = 0
    cut: int = 0
    is_short: bool = False

    @property
    def looked_at(self) -> int:
        """How many traces were read."""
        return len(self.drawn)

    @property
    def is_whole(self) -> bool:
        """Whether everything of what was to be looked at was read."""
        return not (self.cut or self.is_short)

    @property
    def scale(self) -> float:
        """By what a sum over the drawn traces is multiplied to estimate that of all traces."""
        return self.total / self.looked_at if self.looked_at else 1.0

    @property
    def notes(self) -> tuple[str, ...]:
        """What was looked at, as sentences."""
        many = f"{self.total:,} trace{'' if self.total == 1 else 's'}"
        if self.looked_at < self.total:
            told = f"Looked at {self.looked_at:,} of {many}, those with the smallest hash of their ID."
        else:
            told = f"Looked at all of {many}." if self.total else "There are no traces in this period."
        return tuple(note for note in (told, self._short, self._cut) if note)

    @property
    def _short(self) -> str:
        return f"More were not read: {MOST_SPANS:,} spans are read for a question." if self.is_short else ""

    @property
    def _cut(self) -> str:
        if not self.cut:
            return ""
        some = "one of them is" if self.cut == 1 else f"{self.cut:,} of them are"
        return f"Only the first {MOST_OF_TRACE:,} spans of a trace are read: {some} longer, and incomplete."


class Read(msgspec.Struct, frozen=True):
    """Traces as they were read. ids: those of the ones asked for that were; cut: how many are incomplete."""

    traces: tuple[Trace, ...] = ()
    ids: frozenset[str] = frozenset()
    cut: int = 0


def sampled(source: Source, question: Question, most: int = MOST_TRACES) -> Sample:
    """Return a sample of the period's traces: at most so many, the same ones each time it is asked.

    Only traces with a request at one of the services that are asked for. Raises what the source raises.
    """
    rows = source(
        _TRACES,
        {
            "first": question.first_unix_nano,
            "last": question.last_unix_nano,
            "services": sorted(asked_services(question)),
            "most": most,
        },
    )
    read = traces_of(source, question, [values["trace_id"] for values in rows])
    return Sample(
        traces=read.traces,
        drawn=read.ids,
        total=rows[0]["total"] if rows else 0,
        cut=read.cut,
        is_short=len(read.ids) < len(rows),
    )


def traces_of(source: Source, question: Question, trace_ids: Sequence[str]) -> Read:
    """Return these traces with what shares their correlation IDs, in this order while MOST_SPANS last.

    Of each at most MOST_OF_TRACE spans, the first ones. Raises what the source raises.
    """
    if not trace_ids:
        return Read()
    given: Mapping[str, Any] = {
        "traces": list(trace_ids),
        "first": max(question.first_unix_nano - _AROUND_NS, 0),
        "last": min(question.last_unix_nano + _AROUND_NS, _INT64_MAX),
        "related": MOST_RELATED,
        "each": MOST_OF_TRACE,
        "most": MOST_SPANS + 1,
    }
    rows = source(_SPANS, given)
    if len(rows) > MOST_SPANS:
        # Where the limit ends within a trace, that one was not read.
        rows = [values for values in rows if values["trace_at"] < rows[-1]["trace_at"]]
    spans = {values["trace_at"]: values["spans"] for values in rows}
    return Read(
        traces=stitched(map(span_of, rows)),
        ids=frozenset(trace_ids[at] for at in spans),
        cut=sum(many > MOST_OF_TRACE for many in spans.values()),
    )
