"""OpenTelemetry's propagation with the layer: user code's propagators and baggage work as without it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import baggage, trace
from opentelemetry import context as otel_context
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from observe import otel, otel_light, semconv, w3c
from observe.otel_propagator import Propagator
from tests.observe.attached import HTTP_EVENT, Run
from tests.observe.http_echo import Server, serving
from tests.observe.running import run as run_here
from tests.observe.running import sqs_event

#: The default as a light import has it.
LIGHT: Any = [otel_light.DeferredPropagator(*place) for place in otel_light.PROPAGATORS.items()]
DEFAULT = CompositePropagator([TraceContextTextMapPropagator(), W3CBaggagePropagator()])
TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
LEGACY = """
from opentelemetry import propagate
from opentelemetry.propagators.textmap import TextMapPropagator
class Legacy(TextMapPropagator):
    fields = {"x-legacy-trace"}
    def inject(self, carrier, context=None, setter=None):
        carrier["x-legacy-trace"] = "T1"
    def extract(self, carrier, context=None, getter=None):
        return context
"""


def _injected(
    members: dict[str, Any], propagator: Any, carrier: dict[str, str] | None = None
) -> dict[str, str]:
    context = otel_context.Context()
    for name, value in members.items():
        context = baggage.set_baggage(name, value, context)
    carrier = {} if carrier is None else carrier
    propagator.inject(carrier, context)
    return carrier


@given(st.dictionaries(st.text(min_size=1, max_size=20), st.text(max_size=50), max_size=64))
def test_baggage_goes_out_as_by_opentelemetry(members: dict[str, str]) -> None:
    """Outside of an invocation, what is written is what the default writes, and it is read back."""
    carrier = _injected(members, Propagator())
    assert carrier == _injected(members, DEFAULT)
    root = otel_context.Context()
    read = baggage.get_all(Propagator().extract(carrier, root))
    assert read == baggage.get_all(DEFAULT.extract(carrier, root))


@given(st.text(alphabet=st.characters(codec="ascii", exclude_characters="\r\n"), max_size=200))
def test_any_header_of_baggage_is_read_as_by_opentelemetry(header: str) -> None:
    """What is no baggage is none, and nothing is raised."""
    root = otel_context.Context()
    read = [baggage.get_all(each.extract({"baggage": header}, root)) for each in (Propagator(), DEFAULT)]
    assert read[0] == read[1]


def test_a_trace_in_a_carrier_is_read_as_by_opentelemetry() -> None:
    """traceparent and tracestate make the remote span; nothing makes none."""
    carrier = {"traceparent": f"00-{TRACE}-{SPAN}-01", "tracestate": "a=1,b=2", "baggage": "tenant=7"}
    found = [each.extract(carrier, otel_context.Context()) for each in (Propagator(), DEFAULT)]
    spans = [trace.get_current_span(context).get_span_context() for context in found]
    assert spans[0] == spans[1]
    assert spans[0].trace_state == spans[1].trace_state
    assert [baggage.get_all(context) for context in found] == [{"tenant": "7"}] * 2
    empty = otel_context.Context()
    assert Propagator().extract({}, empty) is empty


def test_a_trace_that_user_code_has_extracted_goes_on() -> None:
    """Inject with the context of another trace writes that one, in an invocation and outside of one."""
    carrier = {"traceparent": f"00-{TRACE}-{SPAN}-00", "tracestate": "a=1"}
    context = Propagator().extract(carrier, otel_context.Context())

    def injected(*args: Any) -> dict[str, str]:
        written: dict[str, str] = {}
        Propagator().inject(written, context)
        return written

    assert injected() == carrier
    inside = run_here({"headers": {}}, injected)
    assert inside.pop("x-correlation-id")
    assert inside == carrier


def test_in_an_invocation_both_baggages_are_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """To a host that may have ours: user code's first, each name once, ours last; else user code's alone."""
    monkeypatch.setenv("OBSERVE_BAGGAGE_HOSTS", "ours.example")
    event = sqs_event({"traceparent": f"00-{TRACE}-{SPAN}-01", "baggage": "tenant=7,kept=1"})
    mine = {"tenant": "8", "observe.hops": "99"}

    def injected(host: str) -> dict[str, str]:
        return _injected(mine, Propagator(), {"host": host})

    ours, other = run_here(
        event, lambda event, context: [injected("ours.example"), injected("other.example")]
    )
    assert ours["baggage"] == "tenant=8,kept=1,observe.hops=1"
    assert other["baggage"] == "tenant=8"
    assert ours["x-correlation-id"] == other["x-correlation-id"]


def test_baggage_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """No more than the next hop keeps, ours among it."""
    monkeypatch.setenv("OBSERVE_BAGGAGE_HOSTS", "*")
    many = {f"k{n}": "v" * 100 for n in range(150)}
    carrier = run_here(
        sqs_event({"x-correlation-id": "C-1"}),
        lambda event, context: _injected(many, Propagator(), {"host": "a.example"}),
    )
    members = w3c.parse_baggage(carrier["baggage"])
    assert len(carrier["baggage"]) <= w3c.BAGGAGE_MAX_BYTES
    assert len(members) <= w3c.BAGGAGE_MAX_MEMBERS
    assert members[-1] == (semconv.BAGGAGE_HOPS, "1")


def test_a_header_of_the_caller_stays() -> None:
    """A carrier that has baggage, or a trace, keeps it."""
    given_ = {"Baggage": "mine=1", "traceparent": f"00-{TRACE}-{SPAN}-01"}
    carrier = run_here({}, lambda event, context: _injected({"tenant": "8"}, Propagator(), dict(given_)))
    assert {name: carrier[name] for name in given_} == given_
    assert "baggage" not in carrier


class _Mine(CompositePropagator):
    """One of user code's own."""


