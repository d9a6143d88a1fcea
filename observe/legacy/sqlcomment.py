"""Comments of ad-hoc SQL statements, in the format of sqlcommenter.

For statements that are executed as they are and once. A comment that changes with every request makes
every statement a new one for plan caches (https://github.com/google/sqlcommenter/issues/284), so what looks
prepared is left alone, and so is what has a comment: it may be a hint. `sql` has carriers without this cost.
https://open-telemetry.github.io/opentelemetry-sqlcommenter/specifications
"""

from __future__ import annotations

import re

from observe.context import CORRELATION_ID, TRACEPARENT, TRACESTATE
from observe.legacy.carrier import CarrierError, Written, headers_of, ours, text_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from observe.context import Context

_KEYS = {TRACEPARENT: "traceparent", TRACESTATE: "tracestate", CORRELATION_ID: "x_correlation_id"}
_HEADERS = {key: header for header, key in _KEYS.items()}
# ?, %s, %(name)s, :1, :name (but not ::type), $1, @p1
_PARAMETER = re.compile(r"\?|%s|%\(|(?<![:\w]):\w|\$\d|@\w")
# {: JDBC's escape for a procedure
_PREPARED = re.compile(
    r"\s*(?:\{|(?:PREPARE|EXECUTE|EXEC|DEALLOCATE|CALL|BEGIN|DECLARE|CREATE|ALTER)\b)", re.IGNORECASE
)
# Possessive, or a value of megabytes would cost gigabytes.
_PAIR = re.compile(r"\s*+([^=,\s']++)\s*+=\s*+'([^'\\]*+(?:\\.[^'\\]*+)*+)'\s*+(?:,|$)", re.DOTALL)


def comment(context: Context) -> str:
    """Return `/*traceparent='...',tracestate='...',x_correlation_id='...'*/`.

    Values are URL-encoded, which leaves letters, digits and `_.-~%`: none of them can end a comment.
    """
    from urllib.parse import quote

    headers = headers_of(context)
    pairs = sorted((key, quote(headers[name], safe="")) for name, key in _KEYS.items() if name in headers)
    return "/*" + ",".join(f"{key}='{value}'" for key, value in pairs) + "*/"


def carry(sql: str, context: Context | None, *, prepared: bool = False) -> Written[str]:
    """Append our comment to one ad-hoc statement, before a semicolon at its end.

    prepared: True where the caller knows that the statement is prepared or executed often. Reasons:
    `prepared` (that, or placeholders, or a procedure), `comment` (it has one, or a hint, or what looks like
    one in a literal), `empty`. Raises CarrierError("document") for what is no text.
    """
    if not isinstance(sql, str):
        raise CarrierError("document", f"a statement is text, not {type(sql).__name__}")
    if context is None:
        return Written(sql, "no_context")
    own = comment(context)
    if not sql.strip(" \t\r\n;"):
        return Written(sql, "empty")
    if "--" in sql or "/*" in sql or "*/" in sql or "#" in sql:
        return Written(sql, "comment")
    if prepared or _PARAMETER.search(sql) or _PREPARED.match(sql):
        return Written(sql, "prepared")
    end = len(sql.rstrip(" \t\r\n;"))
    return Written(f"{sql[:end]} {own}{sql[end:]}")


def read(sql: str | bytes) -> dict[str, str]:
    """Return the headers of the last comment of a statement, or {}; other tools' keys are passed over."""
    from urllib.parse import unquote

    sql = text_of(sql) or ""
    start, end = sql.rfind("/*"), sql.rfind("*/")
    if not 0 <= start < end:
        return {}
    text, at = sql[start + 2 : end].strip(), 0
    headers = {}
    while found := _PAIR.match(text, at):
        at = found.end()
        key = unquote(found[1])
        if key in _HEADERS:
            headers[_HEADERS[key]] = unquote(re.sub(r"\\(.)", r"\1", found[2]))
    return ours(headers)
