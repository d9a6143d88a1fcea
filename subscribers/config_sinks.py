"""What no schema can say about the sinks of observe.yaml: times that make sense, one proof of who we are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from subscribers.config_problems import Path, shown
from subscribers.config_tree import at, items, mappings

#: No function runs longer, and so no request of one.
_TIMEOUT_MAX_MS = 15 * 60_000
_DAY_MS = 86_400_000
#: A hundred years; a cluster's times are 64 bits of nanoseconds, some 106,000 days.
_RETENTION_MAX_DAYS = 36_500
#: Type -> two ways to say who we are, of which a request has room for one.
_PROOFS = {"elasticsearch": ("api_key", "basic"), "opensearch": ("sigv4", "basic")}

#: https://www.rfc-editor.org/rfc/rfc9110#name-tokens
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
#: What a request says of itself: another value would make it another request, or none.
_OWN_HEADERS = frozenset(
    (
        *("connection", "content-encoding", "content-length", "content-type", "expect", "host"),
        *("keep-alive", "te", "trailer", "transfer-encoding", "upgrade"),
    )
)


def findings(tree: dict[str, Any]) -> Iterator[tuple[Path, str]]:
    """Yield (path, message) of every mistake of meaning in the sinks of the merged tree."""
    for name, sink in mappings(tree, "sinks"):
        here: Path = ("sinks", name)
        for key, problem in (("timeout", _timeout_problem), ("retention", _retention_problem)):
            ms = _ms(sink.get(key))
            if ms is not None and (said := problem(ms)):
                yield (*here, key), f"{shown(sink[key])} {said}"
        first, second = _PROOFS.get(str(sink.get("type")), ("", ""))
        if first in sink and second in sink:
            yield (*here, second), f"there is {first} besides, and a request can prove who we are by one only"
        if at(sink, "sigv4", "service") == "aoss" and sink.get("data_stream") is True:
            yield (*here, "data_stream"), "a serverless collection (aoss) has no data streams"
        yield from _without_stream(here, sink)
        if isinstance(url := sink.get("url"), str) and (said := _url_problem(url)):
            yield (*here, "url"), said  # without the value: it may have a secret in it
        yield from _headers((*here, "headers"), sink.get("headers"))


def _ms(duration: Any) -> int | None:
    """A duration of the file in milliseconds, None where it is none: the schema has said so."""
    from subscribers.config import duration_ms  # which reads the file, and has its mistakes from here

    try:
        return duration_ms(duration) if isinstance(duration, str) else None
    except ValueError:
        return None


def _timeout_problem(ms: int) -> str:
    if ms == 0:
        return "is no time at all: no request could ever be answered"
    return "is longer than any function runs: at most 15m" if ms > _TIMEOUT_MAX_MS else ""


def _retention_problem(ms: int) -> str:
    days, rest = divmod(ms, _DAY_MS)
    if rest or not days:
        return "is not a whole number of days, at least 1d"
    return f"is more than {_RETENTION_MAX_DAYS}d" if days > _RETENTION_MAX_DAYS else ""


def _without_stream(here: Path, sink: dict[str, Any]) -> Iterator[tuple[Path, str]]:
    """Signals that are wanted of a Firehose sink which has no stream for them."""
    streams = sink.get("streams")
    if not isinstance(streams, dict):
        return
    for i, kind in items(sink.get("signals")):
        if isinstance(kind, str) and kind not in streams:
            yield (*here, "signals", i), f"there is no stream of {shown(kind)} in 'streams'"


def _url_problem(url: str) -> str:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "is no address that can be used: its host or its port cannot be read"
    if not parts.hostname or port == 0:
        return "is no address that can be used: it has no host, or the port 0"
    return "must not have a ? or a #, for paths are appended to it" if "?" in url or "#" in url else ""


def _headers(here: Path, headers: Any) -> Iterator[tuple[Path, str]]:
    for name in headers if isinstance(headers, dict) else ():
        if not _TOKEN.fullmatch(name):
            yield (*here, name), "is not the name of a header"
        elif name.lower() in _OWN_HEADERS:
            yield (*here, name), "is written by the sink itself"
