"""Short forms of a context, for carriers with little room; those of text survive a change of code page.

| form | length | carries |
|---|---|---|
| bytes | 24 | trace ID (16), span ID (8) |
| hex | 48 | the same |
| base64url | 32 | the same, no padding (RFC 4648 section 5) |
| Crockford's base 32 | 26 | trace ID alone: upper-case letters and digits, so PIC X(26) and EBCDIC-safe |

A context without a span ID is written with the one that `inject` derives. None of these carries a
sampling decision: what has a span ID is read as sampled, for the rest the reader decides by trace ID.
https://www.crockford.com/base32.html
"""

from __future__ import annotations

from observe import ids, w3c
from observe.context import CORRELATION_ID, TRACEPARENT, is_correlation_id
from observe.legacy.carrier import TRACEPARENT_LENGTH, CarrierError, as_text, headers_of, is_document

TYPE_CHECKING = False
if TYPE_CHECKING:
    from observe.context import Context

BYTES_LENGTH = 24
HEX_LENGTH = 48
BASE64URL_LENGTH = 32
CROCKFORD_LENGTH = 26
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

_VALUES = {character: value for value, character in enumerate(CROCKFORD)}
_VALUES |= {character.lower(): value for character, value in _VALUES.items()}
_VALUES |= dict.fromkeys("Oo", 0) | dict.fromkeys("IiLl", 1)
#: What separates the two parts of the longest form; a correlation ID cannot contain it.
_SEPARATOR = ";"
_BASE64URL = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


def to_bytes(context: Context) -> bytes:
    """Return 24 bytes: trace ID, span ID."""
    return bytes.fromhex(to_hex(context))


def to_hex(context: Context) -> str:
    """Return 48 lower-case hex digits: trace ID, span ID."""
    _, trace_id, span_id, _ = headers_of(context)[TRACEPARENT].split("-")
    return trace_id + span_id


def to_base64url(context: Context) -> str:
    """Return 32 characters of `[A-Za-z0-9_-]`: trace ID, span ID."""
    from base64 import urlsafe_b64encode

    return urlsafe_b64encode(to_bytes(context)).decode("ascii")


def to_crockford(trace_id: str) -> str:
    """Return the 26 characters of a trace ID of 32 hex digits. Raises CarrierError("trace_id")."""
    if not ids.is_trace_id(trace_id):
        raise CarrierError("trace_id", f"{trace_id!r} is no trace ID: 32 lower-case hex digits")
    number = int(trace_id, 16)
    return "".join(CROCKFORD[number >> shift & 31] for shift in range(125, -1, -5))


def from_crockford(text: str) -> str:
    """Return the trace ID that 26 characters stand for, or "".

    Case does not matter; I and L are read as 1, O as 0. Blanks around are padding.
    """
    text = text.strip(" \0")
    if len(text) != CROCKFORD_LENGTH or any(character not in _VALUES for character in text):
        return ""
    number = 0
    for character in text:
        number = number << 5 | _VALUES[character]
    trace_id = f"{number:032x}"
    return trace_id if ids.is_trace_id(trace_id) else ""  # over 128 bits: not ours


def text(context: Context, limit: int) -> str | None:
    """Return the form that says the most in at most `limit` ASCII characters, or None below 26.

    `traceparent;correlation ID` (56 to 184; without the second where it is the trace ID), traceparent (55),
    48 hex, 32 hex (the trace ID), 26 Crockford. `read` knows them all. Raises CarrierError("trace_id").
    """
    headers = headers_of(context)
    traceparent, correlation_id = headers[TRACEPARENT], headers[CORRELATION_ID]
    both = traceparent + (_SEPARATOR + correlation_id if correlation_id != context.trace_id else "")
    forms = (both, traceparent, to_hex(context), context.trace_id, to_crockford(context.trace_id))
    return next((form for form in forms if len(form) <= limit), None)


def reference(context: Context, limit: int) -> str | None:
    """Return the trace ID as 26 upper-case letters and digits, or None if `limit` is below that.

    For partners that take a reference of theirs: it survives EBCDIC, UNOA and upper-casing.
    """
    return to_crockford(headers_of(context)[TRACEPARENT][3:35]) if limit >= CROCKFORD_LENGTH else None


def read(value: str | bytes) -> dict[str, str]:
    """Return the headers that any of the forms carries, or {}.

    24 bytes are the binary form; other bytes are read as ASCII. Blanks and NULs around are padding. base64url
    is not among them, because any 32 letters look like it: who expects it calls `read_base64url`. A
    traceparent that somebody put into capitals is read; a correlation ID behind it, which was, too, is not.
    """
    if not is_document(value):
        return {}
    if not isinstance(value, str) and len(value) == BYTES_LENGTH:
        return read_bytes(value)
    value = as_text(value).strip(" \t\r\n\0")
    traceparent, _, correlation_id = value.partition(_SEPARATOR)
    if len(traceparent) >= TRACEPARENT_LENGTH:
        return _read_long(traceparent, correlation_id)
    form = form_of(value)
    if form in ("hex", "trace_id"):
        return _headers(value.lower())
    return _headers(from_crockford(value)) if form == "crockford" else {}


def read_bytes(value: bytes) -> dict[str, str]:
    """Return the headers of the 24-byte form, or {}."""
    binary = is_document(value) and not isinstance(value, str)
    return _headers(bytes(value).hex()) if binary and len(value) == BYTES_LENGTH else {}


def read_base64url(value: str | bytes) -> dict[str, str]:
    """Return the headers of the base64url form, or {}."""
    from base64 import urlsafe_b64decode

    value = as_text(value).strip(" \t\r\n\0") if is_document(value) else ""
    ours = len(value) == BASE64URL_LENGTH and _BASE64URL.issuperset(value)
    return _headers(urlsafe_b64decode(value).hex()) if ours else {}


def form_of(text: str) -> str:
    """Return which short form `text` has: `hex`, `trace_id`, `crockford`, or "".

    A check of the shape: length, alphabet, neither ID all zero. Crockford's form is only taken for ours in
    upper case, without I, L and O and below 2^128, which no IBAN, EIN or word of 26 letters is.
    """
    lower = text.lower()
    if len(text) == HEX_LENGTH and ids.is_trace_id(lower[:32]) and ids.is_span_id(lower[32:]):
        return "hex"
    if len(text) == 32 and ids.is_hex(lower):
        return "trace_id" if ids.is_trace_id(lower) else ""
    if len(text) == CROCKFORD_LENGTH and text[0] in "01234567" and not text.strip(CROCKFORD):
        return "crockford" if from_crockford(text) else ""
    return ""


def _read_long(traceparent: str, correlation_id: str) -> dict[str, str]:
    if not w3c.parse_traceparent(traceparent)[0]:
        folded = traceparent.lower()
        return {TRACEPARENT: folded} if w3c.parse_traceparent(folded)[0] else {}
    headers = {TRACEPARENT: traceparent}
    if is_correlation_id(correlation_id):
        headers[CORRELATION_ID] = correlation_id
    return headers


def _headers(digits: str) -> dict[str, str]:
    """48 digits are a parent; 32 are a correlation ID, from which the trace ID is derived."""
    trace_id, span_id = digits[:32], digits[32:]
    if not ids.is_trace_id(trace_id):
        return {}
    if ids.is_span_id(span_id):
        return {TRACEPARENT: f"00-{trace_id}-{span_id}-01"}
    return {} if span_id else {CORRELATION_ID: trace_id}
