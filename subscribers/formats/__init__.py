"""Every format that lines may have, in one place to read: FORMATS by the name that observe.yaml uses."""

from __future__ import annotations

from subscribers.formats.told import LineFormat

__all__ = ["FORMATS"]

#: Name -> format. Those that take a pattern, columns or fields of the team's own are in `custom`.
FORMATS: dict[str, LineFormat] = {}
