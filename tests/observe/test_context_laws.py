"""Laws of the context: what goes out comes in, and nothing a stranger sends can raise."""

from __future__ import annotations

import pickle
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from observe import context as contexts
from observe import ids
from observe.context import CORRELATION_CHARACTERS, Context, capture, current, extract, inject, use

HEX32 = st.text("0123456789abcdef", min_size=32, max_size=32).filter(lambda s: s != ids.NO_TRACE_ID)
HEX16 = st.text("0123456789abcdef", min_size=16, max_size=16).filter(lambda s: s != ids.NO_SPAN_ID)
TOKEN = st.text("abcdefghijklmnopqrstuvwxyz0123456789-_.", min_size=1, max_size=20)
VALUE = st.text("abcdefghijklmnopqrstuvwxyzABC0123456789-_.%:/", max_size=20)
CONTEXTS = st.builds(
    Context,
    HEX32,
    HEX16,
    correlation_id=st.text(CORRELATION_CHARACTERS, min_size=1, max_size=128),
    flags=st.integers(0, 3),
    debug=st.booleans(),
    hops=st.integers(0, contexts.HOPS_MAX),
    baggage=st.lists(
        st.tuples(TOKEN.filter(lambda key: not key.startswith("observe.")), VALUE), max_size=5
    ).map(tuple),
    tracestate=st.text("abc=,1", max_size=40),
)
NAMES = st.sampled_from(
    [
        *("traceparent", "tracestate", "baggage", "x-amzn-trace-id", "b3", "x-b3-traceid", "x-b3-spanid"),
        *(
            "uber-trace-id",
            "x-datadog-trace-id",
            "x-datadog-parent-id",
            "x-datadog-tags",
            "call-chain-length",
        ),
        *("debug-log-enabled", *contexts.CORRELATION_HEADERS),
    ]
)
TEXT = st.one_of(
    st.text(max_size=300), st.from_regex(r"[0-9a-f-]{0,60}"), st.from_regex(r"[0-9:;=,a-f-]{0,80}")
)


@given(CONTEXTS)
def test_extract_reads_what_inject_writes(context: Context) -> None:
    """extract(inject(c)) == c for every context."""
    assert extract(inject(context)) == context


@given(st.dictionaries(NAMES, TEXT), st.sampled_from(["public", "internal", "strict"]), TEXT)
def test_capture_never_raises_and_keeps_the_trust_edge(headers: dict[str, str], trust: str, env: str) -> None:
    """Whatever a stranger sends, the IDs that come out are valid and bounded."""
    found = capture(headers, trust=trust, environment=env)
    assert ids.is_trace_id(found.context.trace_id)
    assert found.context.span_id == "" or ids.is_span_id(found.context.span_id)
    assert contexts.is_correlation_id(found.context.correlation_id)
    for trace_id, span_id, _ in found.links:
        assert ids.is_trace_id(trace_id)
        assert ids.is_span_id(span_id)
        assert trace_id != found.context.trace_id
    for value in inject(found.context).values():
        assert value.isascii()
        assert value.isprintable()


@given(st.text())
def test_derived_ids_are_valid_and_stable(value: str) -> None:
    """Any text derives a valid trace ID, and deriving again changes nothing."""
    derived = ids.derive_trace_id(value)
    assert ids.is_trace_id(derived)
    assert ids.derive_trace_id(derived) == derived


@given(CONTEXTS)
def test_a_context_survives_pickling(context: Context) -> None:
    """Worker processes get the context they were sent."""
    assert pickle.loads(pickle.dumps(context)) == context
    assert hash(pickle.loads(pickle.dumps(context))) == hash(context)


def test_a_context_cannot_be_changed() -> None:
    """A context is a value: setting or deleting a field is an error."""
    context = Context("a" * 32)
    with pytest.raises(AttributeError, match="immutable"):
        context.trace_id = "b" * 32
    with pytest.raises(AttributeError, match="immutable"):
        del context.trace_id


def test_use_nests_and_ends() -> None:
    """Inside a block its context is current; after it the one before is."""
    outer, inner = Context("a" * 32), Context("b" * 32)
    assert current() is None
    with use(outer):
        with use(inner):
            assert current() == inner
        assert current() == outer
    assert current() is None


def test_a_thread_of_user_code_sees_the_invocation() -> None:
    """Threads inherit no context variables; they fall back to the invocation that runs."""
    contexts.set_ambient(Context("c" * 32))
    seen: list[Context | None] = []
    thread = threading.Thread(target=lambda: seen.append(current()))
    thread.start()
    thread.join()
    assert seen == [Context("c" * 32)]


def test_entering_counts_a_hop_up_to_the_limit() -> None:
    """Every hop adds one, and an endless loop cannot make the number grow for ever."""
    assert Context("a" * 32, hops=3).entered("b" * 16).hops == 4
    assert Context("a" * 32, hops=contexts.HOPS_MAX).entered("b" * 16).hops == contexts.HOPS_MAX
