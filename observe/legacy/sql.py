"""The session of a database: what a trigger, an audit trail or a DBA's view can read.

Each function returns a Statement to execute on the connection before the work, once a request. It does not
change the text of the work's own statements, so no plan cache suffers. Carried are traceparent and
correlation ID, in the longest form that fits (`compact.text`). No driver is imported.

A pool hands the session on, with what was set: execute the statement for every request. Where there is no
context, None instead of one clears what the request before left: `sql.postgresql(observe.current())`.
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
#: "Names longer than 48 bytes are truncated", "longer than 32 bytes", "Information exceeding 64 bytes":
#: https://docs.oracle.com/cd/A91202_01/901_doc/appdev.901/a89852/dbms_ap2.htm and dbms_ap5.htm. The package's
#: text says 64 for module and action since 11.2.0.2, the manual does not: the smaller ones are safe.
#: A client identifier has 64: https://www.php.net/manual/en/function.oci-set-client-identifier.php
ORACLE_MAX = {"client_identifier": 64, "client_info": 64, "module": 48, "action": 32}
#: "up to 128 bytes of binary information"
#: https://learn.microsoft.com/en-us/sql/t-sql/statements/set-context-info-transact-sql
SQLSERVER_CONTEXT_INFO_MAX = 128
#: "The maximum key size is 128 bytes", of a value 8,000, of the session 1 MB (256 KB before SQL Server 2017):
#: https://learn.microsoft.com/en-us/sql/relational-databases/system-stored-procedures/sp-set-session-context-transact-sql
SQLSERVER_SESSION_KEY_MAX = 128
SQLSERVER_SESSION_VALUE_MAX = 8000
#: VARCHAR(255): https://www.ibm.com/docs/en/db2-for-zos/13.0.0?topic=registers-current-client-corr-token,
#: https://www.ibm.com/docs/SSEPGG_11.1.0/com.ibm.db2.luw.sql.ref.doc/doc/r0005865.html
DB2_MAX = 255
#: "If the value specified exceeds 128 bytes, it is truncated", of the user ID on z/OS alone:
#: https://www.ibm.com/support/knowledgecenter/SSEPEK_12.0.0/sqlref/src/tpc/db2z_sp_wlmsetclientinfo.html
DB2_ZOS_USERID_MAX = 128

STYLES = ("format", "pyformat", "qmark", "numeric", "named", "literal")
_DB2_FIELDS = ("userid", "wrkstnname", "applname", "acctstr")


class Statement(NamedTuple):
    """What to give to `cursor.execute`: parameters are a tuple, or a dictionary for named styles."""

    sql: str
    parameters: tuple[Any, ...] | dict[str, Any]


def postgresql(context: Context | None, *, local: bool = False, style: str = "format") -> Statement:
    """`set_config('observe.traceparent', ...)` and `observe.correlation_id`, by one SELECT.

    local: until the end of the transaction, as SET LOCAL, which takes no parameters: right for pgbouncer.
    https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-ADMIN-SET
    """
    end = "true" if local else "false"
    sql = (
        f"SELECT set_config('observe.traceparent', {{traceparent}}, {end}), "
        f"set_config('observe.correlation_id', {{correlation_id}}, {end})"
    )
    return _statement(sql, style, **_ids(context, ""))


def postgresql_application_name(
    context: Context | None, name: str = "", *, local: bool = False, style: str = "format"
) -> Statement:
    """`application_name`, as in pg_stat_activity and log_line_prefix: `name/<form>`, in 63 bytes.

    Raises CarrierError("name") if the name has other than printable ASCII or leaves no room.
    """
    if not name.isascii() or not (name.isprintable() or not name):
        raise CarrierError("name", "an application_name is printable ASCII")
    if style == "literal" and "\\" in name:
        raise CarrierError("name", "a backslash in a literal means what the server's settings say")
    value: str | None = name
    if context is not None:
        start = f"{name}/" if name else ""
        form = compact.text(context, POSTGRESQL_APPLICATION_NAME_MAX - len(start))
        value = start + form if form is not None else None
    if value is None or len(value) > POSTGRESQL_APPLICATION_NAME_MAX:
        room = POSTGRESQL_APPLICATION_NAME_MAX - compact.CROCKFORD_LENGTH - 1
        raise CarrierError("name", f"{name!r:.80} leaves no room in an application_name: at most {room}")
    end = "true" if local else "false"
    return _statement(f"SELECT set_config('application_name', {{name}}, {end})", style, name=value)


def mysql(context: Context | None, *, style: str = "format") -> Statement:
    """User variables `@observe_traceparent` and `@observe_correlation_id`, seen in user_variables_by_thread.

    https://dev.mysql.com/doc/refman/8.4/en/user-variables.html (names have at most 64 characters)
    """
    sql = "SET @observe_traceparent = {traceparent}, @observe_correlation_id = {correlation_id}"
    return _statement(sql, style, **_ids(context, None))


def oracle(context: Context | None, *, field: str = "client_identifier", style: str = "named") -> Statement:
    """A field of V$SESSION: `client_identifier`, `client_info`, `module` (the action stays) or `action`.

    Database links pass on the client identifier alone.
    64 bytes take a traceparent, a module 48 hex digits, an action the trace ID. A client identifier may
    already be the end user's, for auditing or VPD: then use another. Raises CarrierError("field").
    https://docs.oracle.com/en/database/oracle/oracle-database/21/arpls/DBMS_SESSION.html
    """
    calls = {
        "client_identifier": "DBMS_SESSION.SET_IDENTIFIER({value})",
        "client_info": "DBMS_APPLICATION_INFO.SET_CLIENT_INFO({value})",
        "module": "DBMS_APPLICATION_INFO.SET_MODULE({value}, SYS_CONTEXT('USERENV', 'ACTION'))",
        "action": "DBMS_APPLICATION_INFO.SET_ACTION({value})",
    }
    if field not in calls:
        raise CarrierError("field", f"one of {', '.join(calls)}, not {field!r}")
    return _statement(f"BEGIN {calls[field]}; END;", style, value=_form(context, ORACLE_MAX[field], None))


def sqlserver(context: Context | None, *, style: str = "qmark") -> Statement:
    """SESSION_CONTEXT keys `observe.traceparent` and `observe.correlation_id` (SQL Server 2016 and later)."""
    sql = (
        "EXEC sys.sp_set_session_context @key = N'observe.traceparent', @value = {traceparent}; "
        "EXEC sys.sp_set_session_context @key = N'observe.correlation_id', @value = {correlation_id}"
    )
    return _statement(sql, style, **_ids(context, None))


def sqlserver_context_info(context: Context | None) -> Statement:
    """CONTEXT_INFO, for SQL Server before 2016: ASCII text of at most 128 bytes, as a binary literal.

    It takes constants and variables only, so there are no parameters.
    """
    form = _form(context, SQLSERVER_CONTEXT_INFO_MAX, "\0") or ""
    return Statement(f"SET CONTEXT_INFO 0x{form.encode('ascii').hex()}", ())


def db2(
    context: Context | None,
    *,
    field: str = "acctstr",
    platform: str = "luw",
    limit: int = DB2_MAX,
    style: str = "qmark",
) -> Statement:
    """A client register by WLM_SET_CLIENT_INFO; the others stay as they are.

    field: `acctstr` or `applname` (also `userid`, `wrkstnname`); platform: `luw` or `zos`, whose procedure
    takes four arguments. limit: of what is longer Db2 for z/OS keeps the beginning, which would be another
    ID. Before version 11 an applname has 32. Raises CarrierError("field" | "platform" | "limit").
    https://www.ibm.com/docs/en/db2/12.1?topic=routines-wlm-set-client-info-set-client-information
    """
    if field not in _DB2_FIELDS:
        raise CarrierError("field", f"one of {', '.join(_DB2_FIELDS)}, not {field!r}")
    if platform not in ("luw", "zos"):
        raise CarrierError("platform", f"luw or zos, not {platform!r}")
    most = DB2_ZOS_USERID_MAX if (field, platform) == ("userid", "zos") else DB2_MAX
    if not compact.CROCKFORD_LENGTH <= limit <= DB2_MAX:
        raise CarrierError("limit", f"{compact.CROCKFORD_LENGTH} to {DB2_MAX} bytes, not {limit}")
    arguments = ["{value}" if name == field else "NULL" for name in _DB2_FIELDS]
    arguments += ["NULL"] if platform == "luw" else []
    sql = f"CALL SYSPROC.WLM_SET_CLIENT_INFO({', '.join(arguments)})"
    return _statement(sql, style, value=_form(context, min(limit, most), ""))


def db2_correlation_token(context: Context) -> str:
    """Return the connection's ClientCorrelationToken: CURRENT CLIENT_CORR_TOKEN is not set by SQL."""
    return compact.text(context, DB2_MAX) or ""


