"""The measures of the catalogue that documents of a sink have, as the documentation promises them."""

from __future__ import annotations

_BY_KIND = {
    "function": ("invocations", "errors", "duration", "cold_starts", "timeouts", "memory_used", "cost"),
    "endpoint": ("requests", "errors", "slow", "duration"),
    "service": (
        *("requests", "errors", "duration", "error_lines"),
        *("pool_used", "pool_max", "pool_exhausted", "cpu", "memory"),
    ),
    "sink": ("received", "delivered", "stored", "dropped"),
}
READABLE = frozenset(f"{kind}.{name}" for kind, names in _BY_KIND.items() for name in names)
