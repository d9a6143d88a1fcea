"""Libraries of the function or of another layer in versions that we cannot use, and files like ours."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.observe import overlaid
from tests.observe.attached import HTTP_EVENT, Ran, Run
from tests.observe.bundles import HTTPX, bundle
from tests.observe.http_echo import Server, serving

pytestmark = pytest.mark.runtime

OLD = ("opentelemetry", "structlog", "wrapt", "typing_extensions.py", "datadog")
SITE_PACKAGES = f"python/lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages"
#: Uses the library, which may be too old for this Python by itself, then everything of ours that may need it.
APP = """
    import importlib, observe
    try:
        importlib.import_module("{module}")
        imported = True
    except Exception:
        imported = False
    import httpx

    def handler(event, context):
        observe.log.info("told", n=1)
        observe.metrics.increment("claims")
        with observe.span("priced"):
            return [imported, httpx.get(event["url"]).json()]
"""


@pytest.fixture
def server() -> Iterator[Server]:
    """A server that says what it was sent."""
    with serving() as found:
        yield found


def _works(observed: Ran, server: Server) -> bool:
    """It has its log line, metric, span, call and result; return whether it could use the library."""
    result = observed({**HTTP_EVENT, "url": server.url})
    imported, sent = json.loads(result.payload)
    assert sent["x-correlation-id"] == "CLM-1"
    spans = {span["name"]: span for span in observed.spans}
    assert spans["priced"]["parentSpanId"] == spans["POST /claims"]["spanId"]
    assert sent["traceparent"].split("-")[1] == spans["priced"]["traceId"]
    assert sum('"message":"told"' in line for line in observed.log.messages()) == 1
    assert sum("|count|claims|" in line for line in observed.log.messages()) == 1
    assert all(json.loads(line)["level"] == "WARN" for line in observed.said)
    return bool(imported)


@overlaid.needs_old
@pytest.mark.parametrize("place", ["bundled", "python", SITE_PACKAGES])
@pytest.mark.parametrize("library", OLD)
def test_an_old_library(
    run: Run, opt: Path, tmp_path: Path, server: Server, library: str, place: str
) -> None:
    """Bundled by the function or in another layer it wins, and costs at most the feature that needs it."""
    bundled = bundle(tmp_path / "bundled", *HTTPX)
    layers = overlaid.overlay(opt, tmp_path / "opt")
    folder = bundled if place == "bundled" else layers / place
    folder.mkdir(parents=True, exist_ok=True)
    overlaid.bundle(folder, library, old=True)
    module = "opentelemetry.trace" if library == "opentelemetry" else library.removesuffix(".py")
    observed = run(APP.replace("{module}", module), opt=layers, isolated_site=bundled)
    _works(observed, server)
    assert len(observed.said) <= 1


@pytest.mark.parametrize("version", ["1.20.0", "2.0.0", "nightly"])
def test_an_opentelemetry_that_we_do_not_know(run: Run, tmp_path: Path, server: Server, version: str) -> None:
    """Outside the versions that we declare its spans are left out, and httpx's: said in one warning."""
    files = {
        "opentelemetry/__init__.py": "",
        "opentelemetry/trace/__init__.py": "",
        "opentelemetry/version.py": f"__version__ = {version!r}\n",
        "opentelemetry/version/__init__.py": f"__version__ = {version!r}\n",
    }
    bundled = bundle(tmp_path / "bundled", *HTTPX)
    observed = run(APP.replace("{module}", "opentelemetry.trace"), files=files, isolated_site=bundled)
    assert _works(observed, server)
    (said,) = observed.said
    assert f"opentelemetry-api {version} is outside 1.30 to 1.x: its spans are left out" in said
    assert "httpx calls are forwarded without spans" in said
    observed({**HTTP_EVENT, "url": server.url})
    assert observed.said == []


@overlaid.needs_layers
def test_new_libraries_of_another_layer(run: Run, opt: Path, tmp_path: Path, server: Server) -> None:
    """The whole of OpenTelemetry's layer unused beside ours, which takes what it needs from there."""
    layers = overlaid.overlay(opt, tmp_path / "opt", overlaid.OPENTELEMETRY)
    bundled = bundle(tmp_path / "bundled", *HTTPX)
    observed = run(APP.replace("{module}", "opentelemetry.trace"), opt=layers, isolated_site=bundled)
    assert _works(observed, server)
    assert observed.said == []


@pytest.mark.parametrize("place", ["python/observe.py", f"{SITE_PACKAGES}/observe/__init__.py"])
def test_a_module_of_our_name_in_another_layer(run: Run, opt: Path, tmp_path: Path, place: str) -> None:
    """What is found before ours makes the layer step aside; what is found after it does not."""
    layers = overlaid.overlay(opt, tmp_path / "opt", files={place: "MINE = 1\n"})
    source = "import observe\ndef handler(event, context):\n    return getattr(observe, 'MINE', 0)\n"
    observed = run(source, opt=layers)
    first = place != "python/observe.py"  # beside a package of that name a module is not found
    assert json.loads(observed(HTTP_EVENT).payload) == int(first)
    assert bool(observed.said) == first
