"""Database sessions and SQL comments."""

from __future__ import annotations

import re
import sqlite3
import tracemalloc

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from observe.context import Context
from observe.legacy import CarrierError, sql, sqlcomment
from tests.observe.legacy.contexts import CONTEXTS, PLAIN, WHOLE, WILD, ids, ids_of

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
CORRELATION_ID = "CLM-889123:2024/11@eu"


def context_info(context: Context) -> bytes:
    return bytes.fromhex(sql.sqlserver_context_info(context).sql.rpartition("0x")[2])


def test_the_statements_of_each_database() -> None:
    """SQL and parameters as the driver takes them."""
    assert sql.postgresql(WHOLE, local=True) == (
        "SELECT set_config('observe.traceparent', %s, true), set_config('observe.correlation_id', %s, true)",
        (TRACEPARENT, CORRELATION_ID),
    )
    assert sql.mysql(WHOLE, style="pyformat") == (
        "SET @observe_traceparent = %(traceparent)s, @observe_correlation_id = %(correlation_id)s",
        {"traceparent": TRACEPARENT, "correlation_id": CORRELATION_ID},
    )
    assert sql.oracle(WHOLE) == ("BEGIN DBMS_SESSION.SET_IDENTIFIER(:value); END;", {"value": TRACEPARENT})
    assert sql.oracle(WHOLE, field="action", style="numeric") == (
        "BEGIN DBMS_APPLICATION_INFO.SET_ACTION(:1); END;",
        (WHOLE.trace_id,),
    )
    assert sql.sqlserver(WHOLE).sql.count("?") == 2
    assert sql.sqlserver_context_info(WHOLE).sql == (
        "SET CONTEXT_INFO 0x" + f"{TRACEPARENT};{CORRELATION_ID}".encode().hex()
    )
    assert sql.db2(WHOLE) == (
        "CALL SYSPROC.WLM_SET_CLIENT_INFO(NULL, NULL, NULL, ?, NULL)",
        (f"{TRACEPARENT};{CORRELATION_ID}",),
    )
    assert sql.db2(WHOLE, platform="zos", field="applname", style="literal") == (
        f"CALL SYSPROC.WLM_SET_CLIENT_INFO(NULL, NULL, '{TRACEPARENT};{CORRELATION_ID}', NULL)",
        (),
    )
    assert sql.postgresql_application_name(WHOLE, "billing") == (
        "SELECT set_config('application_name', %s, false)",
        (f"billing/{TRACEPARENT}",),
    )


@given(st.one_of(CONTEXTS, WILD))
def test_no_value_passes_the_limit_of_its_field(context: Context) -> None:
    """63, 64, 64, 48, 32, 128 and 255 bytes."""
    name = sql.postgresql_application_name(context)
    values = [
        (name.parameters[0], sql.POSTGRESQL_APPLICATION_NAME_MAX, 63),
        (context_info(context), sql.SQLSERVER_CONTEXT_INFO_MAX, 128),
        (sql.db2(context).parameters[0], sql.DB2_MAX, 255),
        (sql.db2_correlation_token(context), sql.DB2_MAX, 255),
    ]
    for field, limit in {"client_identifier": 64, "client_info": 64, "module": 48, "action": 32}.items():
        (value,) = sql.oracle(context, field=field, style="qmark").parameters
        values.append((value, sql.ORACLE_MAX[field], limit))
    for value, constant, limit in values:
        assert len(value) <= constant == limit
        assert ids_of(sql.read(value))[0] == context.trace_id


@given(CONTEXTS)
def test_a_session_gives_back_the_ids(context: Context) -> None:
    """Padded with NULs as CONTEXT_INFO is; apart as in PostgreSQL; behind a name."""
    assert ids_of(sql.read(context_info(context).ljust(128, b"\0")))[:2] == ids(context)[:2]
    assert ids_of(sql.read(sql.db2_correlation_token(context))) == ids(context)
    assert ids_of(sql.read(*sql.postgresql(context).parameters)) == ids(context)
    named = sql.postgresql_application_name(context, "a/b")
    assert ids_of(sql.read(named.parameters[0]))[0] == context.trace_id


@given(st.one_of(CONTEXTS, WILD))
def test_a_literal_executes_and_is_the_value(context: Context) -> None:
    """A real database takes the literal for what the parameter would have been."""
    statement = sql.postgresql(context, style="literal")
    assert statement.parameters == ()
    with sqlite3.connect(":memory:") as connection:
        connection.create_function("set_config", 3, lambda _, value, __: value)
        values = connection.execute(statement.sql).fetchone()
    connection.close()
    assert values == sql.postgresql(context).parameters


