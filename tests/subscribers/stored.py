"""What is in a store."""

from __future__ import annotations

from pathlib import Path

from subscribers.store import Store


def files(store: Store, pattern: str = "tables/*/*/*.parquet") -> list[Path]:
    """The store's files of a pattern."""
    return sorted(store.path.glob(pattern))


def ids(store: Store) -> list[str]:
    """The event IDs of the logs."""
    return [values["event_id"] for values in store.query("SELECT event_id FROM logs ORDER BY event_id")]
