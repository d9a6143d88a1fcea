"""New and derived IDs, and the one sampling decision both sides share.

Everything here is a pure function of its arguments, except `new_trace_id` and `new_span_id`,
which read the operating system's random source: it is correct after a SnapStart restore or a
fork, where a seeded generator would repeat itself.

Specification: docs/spec/context.md, test vectors in docs/spec/context-vectors.json.
"""

from __future__ import annotations

import os

try:  # The built-in modules are nearly free; hashlib loads OpenSSL, 12 ms of every cold start.
    from _sha2 import sha256 as _sha256  # type: ignore[import-not-found,unused-ignore]
except ImportError:
    try:
        from _sha256 import sha256 as _sha256  # type: ignore[import-not-found,no-redef,unused-ignore]
    except ImportError:
        from hashlib import sha256 as _sha256

HEX = "0123456789abcdef"
NO_TRACE_ID = "0" * 32
NO_SPAN_ID = "0" * 16
#: What is trimmed off an ID: docs/spec/context.md, "Derivation".
BLANK = " \t\r\n"
_TWO_56 = 1 << 56


def is_hex(value: str) -> bool:
    """Whether every character is one of 0-9 a-f; upper case is not, the empty string is."""
    return not value.strip(HEX)


def is_trace_id(value: str) -> bool:
    """Whether `value` is a valid W3C trace ID: 32 lower-case hex digits, not all zero."""
    return len(value) == 32 and is_hex(value) and value != NO_TRACE_ID


def is_span_id(value: str) -> bool:
    """Whether `value` is a valid W3C parent ID: 16 lower-case hex digits, not all zero."""
    return len(value) == 16 and is_hex(value) and value != NO_SPAN_ID


def new_trace_id() -> str:
    """Return 32 random hex digits, never all zero."""
    value = os.urandom(16).hex()
    return value if value != NO_TRACE_ID else new_trace_id()


def new_span_id() -> str:
    """Return 16 random hex digits, never all zero."""
    value = os.urandom(8).hex()
    return value if value != NO_SPAN_ID else new_span_id()


def derive_trace_id(value: str) -> str:
    """Return the trace ID that both sides derive from the same correlation ID: 32 hex digits.

    32 hex digits or a UUID are the trace ID in lower case; `1-8hex-24hex` (X-Ray) its 32 digits;
    anything else is the first 16 bytes of SHA-256 of the value, trimmed of blanks, in UTF-8.
    Never all zero. docs/spec/context.md, "Derivation"
    """
    value = value.strip(BLANK)
    digits = _digits(value.lower())
    if digits and digits != NO_TRACE_ID:
        return digits
    derived: str = _sha256(value.encode("utf-8", "replace")).digest()[:16].hex()
    return derived if derived != NO_TRACE_ID else NO_TRACE_ID[:-1] + "1"


def _digits(value: str) -> str:
    """The 32 digits of a trace ID, UUID or X-Ray Root, or ""."""
    if len(value) == 36 and value[8] == value[13] == value[18] == value[23] == "-":
        value = value.replace("-", "")
    elif len(value) == 35 and value.startswith("1-") and value[10] == "-":
        value = value[2:10] + value[11:]
    return value if len(value) == 32 and is_hex(value) else ""


def derived_span_id(trace_id: str) -> str:
    """Return the span ID that stands for the unknown root of a derived trace: its low 16 digits.

    trace_id: 32 hex digits. A span link needs a span ID, and the root of the other side is unknown.
    """
    low = trace_id[16:]
    return low if low != NO_SPAN_ID else NO_SPAN_ID[:-1] + "1"


def root_of(header: str) -> str:
    """Return the 32 digits of `Root=1-8hex-24hex` in an X-Amzn-Trace-Id header, or ""."""
    root = field_of(header, "Root").lower()
    digits = _digits(root) if root.startswith("1-") else ""
    return digits if digits != NO_TRACE_ID else ""


def segment_of(header: str) -> tuple[str, str, bool]:
    """Return (Root's 32 digits, Parent, whether X-Ray records) of an X-Amzn-Trace-Id header.

    ("", "", False) for one without a Root; "" as Parent for one that is no span ID.
    https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader
    """
    root = root_of(header) if header else ""
    if not root:
        return "", "", False
    parent = field_of(header, "Parent").lower()
    return root, parent if is_span_id(parent) else "", field_of(header, "Sampled") == "1"


def field_of(header: str, name: str) -> str:
    """Return one field of an X-Amzn-Trace-Id header (`Root=...;Parent=...;Sampled=1`), or ""."""
    for part in header.split(";"):
        key, _, value = part.strip().partition("=")
        if key == name:
            return value
    return ""


def sampled_by_rate(trace_id: str, rate: float) -> bool:
    """Decide by the trace ID alone, so that every hop and both sides decide alike.

    The low 56 bits of SHA-256 over the 32 lower-case hex characters, as a fraction of 2^56, are
    below `rate` (0 to 1). docs/spec/context.md, "Sampling"
    """
    if rate >= 1:
        return True
    low = int.from_bytes(_sha256(trace_id.encode("ascii", "replace")).digest()[-7:], "big")
    return low < rate * _TWO_56


def key_mark(name: str, value: str, secret: str) -> str:
    """Return the mark of a business key: `claim=<32 hex>`, the same wherever the secret is the same.

    The first 16 bytes of HMAC-SHA-256 with `secret` over `<name>=<value>`, value trimmed of blanks, in
    UTF-8: who has the secret finds the key again, who reads the mark does not learn it.
    docs/spec/context.md, "Business keys"; https://www.rfc-editor.org/rfc/rfc2104
    """
    message = f"{name}={value.strip(BLANK)}".encode("utf-8", "replace")
    return f"{name}={_hmac(secret.encode('utf-8', 'replace'), message)[:16].hex()}"


def event_mac(request_id: str, text: str, secret: str) -> str:
    """Return what proves that who knows the secret wrote down an invocation's event: 32 hex digits.

    The first 16 bytes of HMAC-SHA-256 with `secret` over `observe.invocation_event`, the request ID and the
    event's text, with a NUL between them, in UTF-8. docs/spec/lines.md, "The event of a failed invocation"
    """
    message = f"observe.invocation_event\0{request_id}\0{text}".encode("utf-8", "replace")
    return _hmac(secret.encode("utf-8", "replace"), message)[:16].hex()


def _hmac(key: bytes, message: bytes) -> bytes:
    """HMAC-SHA-256: the hmac module loads OpenSSL, which a cold start would pay for."""
    key = (_sha256(key).digest() if len(key) > 64 else key).ljust(64, b"\0")
    inner: bytes = _sha256(bytes(b ^ 0x36 for b in key) + message).digest()
    outer: bytes = _sha256(bytes(b ^ 0x5C for b in key) + inner).digest()
    return outer
