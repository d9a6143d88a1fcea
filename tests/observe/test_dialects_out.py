"""What a host is told, and in which headers: laws of every dialect, the two variables, what is only read."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from observe import dialects, outbound
from observe.context import CORRELATION_HEADERS, CORRELATION_PREFIX, Context, capture, extract, inject
from observe.settings import Settings
from observe.w3c import parse_traceparent
from tests.observe.test_context_laws import CONTEXTS, VALUE

CONTEXT = Context(
    "4bf92f3577b34da6a3ce929d0e0e4736",
    "00f067aa0ba902b7",
    correlation_id="CLM-1",
    flags=1,
    debug=True,
    hops=3,
    baggage=(("tenant", "7"),),
    tracestate="dd=s:1",
)
ALL = {"traceparent", "tracestate", "x-correlation-id", "baggage"}
#: Those that carry a trace whole; W3C's own headers are in the laws of the context.
TRACES = ["b3", "b3multi", "jaeger", "datadog"]
STAR = "x-correlation-star"


def added(
    dialects_: str, host: str = "h", port: int = 443, *, present: str = "", **more: str
) -> dict[str, str]:
    """What a request to `host` gets with OBSERVE_DIALECTS; more: other variables."""
    found = Settings({"OBSERVE_DIALECTS": dialects_, **more})
    assert found.problems == []
    return outbound.headers(host, port, set(present.split()), CONTEXT, found)


# --- Laws -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", TRACES)
@given(context=CONTEXTS)
def test_a_trace_comes_back_as_it_went_out(name: str, context: Context) -> None:
    """Trace ID, span ID and the sampled flag survive every dialect of traces."""
    back = extract(dialects.write(name, context, (), baggage=False))
    assert (back.trace_id, back.span_id, back.sampled) == (context.trace_id, context.span_id, context.sampled)


@pytest.mark.parametrize("name", ["x-request-id", "request-id", STAR])
@given(context=CONTEXTS)
def test_a_correlation_id_comes_back_as_it_went_out(name: str, context: Context) -> None:
    """Dialects of one ID carry that one, and so the trace that is derived from it."""
    back = extract(dialects.write(name, context, (), baggage=False))
    assert back.correlation_id == context.correlation_id


@given(
    CONTEXTS,
    st.dictionaries(st.from_regex(r"[a-z0-9][a-z0-9_.-]{0,9}", fullmatch=True), VALUE).map(
        lambda members: tuple(
            (k, v) for k, v in members.items() if k != "id" and not k.startswith("observe.")
        )
    ),
)
def test_what_node_functions_forward_comes_back(
    context: Context, members: tuple[tuple[str, str], ...]
) -> None:
    """debug, hops and baggage travel in x-correlation-star; of names the case is lost, as HTTP has none."""
    sent = Context("a" * 32, debug=context.debug, hops=context.hops, baggage=members)
    back = extract(dialects.write(STAR, sent, (), baggage=True))
    assert (back.debug, back.hops, back.baggage) == (sent.debug, sent.hops, members)


@pytest.mark.parametrize("names", ["b3", "!b3multi", "jaeger+x-request-id", "datadog", f"!{STAR}", "none"])
@given(context=CONTEXTS)
def test_headers_are_legal_and_adding_them_twice_is_adding_them_once(names: str, context: Context) -> None:
    """Names are lower-case tokens, values printable ASCII; what is there already is not added again."""
    found = Settings({"OBSERVE_DIALECTS": f"h={names}", "OBSERVE_BAGGAGE_HOSTS": "h"})
    first = outbound.headers("h", 0, (), context, found)
    for name, value in first.items():
        assert name == name.lower()
        assert name.isascii()
        assert f"{name}{value}".isprintable()
        assert value.isascii()
    assert outbound.headers("h", 0, set(first), context, found) == {}


#: What `observe.Context` takes and no request could carry.
ODD = st.text(max_size=20) | st.integers() | st.none() | st.binary(max_size=9)


@given(
    st.builds(
        Context,
        st.text(max_size=40) | st.just("a" * 32),
        st.text(max_size=20),
        correlation_id=ODD,
        flags=st.integers(-300, 300) | st.floats(),
        hops=st.integers() | st.booleans() | ODD,
        baggage=st.lists(st.tuples(st.text(max_size=9), ODD), max_size=3).map(tuple) | ODD,
        tracestate=st.text(max_size=600),
    )
)
def test_any_context_of_user_code_makes_legal_headers(context: Context) -> None:
    """`carriable` mends what cannot travel, leaves the rest as it is, and mends nothing twice."""
    carriable = outbound.carriable(context)
    found = Settings({"OBSERVE_DIALECTS": f"h={STAR}+b3+datadog", "OBSERVE_BAGGAGE_HOSTS": "h"})
    headers = outbound.headers("h", 0, (), context, found)
    assert all(
        f"{name}{value}".isascii() and f"{name}{value}".isprintable() for name, value in headers.items()
    )
    assert parse_traceparent(headers["traceparent"])[0] == carriable.trace_id
    assert headers["x-correlation-id"] == carriable.correlation_id
    assert outbound.carriable(carriable) is carriable
    assert extract(inject(carriable)).correlation_id == carriable.correlation_id


@pytest.mark.parametrize(
    ("hops", "told"), [("1\r\nX-Evil: yes", 0), (True, 0), (-1, 0), (10**6, 9999), (2.0, 0), (7, 7)]
)
def test_hops_of_user_code_are_a_number(hops: Any, told: int) -> None:
    """Anything else would be a line, or a member, of somebody's choice."""
    assert outbound.carriable(Context("a" * 32, hops=hops)).hops == told