def test_a_long_application_name_leaves_no_room() -> None:
    """The name is the application's, and never cut."""
    for name, context in (("x" * 37, PLAIN), ("x" * 64, None)):
        with pytest.raises(CarrierError, match="at most 36"):
            sql.postgresql_application_name(context, name)
    (value,) = sql.postgresql_application_name(PLAIN, "x" * 36).parameters
    assert len(value) == sql.POSTGRESQL_APPLICATION_NAME_MAX


@pytest.mark.parametrize("style", sql.STYLES)
def test_no_context_clears_what_a_pooled_connection_kept(style: str) -> None:
    """The statement of the same shape, with what empties it: nothing of the last request stays."""
    for function, cleared in (
        (sql.postgresql, ""),
        (sql.mysql, None),
        (sql.oracle, None),
        (sql.sqlserver, None),
        (sql.db2, ""),
    ):
        statement = function(None, style=style)
        values = statement.parameters
        assert set(values.values() if isinstance(values, dict) else values) <= {cleared}
        if style == "literal":
            assert ("NULL" if cleared is None else "''") in statement.sql
        else:
            assert statement.sql == function(PLAIN, style=style).sql
    assert sql.postgresql_application_name(None, "billing", style="qmark").parameters == ("billing",)
    assert sql.read(bytes.fromhex(sql.sqlserver_context_info(None).sql.rpartition("0x")[2])) == {}


def test_the_action_stays_when_the_module_is_set() -> None:
    """SET_MODULE would clear it."""
    assert "SYS_CONTEXT('USERENV', 'ACTION')" in sql.oracle(PLAIN, field="module").sql


def test_db2_gets_no_more_than_a_register_holds() -> None:
    """It would keep the beginning, and the half of a correlation ID is another one."""
    context = Context(WHOLE.trace_id, WHOLE.span_id, correlation_id="c" * 128)
    (value,) = sql.db2(context, field="userid", platform="zos").parameters
    assert value == TRACEPARENT
    assert len(value) <= sql.DB2_ZOS_USERID_MAX == 128
    assert sql.db2(context, field="userid").parameters == (f"{TRACEPARENT};{'c' * 128}",)
    assert sql.db2(context, field="applname", platform="zos", limit=32).parameters == (WHOLE.trace_id,)


def test_what_is_apart_is_read_apart() -> None:
    """As bytes, which performance_schema has, or without a traceparent."""
    both = {"traceparent": TRACEPARENT, "x-correlation-id": CORRELATION_ID}
    assert sql.read(TRACEPARENT.encode(), CORRELATION_ID.encode()) == both
    assert sql.read(None, CORRELATION_ID) == {"x-correlation-id": CORRELATION_ID}
    assert sql.read("", "") == {}


def test_the_keys_of_a_session_context_are_short() -> None:
    """Of 128 bytes in UTF-16, a value of 8,000; names of variables have 64 characters."""
    statement = sql.sqlserver(WHOLE)
    for key in re.findall(r"N'([^']+)'", statement.sql):
        assert len(key.encode("utf-16-le")) <= sql.SQLSERVER_SESSION_KEY_MAX == 128
    longest = Context("a" * 32, correlation_id="c" * 128)
    for value in sql.sqlserver(longest).parameters:
        assert len(value.encode("utf-16-le")) <= sql.SQLSERVER_SESSION_VALUE_MAX == 8000
    assert all(len(name) <= 64 for name in re.findall(r"@(\w+)", sql.mysql(WHOLE).sql))


@pytest.mark.parametrize(
    "call",
    [
        lambda: sql.postgresql(PLAIN, style="dollar"),
        lambda: sql.oracle(PLAIN, field="sid"),
        lambda: sql.db2(PLAIN, field="x"),
        lambda: sql.db2(PLAIN, platform="os2"),
        lambda: sql.postgresql_application_name(PLAIN, "caf\u00e9"),
        lambda: sql.postgresql_application_name(PLAIN, "a\\'; DROP", style="literal"),
        lambda: sql.db2(PLAIN, limit=25),
        lambda: sql.db2(PLAIN, limit=256),
    ],
)
def test_a_wrong_argument_is_said(call: object) -> None:
    """A style, a field, a platform, a name."""
    with pytest.raises(CarrierError):
        call()


@given(st.one_of(st.none(), st.text(max_size=300), st.binary(max_size=300)))
def test_reading_never_raises(value: str | bytes | None) -> None:
    """Whatever a column held."""
    sql.read(value)
    sqlcomment.read(value if isinstance(value, str) else "/*" + repr(value) + "*/")


