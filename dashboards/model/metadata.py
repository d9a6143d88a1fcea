"""`Metadata: HybridObserve:` of a template in the words of observe.yaml, whichever case it is written in.

A template may write `Alarms: {QueueAge: {Threshold: 900}}` as CloudFormation would, or `alarms: {queue-age:
{threshold: 900}}` as observe.yaml has it under `dashboards.resources`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dashboards.resources import kebab

#: YAML 1.1 reads the key `off` as a truth value; whoever writes `off: true` means the text.
#: https://yaml.org/type/bool.html
_OFF = "false"


def field_name(written: Any) -> str:
    """Return the key of what differs: `Threshold` is `threshold`, and YAML's false is `off`."""
    name = _key(written)
    return "off" if name == _OFF else name


def as_observe_yaml(written: Mapping[Any, Any]) -> dict[str, Any]:
    """Return an entry as `dashboards.resources` has it; what has another shape stays as it is."""
    entry = {_key(key): value for key, value in written.items()}
    if isinstance(alarms := entry.get("alarms"), Mapping):
        entry["alarms"] = {kebab(str(rule)): _fields(fields) for rule, fields in alarms.items()}
    return entry


def _key(written: Any) -> str:
    return kebab(str(written)).replace("-", "_")


def _fields(written: Any) -> Any:
    if not isinstance(written, Mapping):
        return written
    return {field_name(key): value for key, value in written.items()}


def without(entry: Mapping[str, Any], path: tuple[Any, ...]) -> dict[str, Any]:
    """Return an entry without what a path leads to; () leads to all of it. The entry is not changed."""
    if not path:
        return {}
    first, rest = path[0], path[1:]
    inner = entry.get(first)
    if rest and isinstance(inner, Mapping):
        return {**entry, first: without(inner, rest)}
    return {key: value for key, value in entry.items() if key != first}
