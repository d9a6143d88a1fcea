"""Functions with the layer of another tracer beside ours, started as that layer's own scripts start them."""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.observe import overlaid
from tests.observe.attached import HTTP_EVENT, Ran, Run

#: Elastic's and OpenTelemetry's handlers fail for an event in which one of these is missing.
EVENT = {
    **HTTP_EVENT,
    "requestContext": {
        "http": {"method": "POST", "path": "/claims", "sourceIp": "192.0.2.1", "userAgent": "test"},
        "accountId": "1",
        "apiId": "a",
        "domainName": "x",
        "requestId": "r",
        "routeKey": "POST /claims",
        "stage": "$default",
    },
}

#: Logs, counts and calls; replies with the identity that the other tracer gives to its running span.
APP = """
import json, os, sys
import observe
import requests

def handler(event, context):
    observe.log.info("told")
    observe.metrics.increment("claims")
    identity = own()
    sent = requests.get(event["url"], headers=event.get("send")).json()
    if event.get("boom"):
        raise ValueError("no such claim")
    return {"own": identity, "sent": sent, "handler": os.environ["_HANDLER"]}

def own():
"""
DATADOG = """
    span = sys.modules["ddtrace.trace"].tracer.current_span()
    return [f"{span.trace_id:032x}", f"{span.span_id:016x}"]
"""
ELASTIC = """
    import elasticapm.traces
    transaction = elasticapm.traces.execution_context.get_transaction()
    return [transaction.trace_parent.trace_id, transaction.id]
"""
NEW_RELIC = """
    import newrelic.agent
    return [newrelic.agent.current_trace_id(), newrelic.agent.current_span_id()]
"""
OPENTELEMETRY = """
    from opentelemetry import trace
    span = trace.get_current_span().get_span_context()
    return [f"{span.trace_id:032x}", f"{span.span_id:016x}"]
"""

Start = Callable[..., Ran]


def datadog(run: Run, opt: Path, tmp_path: Path, source: str = APP + DATADOG, **environment: str) -> Ran:
    """Datadog's layer: its handler is Lambda's, and a variable of its own names the function's."""
    layers = overlaid.overlay(opt, tmp_path / "opt", overlaid.DATADOG)
    environment = {"DD_LAMBDA_HANDLER": "app.handler", "DD_SERVICE": "claims", **environment}
    return _run(run, source, layers, environment, handler="datadog_lambda.handler.handler")


_NEW_RELIC_WRAPPER = """
import os
from importlib import import_module
import newrelic.agent

newrelic.agent.initialize()

@newrelic.agent.background_task()
def handler(event, context):
    module, _, name = os.environ["NEW_RELIC_LAMBDA_HANDLER"].rpartition(".")
    return getattr(import_module(module), name)(event, context)
"""


def new_relic(run: Run, opt: Path, tmp_path: Path, source: str = APP + NEW_RELIC, **environment: str) -> Ran:
    """New Relic's layer, likewise; its handler is in no package, so one that does the same stands in.

    newrelic/newrelic-lambda-layers, python/newrelic_lambda_wrapper.py
    """
    files = {"python/newrelic_lambda_wrapper.py": _NEW_RELIC_WRAPPER}
    layers = overlaid.overlay(opt, tmp_path / "opt", overlaid.NEW_RELIC, files=files)
    environment = {
        "NEW_RELIC_LAMBDA_HANDLER": "app.handler",
        "NEW_RELIC_SERVERLESS_MODE_ENABLED": "true",
        "NEW_RELIC_DISTRIBUTED_TRACING_ENABLED": "true",
        "NEW_RELIC_ACCOUNT_ID": "1",
        "NEW_RELIC_TRUSTED_ACCOUNT_KEY": "1",
        **environment,
    }
    return _run(run, source, layers, environment, handler="newrelic_lambda_wrapper.handler")