@pytest.mark.parametrize(
    ("member", "kept"),
    [
        (("k", "1;ttl=5"), (("k", "1;ttl=5"),)),
        (("k", 1), (("k", "1"),)),
        (("k", "1,observe.debug=1"), ()),
        (("k=1,observe.debug", "1"), ()),
        (("observe.debug", "1"), ()),
        (("observe.hops", "9"), ()),
        (("a b", "1"), ()),
        (("k",), ()),
    ],
)
def test_a_member_of_user_code_is_one_member(member: Any, kept: Any) -> None:
    """What the next hop would read as another, or as one of our own, is left out."""
    carriable = outbound.carriable(Context("a" * 32, baggage=(member,)))
    assert carriable.baggage == kept
    back = extract(inject(carriable))
    assert (back.debug, back.hops, back.baggage) == (False, 0, kept)


@given(CONTEXTS)
def test_a_context_that_was_captured_travels_as_it_is(context: Context) -> None:
    """Nothing that `capture` makes is mended."""
    assert outbound.carriable(context) is context
    captured = extract(inject(context))
    assert outbound.carriable(captured) is captured


@given(st.text(max_size=60), st.text(max_size=60), st.text(max_size=20), st.integers(0, 65535))
def test_the_variables_never_raise(rules: str, hosts: str, host: str, port: int) -> None:
    """Whatever the variables say, a request gets headers or none."""
    found = Settings({"OBSERVE_DIALECTS": rules, "OBSERVE_FORWARD_HOSTS": hosts})
    outbound.headers(host, port, (), CONTEXT, found)


@given(
    st.dictionaries(
        st.text(max_size=20).map(lambda s: (CORRELATION_PREFIX + s).lower()), st.text(max_size=40)
    )
)
def test_any_x_correlation_header_is_read_or_left_out(headers: dict[str, str]) -> None:
    """What Node functions send never breaks our own headers."""
    context = extract(headers)
    assert extract(inject(context)).baggage == context.baggage


# --- Examples of the wire, from the specifications --------------------------------------------


@pytest.mark.parametrize(
    ("name", "headers"),
    [
        ("b3", {"b3": "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1"}),
        (
            "b3multi",
            {
                "x-b3-traceid": "4bf92f3577b34da6a3ce929d0e0e4736",
                "x-b3-spanid": "00f067aa0ba902b7",
                "x-b3-sampled": "1",
            },
        ),
        ("jaeger", {"uber-trace-id": "4bf92f3577b34da6a3ce929d0e0e4736:00f067aa0ba902b7:0:1"}),
        (
            "datadog",
            {
                "x-datadog-trace-id": "11803532876627986230",
                "x-datadog-parent-id": "67667974448284343",
                "x-datadog-sampling-priority": "1",
                "x-datadog-tags": "_dd.p.tid=4bf92f3577b34da6",
            },
        ),
        ("x-request-id", {"x-request-id": "CLM-1"}),
        ("request-id", {"request-id": "CLM-1"}),
        (STAR, {"x-correlation-id": "CLM-1", "debug-log-enabled": "true", "call-chain-length": "3"}),
        (
            "w3c",
            {
                "traceparent": inject(CONTEXT)["traceparent"],
                "tracestate": "dd=s:1",
                "x-correlation-id": "CLM-1",
            },
        ),
        (f"{STAR}+b3", None),
    ],
)
def test_a_dialect_on_the_wire(name: str, headers: dict[str, str] | None) -> None:
    """Each dialect alone writes exactly its headers; baggage goes nowhere unless the host may have it."""
    out = added(f"h=!{name}")
    assert out == headers if headers is not None else set(out) == {*added(f"h=!{STAR}"), "b3"}


