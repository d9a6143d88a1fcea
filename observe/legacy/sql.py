"""The session of a database: what a trigger, an audit trail or a DBA's view can read.

Each function returns a Statement to execute on the connection before the work, once a request. It does not
change the text of the work's own statements, so no plan cache suffers. Carried are traceparent and
correlation ID, in the longest form that fits (`compact.text`). No driver is imported.

A pool hands the session on: set it for every request, or clear it.
"""

from __future__ import annotations

from typing import NamedTuple

from observe.context import CORRELATION_ID, TRACEPARENT
from observe.legacy import compact
from observe.legacy.carrier import CarrierError, headers_of, text_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from observe.context import Context

#: "less than NAMEDATALEN characters (64 characters in a standard build)"
#: https://www.postgresql.org/docs/current/runtime-config-logging.html#GUC-APPLICATION-NAME
POSTGRESQL_APPLICATION_NAME_MAX = 63
#: CLIENT_IDENTIFIER and CLIENT_INFO of V$SESSION have 64 bytes, a module 48, an action 32 (64 in 11.2.0.2).
#: https://www.php.net/manual/en/function.oci-set-client-identifier.php,
#: http://www.timothyhopkins.net/2012/07/moduleaction-increased-to-64-bytes-or-have-they/
ORACLE_MAX = {"client_identifier": 64, "client_info": 64, "module": 48, "action": 32}
#: "up to 128 bytes of binary information"
#: https://learn.microsoft.com/en-us/sql/t-sql/statements/set-context-info-transact-sql
SQLSERVER_CONTEXT_INFO_MAX = 128
#: A key 128 bytes, a value 8,000, the session 1 MB (256 KB before SQL Server 2017)
#: https://learn.microsoft.com/en-us/sql/relational-databases/system-stored-procedures/sp-set-session-context-transact-sql
SQLSERVER_SESSION_VALUE_MAX = 8000
#: VARCHAR(255): https://www.ibm.com/docs/en/db2-for-zos/13.0.0?topic=registers-current-client-corr-token,
#: https://www.ibm.com/docs/en/db2/11.5?topic=keywords-clientapplname (Db2 10 for z/OS and older: 32)
DB2_MAX = 255

STYLES = ("format", "pyformat", "qmark", "numeric", "named", "literal")
_DB2_FIELDS = ("userid", "wrkstnname", "applname", "acctstr")


class Statement(NamedTuple):
    """What to give to `cursor.execute`: parameters are a tuple, or a dictionary for named styles."""

    sql: str
    parameters: tuple[Any, ...] | dict[str, Any]


def postgresql(context: Context, *, local: bool = False, style: str = "format") -> Statement:
    """`set_config('observe.traceparent', ...)` and `observe.correlation_id`, by one SELECT.

    local: until the end of the transaction, as SET LOCAL, which takes no parameters: right for pgbouncer.
    https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-ADMIN-SET
    """
    headers = headers_of(context)
    end = "true" if local else "false"
    sql = (
        f"SELECT set_config('observe.traceparent', {{traceparent}}, {end}), "
        f"set_config('observe.correlation_id', {{correlation_id}}, {end})"
    )
    return _statement(sql, style, traceparent=headers[TRACEPARENT], correlation_id=headers[CORRELATION_ID])


def postgresql_application_name(
    context: Context, name: str = "", *, local: bool = False, style: str = "format"
) -> Statement | None:
    """`application_name`, as in pg_stat_activity and log_line_prefix: `name/<trace>` in 63 bytes, or None.

    Raises CarrierError("name") if the name has other than printable ASCII.
    """
    if not name.isascii() or not (name.isprintable() or not name):
        raise CarrierError("name", "an application_name is printable ASCII")
    start = f"{name}/" if name else ""
    form = compact.text(context, POSTGRESQL_APPLICATION_NAME_MAX - len(start))
    if form is None:
        return None
    end = "true" if local else "false"
    return _statement(f"SELECT set_config('application_name', {{name}}, {end})", style, name=start + form)


def mysql(context: Context, *, style: str = "format") -> Statement:
    """User variables `@observe_traceparent` and `@observe_correlation_id`, seen in user_variables_by_thread.

    https://dev.mysql.com/doc/refman/8.4/en/user-variables.html (names have at most 64 characters)
    """
    headers = headers_of(context)
    sql = "SET @observe_traceparent = {traceparent}, @observe_correlation_id = {correlation_id}"
    return _statement(sql, style, traceparent=headers[TRACEPARENT], correlation_id=headers[CORRELATION_ID])


