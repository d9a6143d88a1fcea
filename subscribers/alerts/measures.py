"""Selectors and measures as values: what observe.yaml or a built-in rule asks to be counted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import Any

import msgspec

from subscribers.alerts.model import Measure, Selector

#: Keys of a selector in observe.yaml that have another name here.
_NO_CONDITIONS = ("key", "called")
_LISTS = {"service": "services", "level": "levels", "kind": "kinds"}


def selector_of(tree: Mapping[str, Any]) -> Selector:
    """Return a selector of observe.yaml, which is valid, or that of a flow's point."""
    found: dict[str, Any] = {}
    for key, value in tree.items():
        if key in _LISTS:
            found[_LISTS[key]] = (value,) if isinstance(value, str) else tuple(value)
        elif key == "fields":
            found[key] = {name: tuple(v) if isinstance(v, list) else (v,) for name, v in value.items()}
        elif key not in _NO_CONDITIONS:
            found[key] = value
    return Selector(**found)


def measure_of(
    selector: Selector,
    *,
    field: str = "",
    is_valued: bool = False,
    by: Iterable[str] = (),
    late_s: int = 120,
    keep_s: int = 3600,
    keep_hours_s: int = 0,
) -> Measure:
    """Return a measure with its ID: of what is counted, not of how long it is waited for or kept."""
    counted = {"selector": selector, "field": field, "is_valued": is_valued, "by": tuple(by)}
    id = blake2b(msgspec.json.encode(counted, order="sorted"), digest_size=8).hexdigest()
    return Measure(
        id=id,
        selector=selector,
        field=field,
        is_valued=is_valued,
        by=tuple(by),
        late_s=late_s,
        keep_s=keep_s,
        keep_hours_s=keep_hours_s,
    )
