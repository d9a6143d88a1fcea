"""What somebody should know of the progress, as sentences."""

from __future__ import annotations

from collections.abc import Iterator

from subscribers.insight.answer import Finding, Question
from subscribers.insight.parity_findings import requests_text, unknown_names, unnamed
from subscribers.insight.progress_counted import Counted, Progress, Stage, share_of, unix_nano

WORDS: dict[Stage, str] = {
    "legacy": "legacy only",
    "split": "both sides",
    "serverless": "serverless only",
    "none": "neither side",
}


def findings(found: Counted, question: Question) -> Iterator[Finding]:
    """Yield the findings: the whole first, then contradictions, then what belongs to no endpoint."""
    yield from unknown_names(question)
    if found.items:
        yield _whole(found)
    for item in found.items:
        yield from _contradictions(item)
    yield from unnamed(found.others, question)


def remains(item: Progress) -> str:
    """Return what has to be done until an endpoint is serverless only; "" where nothing has."""
    endpoint = item.endpoint
    if endpoint.serverless is None:
        return "no serverless implementation is named"
    if item.legacy.count:
        return f"legacy still serves {_percent(1 - (item.share or 0))} of {_requests(item)}"
    if endpoint.legacy is None:
        return ""
    if item.seen == "serverless":
        return _without_legacy(item, endpoint.legacy.service)
    return "no traffic was seen"


def _without_legacy(item: Progress, service: str) -> str:
    split = item.endpoint.split
    if split is not None and split != 100:
        return f"no legacy traffic was seen, but the split is {split:g}%"
    if not item.is_legacy_read:
        return f"nothing of {service} was read: whether it still serves is not known"
    return "no legacy traffic any more: the old implementation may be removed"


def _whole(found: Counted) -> Finding:
    done = sum(item.configured == "serverless" for item in found.items)
    both = sum(item.configured == "split" for item in found.items)
    share = share_of(found.items)
    traffic = "; no traffic was seen" if share is None else f"; {_percent(share)} of their traffic is"
    return Finding(
        level="info",
        text=f"{done} of {len(found.items)} endpoints {_are(done)} serverless only, {both} served by both"
        f" sides{traffic}{'' if share is None else ' serverless'}",
        evidence={
            "endpoints": len(found.items),
            "serverless_only": done,
            "both_sides": both,
            "legacy_requests": sum(item.legacy.count for item in found.items),
            "serverless_requests": sum(item.serverless.count for item in found.items),
        },
    )


def _contradictions(item: Progress) -> Iterator[Finding]:
    endpoint, split = item.endpoint, item.split_seen
    if item.is_contradicted and split is not None:
        old, new = item.since_legacy.count, item.since_serverless.count
        since = " since the cutover" if item.is_since_cutover else ""
        yield Finding(
            level="warning",
            text=f"{endpoint.name}: the split says {endpoint.split:g}%, but {_percent(split.estimate)} of the"
            f" traffic{since} was serverless ({new:,} of {requests_text(old + new)})",
            evidence={
                "split_percent": endpoint.split,
                "seen_percent": round(100 * split.estimate, 2),
                "low_percent": round(100 * split.low, 2),
                "high_percent": round(100 * split.high, 2),
                "legacy_requests": old,
                "serverless_requests": new,
            },
        )
    elif endpoint.split is None and item.configured == "split" and item.seen in ("legacy", "serverless"):
        yield Finding(
            level="info",
            text=f"{endpoint.name}: observe.yaml names both sides, but only {item.seen} had traffic"
            f" ({_requests(item)})",
            evidence={
                "legacy_requests": item.legacy.count,
                "serverless_requests": item.serverless.count,
                "legacy_read": item.is_legacy_read,
            },
        )
    yield from _cutover(item)


def _cutover(item: Progress) -> Iterator[Finding]:
    """Without a split a cutover means that everything was moved."""
    endpoint, legacy = item.endpoint, item.since_legacy
    if not (endpoint.cutover and endpoint.split is None and legacy.count):
        return
    if legacy.first_unix_nano >= unix_nano(endpoint.cutover):
        yield Finding(
            level="warning",
            text=f"{endpoint.name}: the cutover was at {endpoint.cutover}, but legacy still served"
            f" {requests_text(legacy.count)} since",
            evidence={
                "cutover_unix_nano": unix_nano(endpoint.cutover),
                "legacy_requests": legacy.count,
                "last_legacy_unix_nano": legacy.last_unix_nano,
            },
        )


def _requests(item: Progress) -> str:
    return requests_text(item.legacy.count + item.serverless.count)


def _percent(share: float) -> str:
    return f"{100 * share:.1f}%"


def _are(count: int) -> str:
    return "is" if count == 1 else "are"