@pytest.mark.parametrize(
    ("propagator", "default"),
    [
        (DEFAULT, True),
        *[(_Mine(DEFAULT._propagators), False), (CompositePropagator([]), False)],
        *[(TraceContextTextMapPropagator(), False), (Propagator(), False)],
        (CompositePropagator([W3CBaggagePropagator(), TraceContextTextMapPropagator()]), False),
        (
            CompositePropagator(LIGHT),
            True,
        ),
    ],
)
def test_only_the_default_is_replaced(propagator: Any, default: bool) -> None:
    """Tracecontext and baggage in that order, by OpenTelemetry's own class: what the API sets for itself."""
    assert otel._is_default(propagator) is default


def test_the_default_of_a_light_import_works() -> None:
    """Were it not replaced: it is the real one as soon as it is used."""
    light = CompositePropagator(LIGHT)
    assert light.fields == DEFAULT.fields
    assert _injected({"a": "1"}, light) == {"baggage": "a=1"}


@pytest.fixture
def server() -> Iterator[Server]:
    """A server that says what it was sent."""
    with serving() as found:
        yield found


@pytest.mark.runtime
@pytest.mark.parametrize("when", ["at module level", "in the handler"])
@pytest.mark.parametrize("httpx", [True, False])
def test_a_propagator_of_user_code_is_kept(run: Run, server: Server, when: str, httpx: bool) -> None:
    """Whenever it is set, before httpx or after: it writes, and requests by httpx have ours as well."""
    first, then = ("", "    propagate.set_global_textmap(legacy)\n")
    if when == "at module level":
        first, then = "propagate.set_global_textmap(legacy)\n", ""
    source = f"""{LEGACY}
legacy = Legacy()
{first}{"import httpx" if httpx else ""}
def handler(event, context):
{then}    carrier = {{}}
    propagate.inject(carrier)
    sent = httpx.get(event["url"]).json() if {httpx} else {{}}
    return [carrier, sent, propagate.get_global_textmap() is legacy]
"""
    observed = run(source)
    for _ in ("cold", "warm"):
        carrier, sent, kept = json.loads(observed({**HTTP_EVENT, "url": server.url}).payload)
        assert (carrier, kept) == ({"x-legacy-trace": "T1"}, True)
        if httpx:
            assert (sent["x-legacy-trace"], sent["x-correlation-id"]) == ("T1", "CLM-1")
            assert sent["traceparent"].split("-")[2] == observed.spans[1]["spanId"]
        assert observed.said == []


@pytest.mark.runtime
@pytest.mark.parametrize("first", ["", "import httpx\n"])
def test_baggage_of_user_code_works(run: Run, first: str) -> None:
    """What it sets is injected, what it extracts is read, as without the layer."""
    source = f"""
{first}
from opentelemetry import propagate, baggage, context
def handler(event, _):
    token = context.attach(baggage.set_baggage("tenant", "v"))
    carrier = {{}}
    propagate.inject(carrier)
    context.detach(token)
    return [carrier["baggage"], baggage.get_baggage("a", propagate.extract({{"baggage": "a=1"}}))]
"""
    observed = run(source)
    for _ in ("cold", "warm"):
        assert json.loads(observed(HTTP_EVENT).payload) == ["tenant=v", "1"]
        assert observed.said == []


@pytest.mark.runtime
@pytest.mark.parametrize(("name", "said"), [("baggage", False), ("there_is_none", True)])
def test_the_propagators_that_the_environment_names(run: Run, server: Server, name: str, said: bool) -> None:
    """OTEL_PROPAGATORS: httpx adds what they do not write; of one that there is not, WARN lines tell."""
    source = """
import httpx
def handler(event, context):
    return httpx.get(event["url"]).json()
"""
    observed = run(source, environment={"OTEL_PROPAGATORS": name})
    sent = json.loads(observed({**HTTP_EVENT, "url": server.url}).payload)
    assert sent["x-correlation-id"] == "CLM-1"
    assert "traceparent" in sent
    assert bool(observed.said) is said
