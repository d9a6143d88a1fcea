"""What the benchmark compares: functions, what each bundles, and the budgets of ours.

Peers are installed from requirements/coexist.txt and are started as their own layers start them. All of
them come with bytecode, as their layers do: pip's beside the sources, or, of Datadog's, instead of them.

https://github.com/open-telemetry/opentelemetry-lambda/blob/main/python/src/otel/Dockerfile
https://github.com/DataDog/datadog-lambda-python/blob/main/Dockerfile
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from console.local.launch import site_folder

PEERS = Path(__file__).parents[1] / "build" / "coexist" / "layers"

BARE = "def handler(event, context):\n    return {'statusCode': 200}\n"
OURS = """
    import observe
    log, metrics = observe.log, observe.metrics
    def handler(event, context):
        log.info("claim accepted", claim="CLM-889123")
        metrics.increment("claims.submitted", tags={"product": "motor"})
        return {"statusCode": 200}
"""
POWERTOOLS = """
    from aws_lambda_powertools import Logger, Metrics
    from aws_lambda_powertools.metrics import MetricUnit
    logger, metrics = Logger(service="f"), Metrics(namespace="n", service="f")
    @metrics.log_metrics
    @logger.inject_lambda_context(correlation_id_path='headers."x-correlation-id"')
    def handler(event, context):
        logger.info("claim accepted", claim="CLM-889123")
        metrics.add_metric(name="ClaimsSubmitted", unit=MetricUnit.Count, value=1)
        return {"statusCode": 200}
"""
#: What OpenTelemetry's layer does before the function is loaded, with OTEL_TRACES_EXPORTER=console. Left
#: out: an exporter of metrics, and the instrumentation of botocore, which it always loads.
OPENTELEMETRY = """
    import os
    from importlib import import_module
    from opentelemetry import metrics, trace
    from opentelemetry.instrumentation.aws_lambda import AwsLambdaInstrumentor
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor
    resource = Resource.create()
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(SimpleSpanProcessor(ConsoleSpanExporter()))
    trace.set_tracer_provider(provider)
    metrics.set_meter_provider(MeterProvider(resource=resource))
    AwsLambdaInstrumentor().instrument()
    module, _, name = os.environ["ORIG_HANDLER"].rpartition(".")
    lambda_handler = getattr(import_module(module), name)
"""
DATADOG = """
    import logging
    from datadog_lambda.metric import lambda_metric
    logger = logging.getLogger()
    logger.setLevel("INFO")
    def handler(event, context):
        logger.info("claim accepted: CLM-889123")
        lambda_metric("claims.submitted", 1, tags=["product:motor"])
        return {"statusCode": 200}
"""
HTTPX = "import httpx\n" + BARE
HTTPX_OPENTELEMETRY = """
    import httpx
    from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
    HTTPXClientInstrumentor().instrument()
    def handler(event, context):
        return {'statusCode': 200}
