"""Which version of a service ran when: told by subscribers, asked by whoever wants to know what changed."""

from __future__ import annotations

from subscribers.alerts.model import SLOT_S
from subscribers.alerts.state import Entry

VERSIONS = "versions"
#: How long it is remembered that a version ran.
KEPT_S = 7 * 86_400
SEPARATOR = "\x1f"


def version_entry(service: str, version: str, slot: int) -> Entry:
    """Return the entry that tells that a version of a service ran at a time."""
    sort = SEPARATOR.join((service[:200], version[:200], f"{slot:08x}"))
    return Entry(VERSIONS, sort, b"", slot * SLOT_S + KEPT_S)
