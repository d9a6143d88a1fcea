"""Laws of the context: what goes out comes in, and nothing a stranger sends can raise."""

from __future__ import annotations

import pickle
import threading

import pytest
from hypothesis import example, given
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


# --- X-Ray --------------------------------------------------------------------------------------

TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
SENT = "Root=1-67891233-abcdef012345678912345678;Parent=53995c3f42cd8ad8;Sampled={}"
OWN = "Root=1-11111111-222222222222222222222222;Parent=3333333333333333;Sampled={}"
SENT_LINK = ("67891233abcdef012345678912345678", "53995c3f42cd8ad8", "xray")
OWN_LINK = ("1" * 8 + "2" * 24, "3" * 16, "xray")


@pytest.mark.parametrize("sent", ["0", "1"])
@pytest.mark.parametrize("own", ["0", "1"])
def test_every_trace_that_x_ray_records_is_linked(sent: str, own: str) -> None:
    """The sender's and the one of this invocation, which lost against traceparent."""
    headers = {"traceparent": TRACEPARENT, "x-amzn-trace-id": SENT.format(sent)}
    found = capture(headers, trust="internal", environment=OWN.format(own))
    assert found.links == (SENT_LINK,) * (sent == "1") + (OWN_LINK,) * (own == "1")


def test_a_trace_that_x_ray_records_is_linked_though_the_message_does_not_say_so() -> None:
    """A front end hands the Root over alone; the environment knows that it is recorded."""
    headers = {"traceparent": TRACEPARENT, "x-amzn-trace-id": OWN.partition(";")[0]}
    assert capture(headers, environment=OWN.format("1")).links == (OWN_LINK,)


def test_a_header_without_a_root_says_nothing_of_the_environments() -> None:
    """What a stranger writes beside it is neither the parent nor the decision of X-Ray's own trace."""
    headers = {"traceparent": TRACEPARENT, "x-amzn-trace-id": "Parent=aaaaaaaaaaaaaaaa;Sampled=1"}
    assert capture(headers, environment=OWN.format("1")).links == (OWN_LINK,)
    assert capture(headers, environment=OWN.format("0")).links == ()


def test_a_stranger_cannot_choose_the_fresh_trace_by_x_rays_header() -> None:
    """Front ends hand a caller's Root on to the environment: under `strict` it is no platform's own."""
    for headers in ({"x-amzn-trace-id": SENT.format("1")}, {"x-amzn-trace-id": SENT.partition(";")[0]}):
        found = capture(headers, trust="strict", environment=SENT.format("1"), fresh=lambda: "f" * 32)
        assert found.context.trace_id == "f" * 32
        assert found.links == (SENT_LINK,)


# --- What else was lost -------------------------------------------------------------------------


@given(
    st.lists(st.tuples(TOKEN, st.integers(0, 400).map("v".__mul__)), max_size=80),
    st.integers(1, contexts.HOPS_MAX),
    st.booleans(),
)
@example([("key", "v" * 120)] * 70, 7, True)
@example([("key", "v" * 8180)], 7, True)
def test_hops_and_debug_survive_any_baggage(baggage: list[tuple[str, str]], hops: int, debug: bool) -> None:
    """However long what others carry is: the next hop keeps 8,192 bytes and 64 members, ours among them."""
    members = tuple(member for member in baggage if not member[0].startswith("observe."))
    found = extract(inject(Context("a" * 32, "b" * 16, hops=hops, debug=debug, baggage=members)))
    assert (found.hops, found.debug) == (hops, debug)
    assert found.baggage == members[: len(found.baggage)]


def test_a_member_of_baggage_has_a_name() -> None:
    """One that no header could have is not handed on: the next reader may throw all of them away for it."""
    assert extract({"baggage": 'a b=1,"c"=2,d;e=3,=4,good=5,\u00e9=6'}).baggage == (("good", "5"),)


@pytest.mark.parametrize("parent", [{}, {"x-datadog-parent-id": "0"}])
def test_a_trace_that_datadog_begins_has_no_parent(parent: dict[str, str]) -> None:
    """A synthetic test and a browser send the parent 0."""
    headers = {"x-datadog-trace-id": "123", "x-datadog-sampling-priority": "1", **parent}
    found = extract(headers)
    assert (found.trace_id, found.span_id) == (f"{123:032x}", "")
    (link,) = capture(headers, trust="strict").links
    assert ids.is_span_id(link[1])
    assert extract({**headers, "x-datadog-trace-id": "0"}).trace_id != ids.NO_TRACE_ID


@pytest.mark.parametrize("name", ["X-Global-Transaction-ID", "breadcrumbId", "NServiceBus.CorrelationId"])
def test_what_gateways_and_buses_call_a_correlation_id(name: str) -> None:
    """IBM's gateways, Apache Camel and NServiceBus; a name of ours is nearer."""
    assert extract({name.lower(): "CLM-1"}).correlation_id == "CLM-1"
    assert extract({name.lower(): "CLM-1"}).trace_id == ids.derive_trace_id("CLM-1")
    assert extract({name.lower(): "other", "x-request-id": "CLM-1"}).correlation_id == "CLM-1"