def test_baggage_in_headers_of_its_own() -> None:
    """x-correlation-star has a header for each member, for hosts of OBSERVE_BAGGAGE_HOSTS."""
    assert added(f"h=!{STAR}", OBSERVE_BAGGAGE_HOSTS="h")["x-correlation-tenant"] == "7"


def test_w3c_comes_first_and_only_an_exclamation_mark_leaves_it_out() -> None:
    """Without `!` a dialect is added to W3C's headers."""
    assert set(added("h=b3")) == {"traceparent", "tracestate", "x-correlation-id", "b3"}
    assert set(added("h=!w3c+b3")) == set(added("h=b3"))
    assert set(added("h=!b3+jaeger")) == {"b3", "uber-trace-id"}


@pytest.mark.parametrize(
    ("present", "absent"),
    [
        ("x-b3-spanid", {"b3"}),
        *(
            (name, {"b3", "traceparent", "tracestate"})
            for name in (
                *("traceparent", "tracestate", "b3", "x-b3-traceid"),
                *("uber-trace-id", "x-datadog-trace-id"),
            )
        ),
        *((name, {"x-correlation-id", "x-request-id"}) for name in CORRELATION_HEADERS[:2]),
        *((name, {"x-request-id"}) for name in CORRELATION_HEADERS[2:]),
        ("sap-passport", set()),
    ],
)
def test_no_request_has_two_traces_or_two_ids(present: str, absent: set[str]) -> None:
    """Where the caller has set a trace, in any dialect, ours is not beside it; with correlation IDs alike.

    A request ID is not one: it is made anew for each request, and read only where there is no other.
    """
    without = set(added("h=b3+x-request-id", present=present))
    assert set(added("h=b3+x-request-id")) - without - {present} == absent - {present}
    assert present not in without


@pytest.mark.parametrize("name", TRACES)
def test_no_dialect_writes_beside_the_callers_trace(name: str) -> None:
    """Each alone and with W3C's: the correlation ID still goes."""
    assert added(f"h=!{name}", present="traceparent") == {}
    assert added(f"h={name}", present="traceparent") == {"x-correlation-id": "CLM-1"}


def test_half_of_anothers_trace_is_never_completed() -> None:
    """Where the caller has set any header of a trace's dialect, none of it is added."""
    assert added("h=!datadog", present="x-datadog-origin") == {}


# --- Hosts ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rules", "host", "port", "gets_b3"),
    [
        ("legacy.example.com=!b3", "LEGACY.Example.com", 443, True),
        ("legacy.example.com=!b3", "legacy.example.com.", 443, True),
        ("legacy.example.com=!b3", "x.legacy.example.com", 443, False),
        (".corp=!b3", "a.b.corp", 80, True),
        (".corp=!b3", "corp", 80, False),
        (".corp=!b3", "evilcorp", 80, False),
        ("h:8443=!b3", "h", 8443, True),
        ("h:8443=!b3", "h", 443, False),
        ("10.0.0.5=!b3", "10.0.0.5", 80, True),
        (".0.0.5=!b3", "10.0.0.5", 80, False),
        ("[::1]:8080=!b3", "::1", 8080, True),
        ("[::1]=!b3", "[0:0::1]", 80, True),
        ("2001:db8::1=!b3", "2001:DB8:0::1", 80, True),
        ("*=!b3", "anything", 0, True),
        ("*=!b3,h=w3c", "h", 0, False),
        (".corp=w3c,.a.corp=!b3", "x.a.corp", 80, True),
        (".corp=!b3,x.corp=w3c", "x.corp", 80, False),
        ("h=w3c,h:81=!b3", "h", 81, True),
        ("xn--bcher-kva.example=!b3", "Bücher.example", 443, True),
        (".example=!b3", "\ud800.example", 443, True),
        (".example=!b3", "ü" * 70 + ".example", 443, True),
    ],
)
def test_the_most_specific_rule_is_the_one(rules: str, host: str, port: int, gets_b3: bool) -> None:
    """Names without case, suffixes with a dot before them, ports, addresses in any spelling."""
    assert ("b3" in added(rules, host, port)) == gets_b3


