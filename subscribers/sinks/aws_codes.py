"""What the error codes of AWS mean: the status that another API would have answered.

AWS says 400 for much that is none: throttling, an expired token, a request that is too large.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_aws-signing.html
https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from msgspec.structs import replace

from subscribers.sinks import statuses
from subscribers.sinks.channel import DETAIL_MAX, Item, Refusal, Response, Verdict

_THROTTLED = (
    *("Throttling", "ThrottlingException", "ThrottledException", "RequestThrottled"),
    *("RequestThrottledException", "TooManyRequestsException", "RequestLimitExceeded", "SlowDown"),
    *("ProvisionedThroughputExceededException", "BandwidthLimitExceeded", "PriorRequestNotComplete"),
)
_UNAUTHORIZED = (
    *("ExpiredToken", "ExpiredTokenException", "RequestExpired", "RequestTimeTooSkewed"),
    *("InvalidClientTokenId", "UnrecognizedClientException", "InvalidSignatureException"),
    *("SignatureDoesNotMatch", "IncompleteSignature", "MissingAuthenticationToken"),
    *("MissingAuthenticationTokenException", "AuthFailure", "NotAuthorized"),
    *("AccessDenied", "AccessDeniedException"),
)
#: Code -> status, where AWS's own may say something else.
STATUSES: dict[str, int] = {
    **dict.fromkeys(_THROTTLED, 429),
    **dict.fromkeys(_UNAUTHORIZED, 403),
    **dict.fromkeys(("RequestEntityTooLarge", "RequestEntityTooLargeException", "RequestTooLarge"), 413),
    **dict.fromkeys(("ServiceUnavailable", "ServiceUnavailableException"), 503),
    **dict.fromkeys(("InternalFailure", "InternalServerError", "InternalServiceFault"), 500),
    **dict.fromkeys(("InternalServiceError", "InternalError"), 500),
    **dict.fromkeys(("RequestTimeout", "RequestTimeoutException"), 408),
    **dict.fromkeys(("ResourceNotFound", "ResourceNotFoundException"), 404),
}
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9]{0,63}")
_CAPITAL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def whole(items: Sequence[Item], response: Response, *, is_repeatable: bool) -> Verdict:
    """Return the verdict on a call that failed as a whole; as `statuses.whole`, by the error's code first."""
    status = STATUSES.get(response.error_code, response.status)
    said = f"{response.error_code}: {response.detail}" if response.error_code else ""
    return statuses.whole(items, replace(response, status=status), said, is_repeatable=is_repeatable)


def of_item(code: str, message: str) -> tuple[Refusal, bool]:
    """Return (refusal, whether it may be taken the next time) of one item's error code."""
    detail = f"{code}: {message}"[:DETAIL_MAX]
    status = STATUSES.get(code)
    if status is None:
        return Refusal(word(code), 0, detail), False
    meaning = statuses.meaning_of(status)
    return Refusal(meaning.reason, 0, detail), meaning.fate in ("retry", "authorize")


def told_at_s(response: Response) -> float | None:
    """Return when AWS answered, by its own clock, in seconds since the epoch; None where it does not say."""
    return statuses.date_s(response.headers.get("date", ""))


def word(code: str) -> str:
    """Return a code as a reason: `InvalidTraceId` is `invalid_trace_id`; what is no code `rejected`."""
    if not _WORD.fullmatch(code):
        return "rejected"
    return _CAPITAL.sub("_", code.removesuffix("Exception")).lower() or "rejected"
