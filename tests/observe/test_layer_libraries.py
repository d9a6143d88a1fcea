"""The layer beside the libraries of a function: httpx, OpenTelemetry, structlog, in any version."""

from __future__ import annotations

import http.server
import itertools
import json
import re
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.observe.attached import APP, HTTP_EVENT, TRACEPARENT, Run
from tests.observe.bundles import HTTPX, bundle

pytestmark = pytest.mark.runtime


CALLS = """
    import httpx
    def handler(event, context):
        with httpx.Client() as client:
            reply = client.get(event["url"], headers=event.get("send", {}))
        return reply.json()
"""


class _Echo(http.server.BaseHTTPRequestHandler):
    """Replies with the request's headers; /to?URL redirects there."""

    def do_GET(self) -> None:
        if self.path.startswith("/to?"):
            self.send_response(302)
            self.send_header("Location", self.path[4:])
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        body = json.dumps({name.lower(): value for name, value in self.headers.items()}).encode()
        self.send_response(500 if self.path == "/fails" else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Quiet."""


@pytest.fixture(scope="module")
def echo() -> Iterator[str]:
    """A server that says what it was sent."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Echo)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("fails", [False, True])
def test_httpx_forwards_and_is_a_span(run: Run, echo: str, tmp_path: Path, fails: bool) -> None:
    """An unmodified httpx call forwards the IDs; its span, by the zip's own OpenTelemetry, is the parent."""
    observed = run(CALLS, isolated_site=bundle(tmp_path / "site", *HTTPX))
    sent = json.loads(observed({**HTTP_EVENT, "url": echo + ("/fails" if fails else "/")}).payload)
    own, call = observed.spans
    assert sent["x-correlation-id"] == "CLM-1"
    assert sent["traceparent"] == f"00-{own['traceId']}-{call['spanId']}-01"
    assert "baggage" not in sent
    assert call["parentSpanId"] == own["spanId"]
    assert call["kind"] == 3
    assert call["attributes"]["http.response.status_code"] == ("500" if fails else "200")
    assert call["attributes"]["url.full"].startswith(echo)
    assert observed.said == []


def test_httpx_headers_of_the_caller_win(run: Run, echo: str) -> None:
    """What user code sends itself is not overwritten."""
    observed = run(CALLS)
    event = {**HTTP_EVENT, "url": echo, "send": {"traceparent": TRACEPARENT, "X-Correlation-ID": "mine"}}
    sent = json.loads(observed(event).payload)
    assert (sent["traceparent"], sent["x-correlation-id"]) == (TRACEPARENT, "mine")
    assert observed.said == []


def test_baggage_goes_to_allowed_hosts(run: Run, echo: str) -> None:
    """Debug and hops travel in baggage, to hosts that the settings name."""
    observed = run(CALLS, environment={"OBSERVE_BAGGAGE_HOSTS": "127.0.0.1"})
    sent = json.loads(observed({**HTTP_EVENT, "url": echo}).payload)
    assert sent["baggage"] == "observe.hops=1"
    assert observed.said == []


def test_a_redirect_carries_its_own_span_and_no_baggage(run: Run, echo: str) -> None:
    """What was added for one host does not go on to the next, nor into the caller's request."""
    source = """
        import httpx, os
        request = httpx.Request("GET", os.environ["ECHO"])
        def handler(event, context):
            with httpx.Client(follow_redirects=True) as client:
                redirected = client.get(event["url"]).json()
                client.send(request)
            return [redirected, dict(request.headers)]
    """
    observed = run(source, environment={"OBSERVE_BAGGAGE_HOSTS": "localhost", "ECHO": echo})
    via = echo.replace("127.0.0.1", "localhost") + "/to?" + echo
    redirected, own = json.loads(observed({**HTTP_EVENT, "url": via}).payload)
    assert "baggage" not in redirected
    assert redirected["traceparent"].split("-")[2] == observed.spans[2]["spanId"]
    assert not {"traceparent", "x-correlation-id", "baggage"} & set(own)


def test_httpx_in_a_thread_pool_stays_in_the_trace(run: Run, echo: str) -> None:
    """Threads of user code inherit no context; their calls are still the invocation's children."""
    observed = run(
        """
        from concurrent.futures import ThreadPoolExecutor
        import httpx
        def handler(event, context):
            with ThreadPoolExecutor(2) as pool:
                replies = list(pool.map(lambda n: httpx.get(event["url"]).json(), range(2)))
            return [reply["traceparent"] for reply in replies]
        """
    )
    sent = json.loads(observed({**HTTP_EVENT, "url": echo}).payload)
    own, *calls = observed.spans
    assert {call["traceId"] for call in calls} == {own["traceId"]}
    assert {call["parentSpanId"] for call in calls} == {own["spanId"]}
    assert {header.split("-")[2] for header in sent} == {call["spanId"] for call in calls}
    assert observed.said == []


def test_an_old_opentelemetry_of_the_function_still_forwards(run: Run, echo: str) -> None:
    """Outside the versions we declare, httpx forwards the IDs without spans, said in one warning."""
    old = {"opentelemetry/__init__.py": "", "opentelemetry/version.py": "__version__ = '1.9.0'\n"}
    observed = run(CALLS, files=old)
    sent = json.loads(observed({**HTTP_EVENT, "url": echo}).payload)
    (span,) = observed.spans
    assert sent["x-correlation-id"] == "CLM-1"
    assert sent["traceparent"] == f"00-{span['traceId']}-{span['spanId']}-01"
    assert len(observed.said) == 1


def test_an_old_opentelemetry_api_in_use_turns_only_its_feature_off(run: Run) -> None:
    """A function on an old OpenTelemetry API has its invocation's span and one warning."""
    old = {
        "opentelemetry/__init__.py": "",
        "opentelemetry/version.py": "__version__ = '1.9.0'\n",
        "opentelemetry/trace/__init__.py": "",
    }
    observed = run("import opentelemetry.trace\n" + textwrap.dedent(APP), files=old)
    assert json.loads(observed(HTTP_EVENT).payload)["statusCode"] == 201
    assert len(observed.spans) == 1
    assert "1.9.0 is outside" in observed.said[0]


def test_a_function_that_only_imports_httpx_is_told_nothing(run: Run) -> None:
    """No WARN line, and no import that fails: other clients may be loaded in threads at the same time."""
    source = """
        import importlib, threading
        errors = []
        def load(name):
            try:
                importlib.import_module(name)
            except Exception as error:
                errors.append(repr(error))
        names = ("httpx", "asyncio.subprocess", "anyio._backends._asyncio", "importlib.metadata")
        threads = [threading.Thread(target=load, args=(name,)) for name in names]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
        def handler(event, context):
            return errors
    """
    observed = run(source)
    for _ in ("cold", "warm"):
        assert json.loads(observed(HTTP_EVENT).payload) == []
        assert observed.said == []


@pytest.mark.parametrize("library", ["opentelemetry", "structlog", "wrapt", "typing_extensions"])
def test_a_broken_dependency_of_the_function(run: Run, library: str) -> None:
    """A function that bundles a broken copy of a library of ours works as without us."""
    source = "import httpx\n" + textwrap.dedent(APP)
    observed = run(source, files={f"{library}/__init__.py": "raise RuntimeError('broken')\n"})
    assert json.loads(observed(HTTP_EVENT).payload)["statusCode"] == 201
    assert len(observed.spans) == 1


def test_opentelemetry_first_imported_in_the_handler(run: Run) -> None:
    """User code that imports OpenTelemetry late has its spans from the next invocation on."""
    observed = run(
        """
        def handler(event, context):
            from opentelemetry import trace
            with trace.get_tracer("mine").start_as_current_span("theirs"):
                pass
        """
    )
    observed(HTTP_EVENT)
    observed(HTTP_EVENT)
    assert [span["name"] for span in observed.spans] == ["POST /claims", "theirs"]


def test_a_propagator_is_given_what_only_its_setter_understands(run: Run) -> None:
    """OpenTelemetry's inject with a carrier of user code's own works."""
    observed = run(
        """
        from opentelemetry import propagate
        import httpx
        class Message:
            headers = None
        class Setter:
            def set(self, carrier, key, value):
                carrier.headers = {**(carrier.headers or {}), key: value}
        def handler(event, context):
            message = Message()
            propagate.inject(message, setter=Setter())
            return message.headers
        """
    )
    assert json.loads(observed(HTTP_EVENT).payload)["x-correlation-id"] == "CLM-1"


def test_spans_of_the_users_own_opentelemetry(run: Run) -> None:
    """OpenTelemetry spans of user code end in our line, under the invocation's span."""
    observed = run(
        """
        from opentelemetry import trace
        import observe
        tracer = trace.get_tracer("mine")
        def handler(event, context):
            with tracer.start_as_current_span("outer") as span:
                span.add_event("decided", {"n": 1})
                with observe.span("inner"):
                    with tracer.start_as_current_span("innermost"):
                        pass
            return 1
        """
    )
    observed(HTTP_EVENT)
    spans = {span["name"]: span for span in observed.spans}
    chain = ["POST /claims", "outer", "inner", "innermost"]
    for parent, child in itertools.pairwise(chain):
        assert spans[child]["parentSpanId"] == spans[parent]["spanId"]
    assert spans["outer"]["events"][0]["name"] == "decided"


def test_a_provider_of_user_code_gets_our_processor(run: Run) -> None:
    """A function that sets up OpenTelemetry's SDK itself keeps its provider, and we see its spans."""
    observed = run(
        """
        from opentelemetry import trace
        from opentelemetry.sdk.trace import TracerProvider
        provider = TracerProvider()
        trace.set_tracer_provider(provider)
        def handler(event, context):
            with trace.get_tracer("mine").start_as_current_span("theirs"):
                pass
            return trace.get_tracer_provider() is provider
        """
    )
    assert json.loads(observed(HTTP_EVENT).payload) is True
    assert [span["name"] for span in observed.spans] == ["POST /claims", "theirs"]


def test_a_provider_that_user_code_sets_in_its_first_invocation(run: Run) -> None:
    """One that is set lazily is kept, from that invocation on, and whoever it exports to sees its spans."""
    observed = run(
        """
        provider = seen = None
        def handler(event, context):
            global provider, seen
            from opentelemetry import trace
            if provider is None:
                from opentelemetry.sdk.trace import TracerProvider
                from opentelemetry.sdk.trace.export import SimpleSpanProcessor
                from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
                provider, seen = TracerProvider(), InMemorySpanExporter()
                provider.add_span_processor(SimpleSpanProcessor(seen))
                trace.set_tracer_provider(provider)
            with trace.get_tracer("mine").start_as_current_span("theirs"):
                pass
            return [trace.get_tracer_provider() is provider, len(seen.get_finished_spans())]
        """
    )
    for count in (1, 2):
        assert json.loads(observed(HTTP_EVENT).payload) == [True, count]
        names = [span["name"] for span in observed.spans]
        assert names == ["POST /claims", "theirs"]
    assert observed.said == []


def test_log_and_metrics_of_the_layer(run: Run, tmp_path: Path) -> None:
    """observe.log, by the zip's own structlog, and observe.metrics write the documented lines."""
    observed = run(
        """
        import observe
        def handler(event, context):
            observe.log.info("claim accepted", claim="CLM-1", trace_id="mine", odd={1, 2}, nan=float("nan"))
            observe.log.debug("not written")
            observe.metrics.increment("claims.submitted", tags={"product": "motor"})
            observe.metrics.gauge("broken", float("nan"))
            return 1
        """,
        isolated_site=bundle(tmp_path / "site"),
    )
    result = observed(HTTP_EVENT)
    (line,) = [json.loads(m) for m in observed.log.messages() if "claim accepted" in m]
    (span,) = observed.spans
    assert list(line)[:7] == [
        "timestamp",
        "level",
        "message",
        "requestId",
        "service",
        "correlation_id",
        "trace_id",
    ]
    assert (line["requestId"], line["service"]) == (result.request_id, "submit-claim")
    assert (line["trace_id"], line["span_id"], line["trace_id_"]) == (span["traceId"], span["spanId"], "mine")
    assert (line["odd"], line["nan"]) == ([1, 2], "nan")
    assert not any("not written" in message for message in observed.log.messages())
    (metric,) = [m for m in observed.log.messages() if m.startswith("MONITORING|")]
    assert re.fullmatch(r"MONITORING\|\d{10}\|1\|count\|claims\.submitted\|#product:motor", metric.strip())
    assert "broken: nan is not a finite number" in observed.said[0]


@pytest.mark.parametrize("structlog", ["raise RuntimeError('broken')\n", "__version__ = '0.1'\n"])
def test_log_with_a_structlog_of_the_function_that_cannot_be_used(run: Run, structlog: str) -> None:
    """A broken or ancient structlog in the function costs one warning, not the lines."""
    observed = run(
        """
        import observe
        def handler(event, context):
            observe.log.bind(claim="C-1").unbind("none").info("told %d", 1, n=2)
            return 1
        """,
        files={"structlog/__init__.py": structlog},
    )
    assert observed(HTTP_EVENT).status == "success"
    (line,) = [json.loads(m) for m in observed.log.messages() if "told 1" in m]
    assert (line["claim"], line["n"], line["correlation_id"]) == ("C-1", 2, "CLM-1")
    assert len(observed.said) == 1
