"""From when to when the store has something."""

from __future__ import annotations

from subscribers.store import Store

_TIMES = """
SELECT min(told) AS first, max(told) AS last FROM (
    SELECT time_unix_nano AS told FROM logs UNION ALL SELECT start_unix_nano FROM spans
    UNION ALL SELECT time_unix_nano FROM metrics UNION ALL SELECT time_unix_nano FROM ledger)
"""


def extent(store: Store) -> tuple[int, int] | None:
    """Return the times of its first and last event in nanoseconds since the epoch, None where it is empty."""
    (told,) = store.query(_TIMES)
    return None if told["first"] is None else (told["first"], told["last"])
