"""What of an invocation's billed time was its start, as SQL: an init, or the restore of a snapshot."""

from __future__ import annotations

#: Of one report, in milliseconds, 0 where it started nothing. Needs the columns `billed_ms`, `duration_ms`,
#: `init_ms`, `billed_restore_ms` (values of the report, or NULL), and `cold` (whether it told of a start).
#: A restore's billed part is told; an init's is what is billed beyond the duration, which is rounded up to
#: 1 ms. Before August 2025 most inits were not billed.
#: https://docs.aws.amazon.com/lambda/latest/dg/snapstart-monitoring.html
BILLED_START_MS = """(CASE
    WHEN billed_restore_ms IS NOT NULL THEN billed_restore_ms
    WHEN cold AND billed_ms > ceil(duration_ms)
        THEN least(coalesce(init_ms, billed_ms), billed_ms - duration_ms)
    ELSE 0 END)"""