def read(value: str | bytes | None, correlation_id: str | bytes | None = None) -> dict[str, str]:
    """Return the headers of what was read back: a form of ours, after `name/` or padded, or {}.

    correlation_id: where the database keeps it apart (PostgreSQL, MySQL, SQL Server).
    """
    text = text_of(value) or ""
    headers = compact.read(text)
    while not headers and "/" in text and len(text) <= DB2_MAX:
        text = text.partition("/")[2]
        headers = compact.read(text)
    apart = text_of(correlation_id)
    return headers | {CORRELATION_ID: apart} if apart else headers


def _ids(context: Context | None, cleared: str | None) -> dict[str, str | None]:
    """Both IDs, or for no context what clears them."""
    if context is None:
        return {"traceparent": cleared, "correlation_id": cleared}
    headers = headers_of(context)
    return {"traceparent": headers[TRACEPARENT], "correlation_id": headers[CORRELATION_ID]}


def _form(context: Context | None, limit: int, cleared: str | None) -> str | None:
    return cleared if context is None else compact.text(context, limit)


def _statement(sql: str, style: str, **values: str | None) -> Statement:
    """Fill in placeholders in a driver's style; a literal is quoted, and has no backslash."""
    if style not in STYLES:
        raise CarrierError("style", f"one of {', '.join(STYLES)}, not {style!r}")
    marks = {
        "format": dict.fromkeys(values, "%s"),
        "pyformat": {name: f"%({name})s" for name in values},
        "qmark": dict.fromkeys(values, "?"),
        "numeric": {name: f":{number}" for number, name in enumerate(values, 1)},
        "named": {name: f":{name}" for name in values},
        "literal": {name: _literal(value) for name, value in values.items()},
    }[style]
    given = () if style == "literal" else tuple(values.values())
    return Statement(sql.format(**marks), values if style in ("pyformat", "named") else given)


def _literal(value: str | None) -> str:
    return "NULL" if value is None else "'" + value.replace("'", "''") + "'"
