"""Transient told from permanent: what a status means for the whole of a request, and why. One table.

A channel looks at its own API's body first; what that does not tell is judged here.

https://www.rfc-editor.org/rfc/rfc9110#section-15
https://opentelemetry.io/docs/specs/otlp/#failures-1
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from email.utils import parsedate_to_datetime
from typing import Literal, NamedTuple

from subscribers.sinks.channel import DETAIL_MAX, Item, Refusal, Response, Verdict

Fate = Literal["retry", "reject", "halve", "authorize"]


class Meaning(NamedTuple):
    """reason: as it is counted; fate: what becomes of the items; why: for the documentation."""

    reason: str
    fate: Fate
    why: str


#: Longest Retry-After that is believed, in seconds.
AFTER_MAX_S = 900.0

STATUSES: dict[int, Meaning] = {
    400: Meaning("bad_request", "reject", "it would be refused again"),
    401: Meaning("unauthorized", "authorize", "secrets are asked for anew; then somebody must mend them"),
    403: Meaning("forbidden", "authorize", "the same: some backends say 403 for a revoked key"),
    404: Meaning("not_found", "reject", "the address or what it names is not there"),
    405: Meaning("method_not_allowed", "reject", "the address is another service's"),
    407: Meaning("proxy_unauthorized", "retry", "the proxy, not the destination; somebody must mend it"),
    408: Meaning("request_timeout", "retry", "the other side did not wait long enough"),
    409: Meaning("conflict", "reject", "where a conflict means delivered the channel says so"),
    410: Meaning("gone", "reject", "the destination was removed"),
    413: Meaning("too_large", "halve", "half of it may fit; one item alone never will"),
    415: Meaning("unsupported_media_type", "reject", "it would be refused again"),
    421: Meaning("misdirected", "retry", "another connection may reach the right host"),
    422: Meaning("unprocessable", "reject", "it would be refused again"),
    423: Meaning("locked", "retry", "locks end"),
    425: Meaning("too_early", "retry", "as it says"),
    429: Meaning("throttled", "retry", "later, at the time of Retry-After"),
    431: Meaning("headers_too_large", "reject", "it would be refused again"),
    500: Meaning("server_error", "retry", "a fault of the other side"),
    501: Meaning("not_implemented", "reject", "the other side cannot do this"),
    502: Meaning("bad_gateway", "retry", "a proxy before the other side"),
    503: Meaning("unavailable", "retry", "overload or maintenance"),
    504: Meaning("gateway_timeout", "retry", "a proxy before the other side; what became of it is unknown"),
    505: Meaning("version_not_supported", "reject", "it would be refused again"),
    507: Meaning("insufficient_storage", "retry", "disks are made larger"),
}
_CLASSES: dict[int, Meaning] = {
    1: Meaning("bad_response", "retry", "no answer"),
    3: Meaning("redirected", "reject", "redirections are not followed: a secret must not go elsewhere"),
    4: Meaning("refused_request", "reject", "by HTTP's definition it would be refused again"),
    5: Meaning("server_error", "retry", "a fault of the other side"),
}
#: Statuses behind which a request may have been taken all the same.
UNKNOWN_STATUSES = frozenset({500, 502, 504})


def meaning_of(status: int) -> Meaning:
    """Return what a status that is no success means."""
    return STATUSES.get(status) or _CLASSES.get(status // 100) or _CLASSES[1]


def whole(
    items: Sequence[Item], response: Response, detail: str = "", *, is_repeatable: bool = True
) -> Verdict:
    """Return the verdict on a request that failed as a whole: no response, or a status that is no success.

    detail: what the body says; is_repeatable: whether items with an unknown outcome may be sent again, else
    they are rejected as `outcome_unknown`, so that nothing is doubled.
    """
    said = (detail or response.detail)[:DETAIL_MAX]
    if response.fault:
        if response.is_unknown and not is_repeatable:
            refusal = Refusal("outcome_unknown", 0, f"{response.fault}: {said}" if said else response.fault)
            return Verdict(rejected=dict.fromkeys(range(len(items)), refusal), is_down=True)
        return Verdict(retry=dict.fromkeys(range(len(items)), Refusal(response.fault, 0, said)), is_down=True)
    meaning = meaning_of(response.status)
    refusal = Refusal(meaning.reason, response.status, said)
    every = dict.fromkeys(range(len(items)), refusal)
    if meaning.fate == "halve":
        return Verdict(rejected=every, is_too_large=True)
    if meaning.fate == "reject":
        return Verdict(rejected=every)
    if response.status in UNKNOWN_STATUSES and not is_repeatable:
        unknown = Refusal("outcome_unknown", response.status, said)
        return Verdict(rejected=dict.fromkeys(range(len(items)), unknown), is_down=True)
    return Verdict(
        retry=every,
        after_s=retry_after_s(response.headers),
        is_unauthorized=meaning.fate == "authorize",
        is_down=response.status >= 500,
    )


def retry_after_s(headers: Mapping[str, str], now_s: float | None = None) -> float:
    """Return the seconds that Retry-After says, 0 where it says nothing that can be understood.

    now_s: seconds since the epoch, for a date; without it the response's own Date is taken.
    https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3
    """
    told = headers.get("retry-after", "").strip()
    if told.isascii() and told.isdigit():
        return min(float(told[:12]), AFTER_MAX_S)
    until = date_s(told)
    since = now_s if now_s is not None else date_s(headers.get("date", ""))
    if until is None or since is None:
        return 0.0
    return min(max(0.0, until - since), AFTER_MAX_S)


def date_s(text: str) -> float | None:
    """Return an HTTP date in seconds since the epoch; None for what is none."""
    try:
        return parsedate_to_datetime(text).timestamp()
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