"""

HTTPX_PACKAGES = ("httpx", "httpcore", "h11", "anyio", "certifi", "idna", "typing_extensions.py")
_OPENTELEMETRY_PACKAGES = ("opentelemetry*", "wrapt", "packaging", "typing_extensions.py")
_DATADOG_PACKAGES = (
    *("datadog_lambda", "ddtrace*", "_ddtrace_internal", "datadog", "bytecode", "envier", "wrapt"),
    *("ujson*", "opentelemetry", "opentelemetry_api*", "typing_extensions.py"),
)
_BARE, _BARE_HTTPX = "bare handler", "bare handler, httpx"


@dataclass(frozen=True, slots=True)
class Site:
    """A site-packages folder: what a function or another layer has beside what Lambda's runtime brings.

    source: where the packages are installed; None is where this program's are. packages: names there, `*`
    as in a shell. sourceless: optimised bytecode instead of the sources.
    """

    packages: tuple[str, ...] = ()
    source: Path | None = None
    sourceless: bool = False

    def fill(self, folder: Path) -> None:
        """Make the folder. Raises SystemExit where a package is missing."""
        folder.mkdir()
        source = self.source or site_folder()
        for pattern in self.packages:
            found = list(source.glob(pattern))
            if not found:
                raise SystemExit(f"{pattern} is not in {source}: make bench installs it")
            for path in {*found, *source.glob(f"{pattern.removesuffix('.py')}-*.dist-info")}:
                self._add(path, folder)
        if self.sourceless:
            _strip(folder)

    def _add(self, path: Path, folder: Path) -> None:
        target = folder / path.name
        if target.exists():
            return
        if self.sourceless:
            copy = shutil.copytree if path.is_dir() else shutil.copyfile
            copy(path, target)
            return
        target.symlink_to(path)
        cached = path.parent / "__pycache__" / f"{path.stem}.{sys.implementation.cache_tag}.pyc"
        if path.is_file() and cached.exists():  # as pip left it
            (folder / "__pycache__").mkdir(exist_ok=True)
            (folder / "__pycache__" / cached.name).symlink_to(cached)


def _strip(folder: Path) -> None:
    """What the build of Datadog's layer does; its tracer looks for the files that are kept."""
    command = [sys.executable, "-I", "-OO", "-m", "compileall", "-q", "-b", "-j", "0", str(folder)]
    subprocess.run(command, env={**os.environ, "PYTHONNODEBUGRANGES": "1"}, check=True)
    for path in folder.rglob("*.py"):
        if path.name != "patch.py" or "contrib" not in path.parts:
            path.unlink()


@dataclass(frozen=True, slots=True)
class Variant:
    """A function, whether our layer is attached, and the name of what its figures are compared with.

    files: sources by file name, beside app.py. budget: of what is added, by the figure's name in the rows.
    """

    name: str
    source: str
    base: str = _BARE
    layer: bool = False
    site: Site = field(default_factory=Site)
    handler: str = "app.handler"
    files: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    budget: Mapping[str, float] = field(default_factory=dict)


_HTTPX_SITE = Site(HTTPX_PACKAGES)

VARIANTS = (
    Variant(_BARE, BARE),
    Variant("layer attached", BARE, layer=True, budget={"cold_ms": 10}),
    Variant(
        "layer, log + metric + span",
        OURS,
        layer=True,
        # in use: what is loaded on first use counts
        budget={"first_ms": 22, "warm_us": 60, "stdout_bytes": 900},
    ),
    Variant(
        "Powertools, log + metric",
        POWERTOOLS,
        site=Site(("aws_lambda_powertools", "jmespath", "typing_extensions.py"), PEERS),
    ),
    Variant(
        "OpenTelemetry, span",
        BARE,
        site=Site(_OPENTELEMETRY_PACKAGES, PEERS),
        handler="otel_wrapper.lambda_handler",
        files={"otel_wrapper.py": OPENTELEMETRY},
        environment={
            "ORIG_HANDLER": "app.handler",
            "OTEL_PROPAGATORS": "tracecontext,baggage,xray",
            "OTEL_RESOURCE_ATTRIBUTES": "service.name=submit-claim",
        },
    ),
    Variant(
        "Datadog, log + metric + span",
        DATADOG,
        site=Site(_DATADOG_PACKAGES, PEERS, sourceless=True),
        handler="datadog_lambda.handler.handler",
        environment={"DD_LAMBDA_HANDLER": "app.handler", "DD_FLUSH_TO_LOG": "true"},
    ),
    Variant(_BARE_HTTPX, HTTPX, _BARE_HTTPX, site=_HTTPX_SITE),
    Variant(
        "layer attached, httpx",
        HTTPX,
        _BARE_HTTPX,
        layer=True,
        site=_HTTPX_SITE,
        budget={"cold_ms": 25},
    ),
    Variant(
        "OpenTelemetry, httpx, no SDK",
        HTTPX_OPENTELEMETRY,
        _BARE_HTTPX,
        site=Site((*HTTPX_PACKAGES, "opentelemetry*", "wrapt", "packaging")),
    ),
)
