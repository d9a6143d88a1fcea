"""Environment variables and JCL PARM."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from observe.context import Context, extract
from observe.legacy import CarrierError, environment
from tests.observe.legacy.contexts import CONTEXTS, PLAIN, WHOLE, WILD, ids, ids_of


@given(CONTEXTS, st.dictionaries(st.text("ABC_", min_size=1), st.text(max_size=9)))
def test_an_environment_carries_all_of_a_context(context: Context, base: dict[str, str]) -> None:
    """A new dictionary; the base is as it was; twice is once."""
    before = dict(base)
    environ = environment.carry(base, context)
    assert base == before
    assert base.items() <= environ.items()
    assert extract(environment.read(environ)) == context
    assert environment.carry(environ, context) == environ
    ours = [environ.get(name, "") for name in environment.VARIABLES.values()]
    assert max(map(len, ours)) <= environment.VARIABLE_MAX == 32_767


def test_names_of_bytes_are_names() -> None:
    """Of os.environb: one that stayed would be there twice."""
    environ = environment.carry({b"TRACEPARENT": b"stale", b"PATH": b"/bin"}, PLAIN)  # type: ignore[dict-item]
    assert environ.keys() == {b"PATH", "TRACEPARENT", "X_CORRELATION_ID"}


def test_a_real_subprocess_reads_it() -> None:
    """The child sees the four variables, and nothing stale of its grandparent."""
    base = {**os.environ, "TRACESTATE": "stale=1", "BAGGAGE": "stale=1"}
    code = "import json, os; print(json.dumps(dict(os.environ)))"
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        env=environment.carry(base, WHOLE),
        check=True,
        capture_output=True,
    )
    assert extract(environment.read(json.loads(done.stdout))) == WHOLE
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        env=environment.carry(base, PLAIN),
        check=True,
        capture_output=True,
    )
    assert "stale=1" not in environment.read(json.loads(done.stdout)).values()


@given(st.one_of(CONTEXTS, WILD), st.text(max_size=120))
def test_a_parm_has_at_most_100_characters(context: Context, parm: str) -> None:
    """The program's own text stays in front; twice is once."""
    grown = environment.carry_parm(parm, context)
    if grown.reason:
        assert grown.document is parm
        return
    assert len(grown.document) <= environment.PARM_MAX == 100
    assert grown.document.startswith(parm)
    assert ids_of(environment.read_parm(grown.document))[0] == context.trace_id
    assert environment.carry_parm(grown.document, context) == (grown.document, "present")


def test_a_parm_takes_the_long_form_where_there_is_room() -> None:
    """67 characters for a traceparent, 34 for the trace ID alone, else nothing."""
    assert environment.carry_parm("", PLAIN).document == (
        "TRACEPARENT=00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    )
    short = environment.carry_parm("X" * 60, PLAIN).document
    assert short.startswith("X" * 60 + ",TRACEID=")
    assert environment.carry_parm("X" * 66, PLAIN).reason == "no_room"
    assert environment.carry_parm("A/B", PLAIN).reason == "slash"
    assert environment.read_parm("NOT,OURS,TRACEID=SHORT") == {}
    assert environment.read_parm(b"\xff") == {}
    with pytest.raises(CarrierError):
        environment.carry_parm("", PLAIN, limit=101)


def test_a_parm_in_capitals_is_read() -> None:
    """As JCL and TSO make them; blanks may follow."""
    grown = environment.carry_parm("RERUN", PLAIN).document
    assert ids_of(environment.read_parm(grown.upper())) == ids_of(environment.read_parm(grown))
    assert ids_of(environment.read_parm(f"{grown}   ")) == ids(PLAIN)