def test_none_is_nothing() -> None:
    """A host of `none` is sent nothing at all, others what they always were."""
    assert added("h=none", OBSERVE_BAGGAGE_HOSTS="h") == {}
    assert set(added("h=none", "other", OBSERVE_BAGGAGE_HOSTS="other")) == ALL


def test_a_list_of_who_may_know() -> None:
    """OBSERVE_FORWARD_HOSTS leaves out everybody else, whatever their dialect."""
    hosts = "api.example.com,.corp,10.0.0.5:8080"
    for host, port, gets in [
        ("api.example.com", 443, True),
        ("a.corp", 80, True),
        ("10.0.0.5", 8080, True),
        ("10.0.0.5", 80, False),
        ("example.com", 443, False),
    ]:
        assert bool(added("*=b3", host, port, OBSERVE_FORWARD_HOSTS=hosts)) == gets


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("OBSERVE_DIALECTS", ".corp=sap", "'sap' is none of w3c, b3"),
        ("OBSERVE_DIALECTS", "h=b3+none", "'none' is none of"),
        ("OBSERVE_DIALECTS", "h", "'' is none of"),
        ("OBSERVE_DIALECTS", "a b=b3", "'a b' is not a host"),
        ("OBSERVE_DIALECTS", "https://h/=b3", "is not a host"),
        ("OBSERVE_DIALECTS", "h:99999=b3", "'h:99999' is not a host"),
        ("OBSERVE_DIALECTS", "[::1=b3", "'[::1' is not a host"),
        ("OBSERVE_DIALECTS", "h=b3,H=w3c", "'h' is named before"),
        ("OBSERVE_FORWARD_HOSTS", "https://h/,h", "'https://h/' is not a host"),
    ],
)
def test_a_mistake_is_said_and_ignored(name: str, value: str, said: str) -> None:
    """What cannot be used is one sentence, and the rest holds."""
    found = Settings({name: f"{value},good={'b3' if name == 'OBSERVE_DIALECTS' else ''}".removesuffix("=")})
    (problem,) = found.problems
    assert problem.startswith(f"{name}: ")
    assert said in problem
    assert "it is ignored" in problem
    assert outbound.headers("good", 0, (), CONTEXT, found)


def test_a_list_with_mistakes_only_allows_nobody() -> None:
    """Who meant to keep IDs at home does not send them everywhere for a typo."""
    found = Settings({"OBSERVE_FORWARD_HOSTS": "https://h/"})
    assert outbound.headers("h", 0, (), CONTEXT, found) == {}


# --- Read only --------------------------------------------------------------------------------


def _passport(transaction: bytes, root: str = "1ee0a5d24edbb2e44b68000000000000") -> str:
    """A passport as SAPUI5 writes it: 230 bytes in hex, upper case."""
    text = bytearray(b" " * 230)
    text[:9] = b"*TH*\x03\x00\xe6\x00\x00"
    text[149:181] = transaction.ljust(32)
    text[186:202] = bytes.fromhex(root)
    text[226:] = b"*TH*"
    return text.hex().upper()


def test_an_sap_passport_is_a_correlation_id() -> None:
    """Its transaction ID is what both sides derive the trace from; where it has none, its root context ID."""
    found = capture({"sap-passport": _passport(b"4635000000311EE0A5D250999C392B68")}).context
    assert found.correlation_id == "4635000000311EE0A5D250999C392B68"
    assert found.trace_id == "4635000000311ee0a5d250999c392b68"
    assert capture({"sap-passport": _passport(b"")}).context.trace_id == "1ee0a5d24edbb2e44b68000000000000"
    named = capture({"sap-passport": _passport(b"4635000000311EE0A5D250999C392B68"), "x-request-id": "R-1"})
    assert named.context.correlation_id == "R-1"


@given(st.one_of(st.text(max_size=30), st.binary(min_size=230, max_size=230).map(bytes.hex)))
def test_anything_else_is_no_passport(text: str) -> None:
    """What has not a passport's length and ends is not one."""
    assert dialects.sap_transaction(text) == ""


def test_x_correlation_headers_are_baggage_of_callers_who_are_trusted() -> None:
    """Node functions' x-correlation-* are members of baggage; strangers' are not."""
    headers = {"x-correlation-id": "C-1", "x-correlation-user": "Zoë, 7", "baggage": "tenant=7,user=first"}
    assert extract(headers).baggage == (("tenant", "7"), ("user", "first"))
    del headers["baggage"]
    assert extract(headers).baggage == (("user", "Zo%C3%AB%2C%207"),)
    assert capture(headers, trust="public").context.baggage == ()