def elastic(run: Run, opt: Path, tmp_path: Path, source: str = APP + ELASTIC, **environment: str) -> Ran:
    """Elastic's layer: its wrapper, which ours runs first."""
    layers = overlaid.overlay(opt, tmp_path / "opt", overlaid.ELASTIC)
    scripts = layers / "python/elasticapm/contrib/serverless/aws_wrapper"
    wrapper = layers / "elasticapm-lambda"  # the layer's build puts both where they are found
    wrapper.write_text(f"#!{sys.executable}\n" + (scripts / "elasticapm-lambda.py").read_text())
    wrapper.chmod(0o755)
    shutil.copy(scripts / "elasticapm_handler.py", layers / "python")
    environment = {
        "OBSERVE_EXEC_WRAPPER": str(wrapper),
        "ELASTIC_APM_SERVER_URL": "http://127.0.0.1:9",
        "ELASTIC_APM_CENTRAL_CONFIG": "false",
        "ELASTIC_APM_CLOUD_PROVIDER": "none",
        **environment,
    }
    return _run(run, source, layers, environment)


_INSTRUMENT = f"""#!/bin/bash
set -ef -o pipefail
packages="$(dirname "$0")/python"
export PYTHONPATH="$LAMBDA_RUNTIME_DIR:$packages:$PYTHONPATH"
export OTEL_PROPAGATORS=tracecontext,baggage,xray
export OTEL_TRACES_EXPORTER=none OTEL_METRICS_EXPORTER=none OTEL_LOGS_EXPORTER=none
export OTEL_PYTHON_DISABLED_INSTRUMENTATIONS=aws-lambda
export ORIG_HANDLER=$_HANDLER
export _HANDLER=otel_wrapper.lambda_handler
exec {sys.executable} $packages/bin/opentelemetry-instrument "$@"
"""
_OTEL_WRAPPER = """
import os
from importlib import import_module
from opentelemetry.instrumentation.aws_lambda import AwsLambdaInstrumentor

AwsLambdaInstrumentor().instrument(skip_dep_check=True)
module, _, name = os.environ["ORIG_HANDLER"].rpartition(".")
lambda_handler = getattr(import_module(module.replace("/", ".")), name)
"""
#: The other order: whoever takes a command line is given our wrapper's, too.
_BOTH = '#!/bin/sh\nexec "${0%/*}/otel-instrument" "${0%/*}/observe-exec" "$@"\n'


def opentelemetry(
    run: Run, opt: Path, tmp_path: Path, source: str = APP + OPENTELEMETRY, **environment: str
) -> Ran:
    """OpenTelemetry's layer, or AWS's (ADOT), whose scripts do this as far as it concerns who comes next.

    open-telemetry/opentelemetry-lambda, python/src/otel/otel_sdk/otel-instrument and otel_wrapper.py
    """
    files = {"otel-instrument": _INSTRUMENT, "python/otel_wrapper.py": _OTEL_WRAPPER, "both": _BOTH}
    layers = overlaid.overlay(opt, tmp_path / "opt", (*overlaid.OPENTELEMETRY, "bin"), files=files)
    if "AWS_LAMBDA_EXEC_WRAPPER" not in environment:
        environment = {"OBSERVE_EXEC_WRAPPER": f"{layers}/otel-instrument", **environment}
    return _run(run, source, layers, environment)


def opentelemetry_first(run: Run, opt: Path, tmp_path: Path, **environment: str) -> Ran:
    """The same, with OpenTelemetry's wrapper as Lambda's and ours as the next."""
    return opentelemetry(run, opt, tmp_path, AWS_LAMBDA_EXEC_WRAPPER="/opt/both", **environment)


def _run(run: Run, source: str, layers: Path, environment: dict[str, str], **options: Any) -> Ran:
    bundled = layers.parent / "bundled"  # by the function: nothing
    bundled.mkdir()
    return run(
        textwrap.dedent(source),
        opt=layers,
        isolated_site=bundled,
        environment=environment,
        memory_mb=512,
        **options,
    )


def reply(observed: Ran, url: str, **more: Any) -> dict[str, Any]:
    """Invoke the function; return its reply."""
    return json.loads(observed({**EVENT, "url": url, **more}).payload)  # type: ignore[no-any-return]


def told(observed: Ran) -> dict[str, Any]:
    """Return the function's own log line."""
    (line,) = [json.loads(line) for line in observed.log.messages() if '"message":"told"' in line]
    return line  # type: ignore[no-any-return]
