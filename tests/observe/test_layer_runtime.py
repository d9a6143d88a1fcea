"""The built zip, attached by the exec wrapper, under the real runtime interface client.

The handlers here know nothing of the layer.
"""

from __future__ import annotations

import http.server
import importlib.util
import itertools
import json
import re
import shutil
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from console.local.cloudwatch import MemoryLogWriter
from console.local.function import LocalFunction
from lambda_layer import build

pytestmark = pytest.mark.runtime

WRAPPER = {"AWS_LAMBDA_EXEC_WRAPPER": "/opt/observe-exec"}
#: /opt is read-only on Lambda.
BARE = {"PYTHONDONTWRITEBYTECODE": "1"}
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = f"00-{TRACE}-00f067aa0ba902b7-01"
HTTP_EVENT = {
    "version": "2.0",
    "routeKey": "POST /claims",
    "rawPath": "/claims",
    "headers": {"x-correlation-id": "CLM-1"},
    "requestContext": {"http": {"method": "POST", "path": "/claims"}, "domainName": "x"},
}
APP = """
    import json, logging, os, sys
    logging.getLogger().setLevel("INFO")
    def handler(event, context):
        print("printed", event.get("rawPath"))
        logging.info("logged")
        if event.get("boom"):
            raise ValueError("no such claim")
        return {"statusCode": 201, "handler": os.environ["_HANDLER"], "path": sys.path}
"""