def oracle(context: Context, *, field: str = "client_identifier", style: str = "named") -> Statement:
    """A field of V$SESSION: `client_identifier`, `client_info`, `module` or `action`.

    Database links pass on the client identifier alone.
    64 bytes take a traceparent, a module 48 hex digits, an action the trace ID. A client identifier may
    already be the end user's, for auditing or VPD: then use another. Raises CarrierError("field").
    https://docs.oracle.com/en/database/oracle/oracle-database/21/arpls/DBMS_SESSION.html
    """
    calls = {
        "client_identifier": "DBMS_SESSION.SET_IDENTIFIER({value})",
        "client_info": "DBMS_APPLICATION_INFO.SET_CLIENT_INFO({value})",
        "module": "DBMS_APPLICATION_INFO.SET_MODULE({value}, NULL)",
        "action": "DBMS_APPLICATION_INFO.SET_ACTION({value})",
    }
    if field not in calls:
        raise CarrierError("field", f"one of {', '.join(calls)}, not {field!r}")
    return _statement(f"BEGIN {calls[field]}; END;", style, value=compact.text(context, ORACLE_MAX[field]))


def sqlserver(context: Context, *, style: str = "qmark") -> Statement:
    """SESSION_CONTEXT keys `observe.traceparent` and `observe.correlation_id` (SQL Server 2016 and later)."""
    headers = headers_of(context)
    sql = (
        "EXEC sys.sp_set_session_context @key = N'observe.traceparent', @value = {traceparent}; "
        "EXEC sys.sp_set_session_context @key = N'observe.correlation_id', @value = {correlation_id}"
    )
    return _statement(sql, style, traceparent=headers[TRACEPARENT], correlation_id=headers[CORRELATION_ID])


def sqlserver_context_info(context: Context) -> Statement:
    """CONTEXT_INFO, for SQL Server before 2016: ASCII text of at most 128 bytes, as a binary literal.

    It takes constants and variables only, so there are no parameters.
    """
    form = compact.text(context, SQLSERVER_CONTEXT_INFO_MAX) or ""
    return Statement(f"SET CONTEXT_INFO 0x{form.encode('ascii').hex()}", ())


def db2(
    context: Context, *, field: str = "acctstr", platform: str = "luw", style: str = "qmark"
) -> Statement:
    """A client register by WLM_SET_CLIENT_INFO; the others stay as they are. At most 255 characters.

    field: `acctstr` or `applname` (also `userid`, `wrkstnname`); platform: `luw` or `zos`, whose procedure
    takes four arguments. Raises CarrierError("field" | "platform").
    https://www.ibm.com/docs/en/db2/12.1?topic=routines-wlm-set-client-info-set-client-information
    """
    if field not in _DB2_FIELDS:
        raise CarrierError("field", f"one of {', '.join(_DB2_FIELDS)}, not {field!r}")
    if platform not in ("luw", "zos"):
        raise CarrierError("platform", f"luw or zos, not {platform!r}")
    arguments = ["{value}" if name == field else "NULL" for name in _DB2_FIELDS]
    arguments += ["NULL"] if platform == "luw" else []
    sql = f"CALL SYSPROC.WLM_SET_CLIENT_INFO({', '.join(arguments)})"
    return _statement(sql, style, value=compact.text(context, DB2_MAX))


def db2_correlation_token(context: Context) -> str:
    """Return the connection's ClientCorrelationToken: CURRENT CLIENT_CORR_TOKEN is not set by SQL."""
    return compact.text(context, DB2_MAX) or ""


def read(value: str | bytes | None, correlation_id: str | None = None) -> dict[str, str]:
    """Return the headers of what was read back: a form of ours, after `name/` or padded, or {}.

    correlation_id: where the database keeps it apart (PostgreSQL, MySQL, SQL Server).
    """
    text = text_of(value) or ""
    headers = compact.read(text)
    while not headers and "/" in text and len(text) <= DB2_MAX:
        text = text.partition("/")[2]
        headers = compact.read(text)
    return headers | {CORRELATION_ID: correlation_id} if headers and correlation_id else headers


def _statement(sql: str, style: str, **values: str | None) -> Statement:
    """Fill in placeholders in a driver's style; a literal is quoted, and has no character but our IDs'."""
    if style not in STYLES:
        raise CarrierError("style", f"one of {', '.join(STYLES)}, not {style!r}")
    given = {name: value or "" for name, value in values.items()}
    marks = {
        "format": dict.fromkeys(given, "%s"),
        "pyformat": {name: f"%({name})s" for name in given},
        "qmark": dict.fromkeys(given, "?"),
        "numeric": {name: f":{number}" for number, name in enumerate(given, 1)},
        "named": {name: f":{name}" for name in given},
        "literal": {name: "'" + value.replace("'", "''") + "'" for name, value in given.items()},
    }[style]
    if style == "literal":
        return Statement(sql.format(**marks), ())
    return Statement(sql.format(**marks), given if style in ("pyformat", "named") else tuple(given.values()))
