"""DogStatsD's events and service checks: they tell something that happened, so they are logs.

    _e{<bytes of title>,<bytes of text>}:<title>|<text>|d:<epoch s>|h:<host>|k:<key>|p:<priority>|s:<source>
        |t:<type>|#<tags>
    _sc|<name>|<0 ok, 1 warning, 2 critical, 3 unknown>|d:<epoch s>|h:<host>|#<tags>|m:<message>

https://docs.datadoghq.com/developers/dogstatsd/datagram_shell/
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from observe import semconv
from subscribers.parsers.draft import Draft
from subscribers.parsers.metrics import tags_of
from subscribers.parsers.times import epoch_seconds

_EVENT, _CHECK = "_e{", "_sc|"
_LENGTHS = re.compile(r"_e\{(\d{1,7}),(\d{1,7})\}:")
_LEVELS = {"error": "ERROR", "warning": "WARN", "info": "INFO", "success": "INFO", "user_update": "INFO"}
_STATUSES = (("ok", "INFO"), ("warning", "WARN"), ("critical", "ERROR"), ("unknown", "WARN"))
#: Sections by their first characters -> the attribute. Container and origin are nothing we keep.
_NAMES = {
    "h:": semconv.HOST_NAME,
    "k:": "dogstatsd.aggregation_key",
    "p:": "dogstatsd.priority",
    "s:": "dogstatsd.source_type",
    "t:": "dogstatsd.alert_type",
}


def is_told(text: str) -> bool:
    """Whether a datagram is an event or a service check."""
    return text.startswith((_EVENT, _CHECK))


def read(draft: Draft) -> bool:
    """Fill the draft of an event or a check; False, and a note, if it is broken: then it stays what it is."""
    if _read_event(draft) if draft.message.startswith(_EVENT) else _read_check(draft):
        return True
    draft.note = "bad_metric_line"
    return False


def _read_event(draft: Draft) -> bool:
    found = _LENGTHS.match(draft.message)
    if found is None:
        return False
    parts = _cut(draft.message[found.end() :], int(found[1]), int(found[2]))
    if parts is None:
        return False
    title, text, rest = parts
    if not _take(draft, rest.split("|")[1:]):
        return False
    kind = draft.attributes.get("dogstatsd.alert_type", "info")
    draft.level = _LEVELS.get(kind, "INFO")
    draft.attributes = {"dogstatsd.kind": "event", "dogstatsd.title": title, **draft.attributes}
    draft.message = f"{title}\n{text}" if text else title
    return True


def _cut(text: str, title: int, body: int) -> tuple[str, str, str] | None:
    """(title, text, rest) by their lengths in bytes of UTF-8; line ends are written as two characters."""
    raw = text.encode()
    if raw[title : title + 1] != b"|" or raw[title + body + 1 : title + body + 2] not in (b"", b"|"):
        return None
    parts = raw[:title], raw[title + 1 : title + 1 + body], raw[title + 1 + body :]
    said, more, rest = (part.decode(errors="replace") for part in parts)
    return said.replace("\\n", "\n"), more.replace("\\n", "\n"), rest


def _read_check(draft: Draft) -> bool:
    head, found, message = draft.message.partition("|m:")
    parts = head.split("|")
    if len(parts) < 3 or not parts[1] or parts[2] not in ("0", "1", "2", "3") or not _take(draft, parts[3:]):
        return False
    name, (status, draft.level) = parts[1], _STATUSES[int(parts[2])]
    draft.attributes = {
        "dogstatsd.kind": "service_check",
        "dogstatsd.check": name,
        "dogstatsd.status": status,
        **draft.attributes,
    }
    said = message.replace("m\\:", "m:").replace("\\n", "\n") if found else ""
    draft.message = f"{name} is {status}: {said}" if said else f"{name} is {status}"
    return True


def _take(draft: Draft, sections: Iterable[str]) -> bool:
    """Take what the sections say; False if one is none."""
    told: dict[str, object] = {}
    for section in sections:
        if section.startswith("#"):
            told["dogstatsd.tags"] = tags_of(section[1:])
        elif section.startswith("d:"):
            draft.stamp(epoch_seconds(section[2:]))
        elif name := _NAMES.get(section[:2]):
            told[name] = section[2:]
        elif section and not section.startswith(("c:", "e:", "card:")):
            return False
    draft.attributes = told
    return True