class Ran:
    """One function with the layer and without, and what it said."""

    def __init__(self, log: MemoryLogWriter, function: LocalFunction) -> None:
        self.log = log
        self.function = function

    def __call__(self, event: Any, **options: Any) -> Any:
        self.log.streams.clear()
        return self.function.invoke(event, **options)

    @property
    def application(self) -> list[str]:
        """The function's own lines: no platform line, none of ours, request IDs and times masked."""
        found = []
        for line in self.log.messages():
            if re.match(r"INIT_START|START|END|REPORT|XRAY", line) or "hybrid-observe" in line:
                continue
            if not line.startswith('{"resourceSpans"'):
                found.append(re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|\d{4}-\d\d-\d\dT[0-9:.]+Z", "*", line))
        return found

    @property
    def spans(self) -> list[dict[str, Any]]:
        """The spans of every span line."""
        lines = [json.loads(line) for line in self.log.messages() if '"resourceSpans"' in line]
        return [
            {
                **span,
                "attributes": {a["key"]: next(iter(a["value"].values())) for a in span.get("attributes", [])},
            }
            for line in lines
            for span in line["resourceSpans"][0]["scopeSpans"][0]["spans"]
        ]

    @property
    def said(self) -> list[str]:
        """What the layer said about itself."""
        return [line for line in self.log.messages() if "hybrid-observe" in line]


Run = Callable[..., Ran]


@pytest.fixture
def run(tmp_path: Path, opt: Path) -> Iterator[Run]:
    """Make a function from source; `layer=False` for the bare one."""
    made: list[LocalFunction] = []

    def make(source: str, *, layer: bool = True, files: dict[str, str] | None = None, **options: Any) -> Ran:
        root = tmp_path / f"task{len(made)}"
        root.mkdir()
        for name, text in {"app.py": source, **(files or {})}.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(textwrap.dedent(text))
        log = MemoryLogWriter()
        environment = {**(WRAPPER if layer else {}), **options.pop("environment", {})}
        folder = options.pop("opt", opt)
        handler = options.pop("handler", "app.handler")
        function = LocalFunction(
            "submit-claim",
            handler,
            root,
            opt=folder if layer else None,
            environment=environment,
            log=log,
            **{"timeout_s": 20.0, **options},
        )
        made.append(function)
        return Ran(log, function)

    yield make
    for function in made:
        function.close()


def test_a_handler_that_knows_nothing_of_us(run: Run) -> None:
    """Its lines and its result are what they were; one span line is added, under the client's ID."""
    bare, observed = run(APP, layer=False), run(APP)
    assert json.loads(bare(HTTP_EVENT).payload)["statusCode"] == 201
    reply = json.loads(observed(HTTP_EVENT).payload)
    assert (reply["statusCode"], reply["handler"]) == (201, "app.handler")
    assert reply["path"][-1].endswith("/observe-lib")
    assert observed.application == bare.application
    (span,) = observed.spans
    assert span["name"] == "POST /claims"
    assert span["attributes"]["correlation_id"] == "CLM-1"
    assert span["attributes"]["http.response.status_code"] == "201"
    assert span["attributes"]["faas.coldstart"] is True
    assert "parentSpanId" not in span
    assert observed.said == []

    request_id = observed(HTTP_EVENT).request_id
    (span,) = observed.spans
    assert span["attributes"]["faas.invocation_id"] == request_id
    assert "faas.coldstart" not in span["attributes"]


def test_a_foreign_traceparent_is_the_parent_and_the_correlation_id_is_linked(run: Run) -> None:
    """Two IDs, one story: the caller's trace goes on, and the derived trace is linked."""
    observed = run(APP)
    observed({**HTTP_EVENT, "headers": {"traceparent": TRACEPARENT, "x-correlation-id": "CLM-1"}})
    (span,) = observed.spans
    assert (span["traceId"], span["parentSpanId"]) == (TRACE, "00f067aa0ba902b7")
    assert span["links"][0]["traceId"] == _derived("CLM-1")


def _derived(value: str) -> str:
    from observe.ids import derive_trace_id

    return derive_trace_id(value)


def test_an_exception_is_reported_as_without_us(run: Run) -> None:
    """Type, message and stack that the runtime reports are the handler's own, to the character."""
    bare, observed = run(APP, layer=False), run(APP)
    event = {**HTTP_EVENT, "boom": True}
    payloads = []
    for each in (bare, observed):
        result = each(event)
        assert result.status == "error"
        payloads.append(re.sub(rb"task\d|[0-9a-f-]{36}", b"", result.payload))
    assert payloads[0] == payloads[1]
    assert [re.sub(r"task\d", "", line) for line in observed.application] == [
        re.sub(r"task\d", "", line) for line in bare.application
    ]
    (span,) = observed.spans
    assert span["status"] == {"code": 2, "message": "no such claim"}
    (event_,) = span["events"]
    stack = event_["attributes"][2]["value"]["stringValue"]
    assert "ValueError: no such claim" in stack
    assert "bootstrap.py" not in stack


@pytest.mark.parametrize(
    ("source", "handler", "kind"),
    [
        ("import no_such_module", "app.handler", "Runtime.ImportModuleError"),
        ("def handler(:", "app.handler", "Runtime.UserCodeSyntaxError"),
        ("x = 1", "app.handler", "Runtime.HandlerNotFound"),
        ("x = 1", "nodot", "Runtime.MalformedHandlerName"),
        ("raise RuntimeError('at import')", "app.handler", "RuntimeError"),
    ],
)
def test_an_init_error_is_the_functions_own(run: Run, source: str, handler: str, kind: str) -> None:
    """What fails while the function's module is loaded is reported as it is without us."""
    bare, observed = run(source, layer=False, handler=handler), run(source, handler=handler)
    reports = []
    for each in (bare, observed):
        reply = json.loads(each({}).payload)
        reports.append({key: reply[key] for key in ("errorType", "errorMessage")})
        if isinstance(reply.get("errorMessage"), str):
            reports[-1]["errorMessage"] = re.sub(r"task\d", "", reply["errorMessage"])
    assert reports[0] == reports[1]
    assert reports[0]["errorType"] == kind


def test_a_timeout_is_told_before_lambda_kills(run: Run) -> None:
    """The span of an invocation that runs into its timeout is written by the watchdog."""
    observed = run(
        "import time\ndef handler(event, context):\n    print('working')\n    time.sleep(30)\n", timeout_s=1.0
    )
    assert observed(HTTP_EVENT).status == "timeout"
    (span,) = observed.spans
    assert span["status"] == {"code": 2, "message": "ran into its timeout"}
    assert span["attributes"]["error.type"] == "timeout"
    assert span["attributes"]["correlation_id"] == "CLM-1"
    assert observed(HTTP_EVENT).cold_start


def test_system_exit_is_told(run: Run) -> None:
    """sys.exit in a handler ends the process as it does without us, and the span says so."""
    observed = run("import sys\ndef handler(event, context):\n    sys.exit(3)\n")
    assert observed(HTTP_EVENT).status == "error"
    (span,) = observed.spans
    assert span["attributes"]["error.type"] == "SystemExit"


@pytest.mark.parametrize(
    "event", [None, 3, "text", [1, 2], {}, {"Records": []}, {"Records": [None]}, {"version": "2.0"}]
)
def test_an_unknown_event_reaches_the_handler_untouched(run: Run, event: Any) -> None:
    """Any JSON value arrives as it is, and the invocation has a trace from the environment."""
    observed = run("def handler(event, context):\n    return event\n")
    header = "Root=1-67891233-abcdef012345678912345678;Sampled=0"
    assert json.loads(observed(event, trace_header=header).payload) == event
    (span,) = observed.spans
    assert span["traceId"] == "67891233abcdef012345678912345678"
    assert span["attributes"]["faas.trigger"] == "other"


def test_a_synchronous_caller_is_the_parent(run: Run) -> None:
    """The client context of an Invoke carries the caller's context."""
    observed = run("def handler(event, context):\n    return context.client_context.custom\n")
    custom = {"custom": {"traceparent": TRACEPARENT, "x-correlation-id": "CLM-9"}}
    observed({}, client_context=json.dumps(custom))
    (span,) = observed.spans
    assert (span["traceId"], span["parentSpanId"]) == (TRACE, "00f067aa0ba902b7")
    assert span["attributes"]["correlation_id"] == "CLM-9"


def test_garbage_headers_meet_the_trust_edge(run: Run) -> None:
    """What a stranger sends is replaced or ignored, and that is said once."""
    observed = run(APP)
    headers = {"x-correlation-id": "<script>" * 40, "traceparent": "00-zz", "baggage": "observe.debug=1"}
    for _ in range(2):
        observed({**HTTP_EVENT, "headers": headers})
    (span,) = observed.spans
    assert span["attributes"]["correlation_id"] == _derived("<script>" * 40) == span["traceId"]
    assert observed.said == []


def test_json_mode_leads_with_timestamp_and_level(run: Run) -> None:
    """In Lambda's JSON mode no filter drops the span line."""
    observed = run(APP, environment={"AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": "WARN"})
    observed(HTTP_EVENT)
    (line,) = [line for line in observed.log.messages() if '"resourceSpans"' in line]
    assert re.match(r'\{"timestamp":"[0-9T:.-]+Z","level":"WARN","resourceSpans":', line)


def test_propagate_mode_writes_no_span(run: Run) -> None:
    """OBSERVE_MODE=propagate leaves the log exactly as it was."""
    bare, observed = run(APP, layer=False), run(APP, environment={"OBSERVE_MODE": "propagate"})
    bare(HTTP_EVENT)
    observed(HTTP_EVENT)
    assert observed.application == bare.application
    assert observed.spans == []


def test_disabled_loads_nothing(run: Run) -> None:
    """OBSERVE_DISABLED=1 runs the bare handler: no module of ours is loaded."""
    source = (
        "import sys\ndef handler(event, context):\n    return [m for m in sys.modules if 'observe' in m]\n"
    )
    observed = run(source, environment={"OBSERVE_DISABLED": "1"})
    assert json.loads(observed({}).payload) == []
    assert observed.spans == []


def _broken(opt: Path, tmp_path: Path, change: Callable[[Path], object]) -> Path:
    copy = tmp_path / "broken-opt"
    shutil.copytree(opt, copy)
    for path in [copy, *copy.rglob("*")]:
        path.chmod(0o755)
    change(copy)
    for cached in (copy / "python").rglob("__pycache__"):
        shutil.rmtree(cached)
    return copy


@pytest.mark.parametrize(
    "change",
    [
        lambda opt: (opt / "python/observe/handler.py").write_text("this is not Python"),
        lambda opt: (opt / "python/observe/settings.py").write_text("1/0"),
        lambda opt: (opt / "python/observe/wire.py").unlink(),
        lambda opt: (opt / "python/observe/services/__init__.py").write_text("raise MemoryError"),
        lambda opt: shutil.rmtree(opt / "python/observe"),
    ],
    ids=["syntax", "raises", "missing", "memory", "gone"],
)
def test_a_broken_layer_runs_the_bare_handler(
    run: Run, opt: Path, tmp_path: Path, change: Callable[[Path], object]
) -> None:
    """Whatever is broken in the layer, the handler's result is what it would have been."""
    observed = run(APP, opt=_broken(opt, tmp_path, change))
    assert json.loads(observed(HTTP_EVENT).payload)["statusCode"] == 201
    assert len(observed.said) == 1
    assert "bare handler runs" in observed.said[0]


def test_a_fault_in_an_invocation_of_ours_is_said_once(run: Run, opt: Path, tmp_path: Path) -> None:
    """A fault while capturing leaves every invocation as it would have been."""

    def change(folder: Path) -> None:
        path = folder / "python/observe/services/http.py"
        path.write_text(path.read_text().replace("def _is_v2(event", "def _is_v2(event, unexpected"))

    observed = run(APP, opt=_broken(opt, tmp_path, change))
    assert json.loads(observed(HTTP_EVENT).payload)["statusCode"] == 201
    assert len(observed.said) == 1
    assert json.loads(observed(HTTP_EVENT).payload)["statusCode"] == 201
    assert observed.said == []


def test_a_function_with_its_own_module_of_our_name_runs_bare(run: Run) -> None:
    """A function's own `observe` is found first; the layer steps aside and says so."""
    source = "import observe\ndef handler(event, context):\n    return observe.MINE\n"
    observed = run(source, files={"observe.py": "MINE = 1\n"})
    assert json.loads(observed({}).payload) == 1
    assert "is a module of that name" in observed.said[0]


@pytest.mark.parametrize("library", ["opentelemetry", "structlog", "wrapt", "typing_extensions"])
def test_a_broken_dependency_of_the_function(run: Run, library: str) -> None:
    """A function that bundles a broken copy of a library of ours works as without us."""
    source = "import httpx\n" + textwrap.dedent(APP)
    observed = run(source, files={f"{library}/__init__.py": "raise RuntimeError('broken')\n"})
    assert json.loads(observed(HTTP_EVENT).payload)["statusCode"] == 201
    assert len(observed.spans) == 1


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


def _site(folder: Path, *packages: str) -> Path:
    """A site-packages folder with these packages only: what the function bundles."""
    folder.mkdir()
    for name in packages:
        spec = importlib.util.find_spec(name)
        assert spec is not None
        assert spec.origin is not None
        origin = Path(spec.origin)
        source = origin.parent if spec.submodule_search_locations else origin
        (folder / source.name).symlink_to(source)
    return folder


HTTPX = ("httpx", "httpcore", "h11", "anyio", "certifi", "idna")


@pytest.mark.parametrize("fails", [False, True])
def test_httpx_forwards_and_is_a_span(run: Run, echo: str, tmp_path: Path, fails: bool) -> None:
    """An unmodified httpx call forwards the IDs; its span, by the zip's own OpenTelemetry, is the parent."""
    observed = run(CALLS, isolated_site=_site(tmp_path / "site", *HTTPX))
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


def test_baggage_goes_to_allowed_hosts(run: Run, echo: str) -> None:
    """Debug and hops travel in baggage, to hosts that the settings name."""
    observed = run(CALLS, environment={"OBSERVE_BAGGAGE_HOSTS": "127.0.0.1"})
    sent = json.loads(observed({**HTTP_EVENT, "url": echo}).payload)
    assert sent["baggage"] == "observe.hops=1"


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


@pytest.mark.parametrize("place", ["src/observe.py", "src/observe/__init__.py"])
def test_a_module_of_our_name_on_the_pythonpath(run: Run, tmp_path: Path, place: str) -> None:
    """What PYTHONPATH finds before ours makes the layer step aside, not fail."""
    (tmp_path / place).parent.mkdir(parents=True)
    (tmp_path / place).write_text("MINE = 1\n")
    observed = run(APP, environment={"PYTHONPATH": f"/nowhere:{tmp_path}/src"})
    assert json.loads(observed(HTTP_EVENT).payload)["statusCode"] == 201
    assert "is a module of that name" in observed.said[0]


def test_a_folder_of_our_name_without_python_is_no_module(run: Run) -> None:
    """A data folder named observe does not turn the layer off."""
    observed = run(APP, files={"observe/readme.txt": "data"})
    assert json.loads(observed(HTTP_EVENT).payload)["statusCode"] == 201
    assert len(observed.spans) == 1


def test_an_old_opentelemetry_of_the_function_still_forwards(run: Run, echo: str) -> None:
    """Outside the versions we declare, httpx forwards the IDs without spans, said in one warning."""
    old = {"opentelemetry/__init__.py": "", "opentelemetry/version.py": "__version__ = '1.9.0'\n"}
    observed = run(CALLS, files=old)
    sent = json.loads(observed({**HTTP_EVENT, "url": echo}).payload)
    (span,) = observed.spans
    assert sent["x-correlation-id"] == "CLM-1"
    assert sent["traceparent"] == f"00-{span['traceId']}-{span['spanId']}-01"
    assert len(observed.said) == 1


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
        isolated_site=_site(tmp_path / "site"),
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


def test_a_function_that_sets_pythonpath(run: Run) -> None:
    """Lambda leaves /opt/python out where PYTHONPATH is set; the wrapper adds it."""
    observed = run(APP, environment={"PYTHONPATH": "/var/task/lib"})
    assert json.loads(observed(HTTP_EVENT).payload)["statusCode"] == 201
    assert len(observed.spans) == 1


@pytest.mark.parametrize("version", ["3.8", "3.9", "3.10"])
def test_an_unsupported_python_runs_the_bare_handler(opt: Path, tmp_path: Path, version: str) -> None:
    """On an older Python the entry module hands over the function's own handler."""
    python = next((path for path in _pythons(version)), None)
    if python is None:
        pytest.skip(f"no Python {version} on this machine")
    (tmp_path / "app.py").write_text("def handler(event, context):\n    return 'bare'\n")
    code = "import observe.entry as e; print(e.handler({}, None), e.handler.__module__)"
    done = subprocess.run(
        [str(python), "-c", code],
        env={**BARE, "PYTHONPATH": f"{tmp_path}:{opt}/python", "OBSERVE_HANDLER": "app.handler"},
        cwd=tmp_path,  # -c puts the current folder first
        capture_output=True,
        text=True,
        check=True,
    )
    assert "bare app" in done.stdout
    assert "is older than 3.11" in done.stdout


@pytest.mark.parametrize("version", build.VERSIONS)
def test_every_supported_python(opt: Path, tmp_path: Path, version: str) -> None:
    """The zip's own libraries work on each Python that Lambda offers, where the machine has it."""
    python = next((path for path in _pythons(version)), None)
    if python is None:
        pytest.skip(f"no Python {version} on this machine")
    (tmp_path / "app.py").write_text(
        "import observe\ndef handler(event, context):\n    observe.log.info('told', n=1)\n    return 'done'\n"
    )
    code = "import observe.entry as e, observe.testing as t; print(e.handler({}, t.LambdaContext()))"
    done = subprocess.run(
        [str(python), "-c", code],
        env={**BARE, "PYTHONPATH": f"{tmp_path}:{opt}/python", "OBSERVE_HANDLER": "app.handler"},
        cwd=tmp_path,  # -c puts the current folder first
        capture_output=True,
        text=True,
        check=True,
    )
    log, span, result = done.stdout.splitlines()
    assert json.loads(log)["message"] == "told"
    assert (
        json.loads(log)["span_id"]
        == json.loads(span)["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["spanId"]
    )
    assert result == "done"


def _pythons(version: str) -> Iterator[Path]:
    name = f"python{version}"
    own = sys.executable if version == f"{sys.version_info.major}.{sys.version_info.minor}" else None
    candidates = [own, shutil.which(name), *Path.home().glob(f".pyenv/versions/{version}.*/bin/{name}")]
    for candidate in candidates:
        if candidate and build._runs(str(candidate), version):
            yield Path(candidate)
