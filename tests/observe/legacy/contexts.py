"""Contexts for the laws of the legacy carriers."""

from __future__ import annotations

from hypothesis import strategies as st

from observe.context import CORRELATION_CHARACTERS, Context, extract
from tests.observe.test_context_laws import HEX16, HEX32, TOKEN, VALUE

WHOLE = Context(
    "0af7651916cd43dd8448eb211c80319c",
    "b7ad6b7169203331",
    correlation_id="CLM-889123:2024/11@eu",
    debug=True,
    hops=3,
    baggage=(("team", "claims"),),
    tracestate="a=1,b=2",
)
PLAIN = Context("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7")

CORRELATION_IDS = st.text(CORRELATION_CHARACTERS, min_size=1, max_size=128)
CONTEXTS = st.builds(
    Context,
    HEX32,
    HEX16,
    correlation_id=CORRELATION_IDS,
    flags=st.integers(0, 3),
    debug=st.booleans(),
    hops=st.integers(0, 9999),
    baggage=st.lists(
        st.tuples(TOKEN.filter(lambda key: not key.startswith("observe.")), VALUE), max_size=5
    ).map(tuple),
    tracestate=st.text("abc=,1", max_size=40),
)
#: What a program may put together by hand: any text where only some is allowed.
WILD = st.builds(
    Context,
    HEX32,
    st.text(max_size=20),
    correlation_id=st.text(max_size=200),
    flags=st.integers(0, 1 << 20),
    baggage=st.lists(st.tuples(st.text(max_size=8), st.text(max_size=8)), max_size=3).map(tuple),
    tracestate=st.text(max_size=40),
)


def ids_of(headers: dict[str, str]) -> tuple[str, str, str]:
    """(trace ID, span ID, correlation ID) as `extract` reads them."""
    context = extract(headers)
    return context.trace_id, context.span_id, context.correlation_id


def ids(context: Context) -> tuple[str, str, str]:
    return context.trace_id, context.span_id, context.correlation_id
