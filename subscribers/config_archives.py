"""`archives` of observe.yaml: which objects of S3 hold lines, and whose.

Lines of an object find their service as those of CloudWatch do, by the log group. An archive names that, or
a service with one log group or with none: then its own name is the log group.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from subscribers.config_groups import Owner, log_groups_of, owner_of, unknown
from subscribers.config_problems import Path, dotted, shown
from subscribers.config_schema import fits
from subscribers.config_tree import at, items, mappings
from subscribers.formats.code_pages import decoder
from subscribers.formats.custom import files_of
from subscribers.inputs.archives import Archive
from subscribers.parsers.java_layout import BadLayout

Finding = tuple[Path, str]

SECTION = "archives"
#: Keys of lines; documents bring all of that themselves.
_OF_LINES = ("account", "log_group", "log_stream", "service", "encoding", "record_bytes")


def archives(tree: Mapping[str, Any]) -> tuple[Archive, ...]:
    """Return the archives of a valid tree, with what their log group's service and format say of files."""
    return tuple(_archive(item, tree) for item in tree.get(SECTION, ()))


def findings(tree: dict[str, Any]) -> Iterator[Finding]:
    """Yield every mistake of meaning in the section, as (path, message); the tree may be wrong anywhere."""
    first: dict[tuple[Any, Any], int] = {}
    for i, item in items(at(tree, SECTION)):
        if not isinstance(item, dict):
            continue
        path: Path = (SECTION, i)
        place = (str(item.get("bucket", "")), str(item.get("prefix", "")))
        if first.setdefault(place, i) != i:
            yield path, f"has the same bucket and prefix as {dotted((SECTION, first[place]))}"
        if item.get("kind") == "documents":
            for key in _OF_LINES:
                if key in item:
                    yield (
                        (*path, key),
                        "documents bring this themselves; only a bucket and a prefix go with them",
                    )
        else:
            yield from _bytes(path, item)
            yield from _lines(path, item, tree)


def _bytes(path: Path, item: Mapping[str, Any]) -> Iterator[Finding]:
    """How bytes become lines."""
    encoding = item.get("encoding")
    if isinstance(encoding, str) and item.get("kind") == "export":
        yield (*path, "encoding"), "exports of CloudWatch Logs are UTF-8; only files have another encoding"
    elif isinstance(encoding, str) and encoding:
        try:
            decoder(encoding)
        except BadLayout as error:
            yield (*path, "encoding"), str(error)
    if "record_bytes" in item and item.get("kind") != "file":
        yield (*path, "record_bytes"), "only files have records; it needs 'kind: file' beside it"


def _lines(path: Path, item: Mapping[str, Any], tree: dict[str, Any]) -> Iterator[Finding]:
    """Whose lines they are."""
    service = item.get("service")
    services = dict(mappings(tree, "services"))
    if isinstance(service, str) and service not in services:
        yield (*path, "service"), unknown("service", service, list(services))
    elif "service" not in item and "log_group" not in item:
        yield path, "says not whose lines these are: give it 'log_group', 'service' or 'kind: documents'"
    elif isinstance(item.get("service", ""), str) and isinstance(item.get("log_group", ""), str):
        yield from _owner(path, item, tree)


def _owner(path: Path, item: Mapping[str, Any], tree: dict[str, Any]) -> Iterator[Finding]:
    service = item.get("service", "")
    group = item.get("log_group") or _group(service, tree)
    if group is None:
        yield (
            (*path, "service"),
            f"services.{service} has not one log group: say which of them under 'log_group'",
        )
        return
    owner = owner_of(tree, group)
    if service and owner and owner.service != service:
        yield path, f"the log group {shown(group)} belongs to services.{owner.service}, not {service}"
    elif service and not owner and "log_group" in item:
        yield (*path, "log_group"), f"{shown(group)} is not among the log_groups of services.{service}"
    else:
        yield from _as_formatted(path, item, owner or _itself(service, tree))


def _as_formatted(path: Path, item: Mapping[str, Any], owner: Owner) -> Iterator[Finding]:
    """Whether the bytes are what a format of records in an encoding needs."""
    encoding, length = _files_of(owner.format)
    if not length:
        return
    if item.get("encoding", encoding) != encoding:
        yield (
            (*path, "encoding"),
            f"the records of services.{owner.service} are in {shown(encoding)} by their format",
        )
    if item.get("record_bytes", length) != length:
        yield (
            (*path, "record_bytes"),
            f"the fields of services.{owner.service} end at byte {length}: that is how long its records are",
        )


def _archive(item: dict[str, Any], tree: Mapping[str, Any]) -> Archive:
    if item.get("kind") == "documents":
        return msgspec.convert(item, Archive)
    service = item.get("service", "")
    group = item.get("log_group") or _group(service, tree) or ""
    owner = owner_of(tree, group) or _itself(service, tree)
    encoding, length = ("utf-8", 0) if item.get("kind") == "export" else _files_of(owner.format)
    told = {"encoding": encoding, "record_bytes": length, "service": owner.service, "log_group": group}
    return msgspec.convert({**told, **item}, Archive)


def _group(service: str, tree: Mapping[str, Any]) -> str | None:
    """The log group that a service stands for: its only one, or its own name where it has none."""
    own = [name for _, name in log_groups_of(service, at(tree, "services", service) or {})]
    if not own:
        return service
    return own[0] if len(own) == 1 and not own[0].endswith("*") else None


def _itself(service: str, tree: Mapping[str, Any]) -> Owner:
    """A service, or nobody, as the owner of what no log group claims."""
    return Owner(service, at(tree, "services", service, "format"))


def _files_of(format: Any) -> tuple[str, int]:
    """(encoding, bytes of a record) of files with a format, as the file has it; it may be wrong."""
    return files_of(format) if isinstance(format, dict) and fits(format, "format") else ("utf-8", 0)
