"""OpenTelemetry imported light for httpx's instrumentation: less is loaded, and nothing is missing."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from typing import Any

import pytest

START = """
    import http.server, json, sys, threading, warnings
    import observe
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(204)
            self.end_headers()
        def log_message(self, *args):
            pass
    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    @observe.instrument
    def handler(event, context):
        import httpx
        return httpx.get(f"http://127.0.0.1:{server.server_address[1]}/").status_code
    def told(value):
        print("told", json.dumps(value))
    status = handler({}, None)
"""


def _told(source: str, first: str = "") -> Any:
    """What a process of its own tells, in which the layer has instrumented httpx and a call was made."""
    script = first + textwrap.dedent(START) + textwrap.dedent(source)
    ran = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout.rpartition("told ")[2])


def test_what_is_not_needed_is_not_loaded() -> None:
    """A call by httpx needs neither metrics nor the propagators that ours replaces, nor asyncio's loops."""
    loaded = _told("""
        names = ("opentelemetry.metrics", "opentelemetry.baggage", "typing_extensions",
            "opentelemetry.trace.propagation.tracecontext", "importlib.metadata")
        told([status, [name for name in names if name in sys.modules]])
    """)
    assert loaded == [204, []]


def test_a_meter_provider_set_later_is_told_of_calls() -> None:
    """User code that sets up OpenTelemetry's metrics has the instrumentation's, of calls from then on."""
    names = _told("""
        from opentelemetry import metrics
        from opentelemetry.sdk.metrics import MeterProvider
        from opentelemetry.sdk.metrics.export import InMemoryMetricReader
        reader = InMemoryMetricReader()
        metrics.set_meter_provider(MeterProvider(metric_readers=[reader]))
        handler({}, None)
        found = reader.get_metrics_data().resource_metrics[0].scope_metrics
        told([[one.scope.name, metric.name, metric.data.data_points[0].count]
            for one in found for metric in one.metrics])
    """)
    assert names == [["opentelemetry.instrumentation.httpx", "http.client.duration", 1]]


def test_what_stood_in_is_the_real_thing_afterwards() -> None:
    """Propagators, metrics, typing_extensions: whoever imports them later has theirs, whole."""
    assert _told("""
        from opentelemetry import baggage, metrics, trace
        from opentelemetry.baggage.propagation import W3CBaggagePropagator
        from opentelemetry.trace.propagation import tracecontext
        from typing_extensions import deprecated, TypedDict
        import typing_extensions
        carrier = {}
        W3CBaggagePropagator().inject(carrier, baggage.set_baggage("a", "1"))
        told([carrier, hasattr(tracecontext.TraceContextTextMapPropagator, "extract"),
            typing_extensions.deprecated is deprecated, isinstance(metrics.Histogram, type),
            type(metrics.get_meter("x")).__name__])
    """) == [{"baggage": "a=1"}, True, True, True, "_ProxyMeter"]


def test_what_is_deprecated_still_warns() -> None:
    """A deprecated function of OpenTelemetry's API warns, where the caller is, and does what it did."""
    count, category, message = _told("""
        from observe import otel_light
        with otel_light.importing():
            pass
        @otel_light._deprecated("use another", category=FutureWarning)
        def twice(number):
            return 2 * number
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            result = twice(4)
        told([result, caught[0].category.__name__, str(caught[0].message)])
    """)
    assert (count, category, message) == (8, "FutureWarning", "use another")


@pytest.mark.parametrize("variable", ["OTEL_PROPAGATORS", "OTEL_PYTHON_METER_PROVIDER"])
def test_what_the_environment_asks_for_is_loaded(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """OTEL_PROPAGATORS and OTEL_PYTHON_METER_PROVIDER have OpenTelemetry set up as it does without us."""
    value, module = {
        "OTEL_PROPAGATORS": ("baggage", "opentelemetry.baggage.propagation"),
        "OTEL_PYTHON_METER_PROVIDER": ("default_meter_provider", "opentelemetry.metrics"),
    }[variable]
    monkeypatch.setenv(variable, value)
    assert _told(f"told([status, {module!r} in sys.modules])") == [204, True]


def test_another_thread_that_imports_at_the_same_time() -> None:
    """While the import is held open another thread has asyncio, metrics and the rest, whole."""
    errors = _told("""
        import importlib.machinery
        from observe import otel_light
        statements = ("import asyncio.events", "from asyncio.subprocess import PIPE",
            "import asyncio.subprocess as s",
            "from opentelemetry.metrics import Histogram; assert Histogram is not object",
            "from importlib.metadata import version", "from packaging.version import Version",
            "import packaging.version as v; assert v.Version",
            "from typing_extensions import TypedDict, deprecated; import typing_extensions as t; "
            "assert deprecated is t.deprecated",
            "from opentelemetry.baggage.propagation import W3CBaggagePropagator as p; assert p().fields")
        errors = []
        def imports():
            for statement in statements:
                try:
                    exec(statement, {})
                except Exception as error:
                    errors.append([statement, repr(error)])
        class Hold(importlib.machinery.SourceFileLoader):
            def exec_module(self, module):
                thread = threading.Thread(target=imports)
                thread.start()
                thread.join()
                errors.append("held")
                super().exec_module(module)
        class Finder:
            def find_spec(self, name, path=None, target=None):
                if name == "opentelemetry.semconv.schemas":
                    spec = importlib.machinery.PathFinder.find_spec(name, path)
                    spec.loader = Hold(name, spec.origin)
                    return spec
        for name in [name for name in sys.modules if name.startswith(("opentelemetry", "wrapt"))]:
            del sys.modules[name]
        for name in ("asyncio", "importlib.metadata", "packaging.version", "typing_extensions"):
            assert name not in sys.modules
        sys.meta_path.insert(0, Finder())
        with otel_light.importing():
            import opentelemetry.instrumentation.httpx
        told(errors)
    """)
    assert errors == ["held"]


def test_a_name_imported_from_the_package_is_the_module() -> None:
    """`from opentelemetry import metrics` after httpx: the module, which reloads and is patched."""
    first = "from opentelemetry import trace\n"
    told = _told(
        """
        from opentelemetry import metrics
        import importlib, opentelemetry.metrics as the_same, pickle, types, typing
        from unittest import mock
        from opentelemetry.trace import SpanContext, SpanKind
        importlib.reload(metrics)
        with mock.patch.object(metrics, "get_meter", lambda name: name):
            patched = the_same.get_meter("x")
        context = SpanContext(1, 2, False)
        told([metrics is sys.modules["opentelemetry.metrics"], type(metrics) is types.ModuleType, patched,
            isinstance(metrics.get_meter("x"), metrics.Meter), pickle.loads(pickle.dumps(context)) == context,
            pickle.loads(pickle.dumps(SpanKind.CLIENT)) is SpanKind.CLIENT,
            isinstance(context, typing.Hashable)])
        """,
        first=first,
    )
    assert told == [True, True, "x", True, True, True, True]
