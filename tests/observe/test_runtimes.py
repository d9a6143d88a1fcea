"""The layer on every Python that Lambda offers, each under the real runtime client.

3.11 to 3.14, as far as the machine has them; the bytecode that the zip ships is each one's own.
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lambda_layer import build
from observe.event_line import EVENT
from tests.conftest import ROOT
from tests.observe import runtimes
from tests.observe.attached import HTTP_EVENT, Ran, Run
from tests.observe.http_echo import serving

pytestmark = pytest.mark.runtime


@pytest.fixture(scope="module", params=build.VERSIONS)
def python(request: pytest.FixtureRequest) -> tuple[str, Path]:
    """A version and its interpreter."""
    return request.param, runtimes.find(request.param)


@pytest.fixture(scope="module")
def opt(python: tuple[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The zip as it is built where this interpreter is on the path."""
    folder = tmp_path_factory.mktemp("layer") / "opt"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{python[1].parent}{os.pathsep}{os.environ['PATH']}")
        archive = build.ensure(ROOT / "build")
    build.unpack(archive, folder)
    yield folder
    build.remove(folder)


@pytest.fixture
def start(run: Run, python: tuple[str, Path], opt: Path) -> Run:
    """Make a function as `run` does, for this interpreter."""
    version, executable = python

    def make(source: str, **options: Any) -> Ran:
        ran = run(
            source, opt=opt, environment={"AWS_EXECUTION_ENV": f"AWS_Lambda_python{version}"}, **options
        )
        if version != runtimes.OWN:
            site = runtimes.runtime_site(version, executable)
            ran.function.config = dataclasses.replace(
                ran.function.config, python=str(executable), sites=(site,)
            )
        return ran

    return make


def test_a_handler_that_knows_nothing_of_us(start: Run, python: tuple[str, Path]) -> None:
    """Its lines and its result are the bare one's; one span line is added; no module is compiled."""
    source = """
        import os, sys
        def handler(event, context):
            print("printed", event["rawPath"])
            files = [(m, getattr(m, "__file__", "") or "") for m in list(sys.modules.values())]
            ours = [m.__spec__ for m, file in files if "/python/observe/" in file]
            return {
                "version": "%d.%d" % sys.version_info[:2],
                "compiled": [one.name for one in ours if not os.path.exists(one.cached)],
                "loaded": len(ours),
            }
        """
    bare, observed = start(source, layer=False), start(source)
    replies = [json.loads(each(HTTP_EVENT).payload) for each in (bare, observed)]
    assert [reply["version"] for reply in replies] == [python[0]] * 2
    assert [reply["loaded"] > 5 for reply in replies] == [False, True]
    assert replies[1]["compiled"] == []
    assert observed.application == bare.application == ["printed /claims\n"]
    (span,) = observed.spans
    assert (span["name"], span["attributes"]["correlation_id"]) == ("POST /claims", "CLM-1")
    assert observed.said == []


def test_a_log_line_a_metric_and_a_span(start: Run) -> None:
    """What user code writes is joined by trace and span; cold, and warm as well."""
    observed = start("""
        import observe
        def handler(event, context):
            with observe.span("price"):
                observe.log.info("told", claim="C-1")
            observe.metrics.increment("claims", tags={"product": "motor"})
            return "done"
        """)
    for _ in range(2):
        assert json.loads(observed(HTTP_EVENT).payload) == "done"
        own, price = sorted(observed.spans, key=lambda span: span["name"])
        (line,) = [json.loads(each) for each in observed.log.messages() if '"message":"told"' in each]
        assert price["parentSpanId"] == own["spanId"]
        assert (line["trace_id"], line["span_id"]) == (own["traceId"], price["spanId"])
        assert (line["claim"], line["correlation_id"]) == ("C-1", "CLM-1")
        assert [each.rstrip().split("|")[2:] for each in observed.log.messages() if "|claims|" in each] == [
            ["1", "count", "claims", "#product:motor"]
        ]
    assert observed.said == []


def test_a_call_by_httpx(start: Run) -> None:
    """It carries the ID and names its own span as the parent of what comes next."""
    observed = start("""
        import httpx
        def handler(event, context):
            return httpx.get(event["url"]).json()
        """)
    with serving() as server:
        sent = json.loads(observed({**HTTP_EVENT, "url": server.url}).payload)
    own, call = sorted(observed.spans, key=lambda span: "parentSpanId" in span)
    assert call["parentSpanId"] == own["spanId"]
    assert sent["traceparent"] == f"00-{call['traceId']}-{call['spanId']}-01"
    assert sent["x-correlation-id"] == "CLM-1"
    assert observed.said == []


def test_an_error_and_its_event(start: Run) -> None:
    """The runtime reports what it does without us; the event is told once, its secrets taken out."""
    source = """
        def handler(event, context):
            raise ValueError("no such claim")
        """
    bare, observed = start(source, layer=False), start(source)
    reports = [re.sub(rb"task\d|[0-9a-f-]{36}", b"", each(_SECRET).payload) for each in (bare, observed)]
    assert reports[0] == reports[1]
    assert b"ValueError" in reports[0]
    (line,) = [each for each in observed.log.messages() if EVENT in each]
    assert json.loads(line)["correlation_id"] == "CLM-1"
    assert "hunter2" not in line
    (span,) = observed.spans
    assert span["attributes"]["error.type"] == "ValueError"
    assert observed.said == []


_SECRET = {**HTTP_EVENT, "body": json.dumps({"claim": "C-1", "password": "hunter2"})}


def test_a_timeout(start: Run) -> None:
    """The watchdog tells the span and where the code was before Lambda kills the process."""
    observed = start(
        """
        import time
        def handler(event, context):
            time.sleep(30)
        """,
        timeout_s=1.0,
    )
    assert observed(HTTP_EVENT).status == "timeout"
    (span,) = observed.spans
    assert span["attributes"]["error.type"] == "timeout"
    said = {pair["key"]: pair["value"]["stringValue"] for pair in span["events"][0]["attributes"]}
    assert re.search(r'app\.py", line 4, in handler$', said["exception.stacktrace"], re.MULTILINE)