# --- Comments -------------------------------------------------------------------------------------


@given(CONTEXTS, st.sampled_from(["SELECT 1", "SELECT 1;", "SELECT 1 ; \n", "VALUES ('caf\u00e9', 'a''b')"]))
def test_a_comment_carries_the_ids_and_executes(context: Context, statement: str) -> None:
    """A real database executes it as if it were not there; twice is once."""
    grown = sqlcomment.carry(statement, context)
    assert grown.reason == ""
    assert grown.document.replace(" " + sqlcomment.comment(context), "") == statement
    connection = sqlite3.connect(":memory:")
    assert connection.execute(grown.document).fetchall() == connection.execute(statement).fetchall()
    connection.close()
    assert ids_of(sqlcomment.read(grown.document)) == ids(context)
    assert sqlcomment.carry(grown.document, context) == (grown.document, "comment")


@given(st.one_of(CONTEXTS, WILD))
def test_no_value_ends_a_comment(context: Context) -> None:
    """Nor a literal, a line or a statement, whatever was put into the context."""
    comment = sqlcomment.comment(context)
    assert comment.count("*/") == 1
    assert comment.count("/*") == 1
    assert not set(comment[2:-2]) & set('*/;\\"\n\r ()#')


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("", "empty"),
        (" ; ", "empty"),
        ("SELECT /*+ INDEX(t i) */ 1 FROM t", "comment"),
        ("SELECT 1 -- why", "comment"),
        ("SELECT '--' ", "comment"),
        ("SELECT 1 # why", "comment"),
        ("SELECT * FROM t WHERE id = ?", "prepared"),
        ("SELECT * FROM t WHERE id = %s", "prepared"),
        ("SELECT * FROM t WHERE id = %(id)s", "prepared"),
        ("SELECT * FROM t WHERE id = :id", "prepared"),
        ("SELECT * FROM t WHERE id = $1", "prepared"),
        ("SELECT * FROM t WHERE id = @p1", "prepared"),
        ("PREPARE q AS SELECT 1", "prepared"),
        ("CREATE PROCEDURE p AS SELECT 1", "prepared"),
        ("{call price(7)}", "prepared"),
    ],
)
def test_what_must_not_have_a_comment_is_left_alone(statement: str, reason: str) -> None:
    """Hints, statements that are prepared, comments that are there."""
    grown = sqlcomment.carry(statement, PLAIN)
    assert grown.reason == reason
    assert grown.document is statement


def test_the_caller_knows_what_is_prepared() -> None:
    """And a cast is no placeholder."""
    assert sqlcomment.carry("SELECT 1", PLAIN, prepared=True).reason == "prepared"
    assert sqlcomment.carry("SELECT now()::date", PLAIN).reason == ""


def test_a_comment_of_sqlcommenter_is_read() -> None:
    """The example of its specification: other keys, an escaped quotation mark, tracestate."""
    text = (
        "SELECT * FROM FOO /*action='%2Fparam*d',controller='it\\'s',framework='spring',\n"
        "traceparent='00-5bd66ef5095369c7b0d1f8f4bd33716a-c532cb4098ac3dd2-01',\n"
        "tracestate='congo%3Dt61rcWkgMzE%2Crojo%3D00f067aa0ba902b7'*/"
    )
    assert sqlcomment.read(text) == {
        "traceparent": "00-5bd66ef5095369c7b0d1f8f4bd33716a-c532cb4098ac3dd2-01",
        "tracestate": "congo=t61rcWkgMzE,rojo=00f067aa0ba902b7",
    }


def test_a_long_value_of_a_comment_costs_no_more_memory_than_itself() -> None:
    """Megabytes under another tool's key."""
    text = f"SELECT 1 /*a='{'x' * 1_000_000}',{sqlcomment.comment(WHOLE)[2:]}"
    tracemalloc.start()
    try:
        assert ids_of(sqlcomment.read(text)) == ids(WHOLE)
        assert tracemalloc.get_traced_memory()[1] < 10 * len(text)
    finally:
        tracemalloc.stop()


@given(st.text(max_size=100))
def test_any_statement_is_grown_or_left_alone(statement: str) -> None:
    """What was there is there; reading never raises."""
    grown = sqlcomment.carry(statement, PLAIN)
    sqlcomment.read(statement)
    assume(not grown.reason)
    assert grown.document.replace(" " + sqlcomment.comment(PLAIN), "") == statement
