"""The layer's settings, from environment variables, read once a process.

A value that cannot be used falls back to its default and is named in `problems`, which are said in
one WARN line: a typo in a variable must never break a function. Every variable: docs/layer.md.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from observe.outbound import Pattern, Rule

#: Every variable the layer reads: name -> what it does. docs/layer.md is tested against this.
VARIABLES = {
    "OBSERVE_DISABLED": "1 (true, yes, on) runs the bare handler: nothing of the layer is loaded",
    "OBSERVE_MODE": "all (default), propagate: forward IDs, write no metric and no span; or passive: no span",
    "OBSERVE_EXEC_WRAPPER": "another layer's wrapper script, which /opt/observe-exec runs before itself",
    "OBSERVE_HANDLER": "set by /opt/observe-exec: the function's handler, called by observe.entry.handler",
    "OBSERVE_TRUST": "public (default), internal or strict: what is believed of callers at public sources",
    "OBSERVE_SERVICE": "the service's name, before the standard variables below",
    "OBSERVE_METRICS_FORMAT": "monitoring (default), dogstatsd, datadog or emf",
    "OBSERVE_METRICS_NAMESPACE": "the CloudWatch namespace of the emf format; default: the service",
    "OBSERVE_METRICS_SERIES_MAX": "series a process may make of one metric; default 1000, 0: any number",
    "OBSERVE_LOGS": "untouched (default), or json: the records of logging are log lines of ours",
    "OBSERVE_LOG_LEVEL": "level of observe.log: TRACE, DEBUG, INFO (default), WARN, ERROR or FATAL",
    "OBSERVE_LOG_BUFFER": "bytes of DEBUG lines kept back until an invocation fails; default 65536, 0: none",
    "OBSERVE_LOG_BUDGET": "bytes of log lines an invocation may write; default 1048576, 0: any number",
    "OBSERVE_DEBUG_RATE": "share of transactions that log at DEBUG on every hop, 0 to 1; default 0",
    "OBSERVE_EVENT_ON_ERROR": "redacted (default), off, keys or full: the event of a failed invocation",
    "OBSERVE_REDACT": "comma-separated names of fields that are secrets beside the built-in ones",
    "OBSERVE_REDACT_KEEP": "comma-separated names of fields that are no secrets, whatever is built in",
    "OBSERVE_REDACT_PATTERNS": "expressions of secrets, separated by a space, each with bounded repeats only",
    "OBSERVE_MEMORY_WARN": "percent of the function's memory above which a warning is written; default 90",
    "OBSERVE_SLOW_MS": "an invocation at least this long is recorded though not sampled; default 3000",
    "OBSERVE_BAGGAGE_HOSTS": "comma-separated hosts that receive baggage over HTTP; .example.com is a suffix",
    "OBSERVE_HOPS_LIMIT": "hops of one request above which a warning is written; default 100",
    "OBSERVE_HOPS_EXCEEDED": "warn (default), or raise: the handler is not called, so that a loop ends",
    "OBSERVE_FORWARD_HOSTS": "comma-separated hosts that may receive IDs over HTTP at all; default: all",
    "OBSERVE_DIALECTS": "headers that hosts understand: host=b3+x-request-id,.example.com=!jaeger,other=none",
    "OBSERVE_KEY_SECRET": "secret of the business keys that observe.key marks; the same everywhere",
    "OBSERVE_PAYLOAD_CARRIERS": "comma-separated carriers that may add a member to payloads; default: none",
    "OTEL_SERVICE_NAME": "the service's name; default: the function's",
    "OTEL_RESOURCE_ATTRIBUTES": "service.name, service.version and deployment.environment.name are read",
    "OTEL_TRACES_SAMPLER": "always_on, always_off, traceidratio, or one of these with parentbased_ before it",
    "OTEL_TRACES_SAMPLER_ARG": "the rate of traceidratio, 0 to 1; default 1",
    "OTEL_PROPAGATORS": "if set, OpenTelemetry's own propagators stay instead of ours",
    "OTEL_PYTHON_METER_PROVIDER": "if set, OpenTelemetry's metrics are loaded with httpx, too",
    "DD_SERVICE": "the service's name, where no OTEL_ variable gives it",
    "DD_ENV": "the environment, where no OTEL_ variable gives it",
    "DD_VERSION": "the version, where no OTEL_ variable gives it",
    "DD_TAGS": "tags of every metric: key:value, separated by commas or spaces",
    "DD_AGENT_HOST": "the agent of the function's own datadog client, which writes to stdout instead",
    "DD_DOGSTATSD_URL": "the agent of the function's own datadog client, which writes to stdout instead",
    "DD_DOGSTATSD_PORT": "the port of that agent",
    "DATADOG_TAGS": "tags of every metric, as the datadog client reads them: key:value, comma-separated",
    "DD_TRACE_ENABLED": "false: Datadog's tracer makes no span, so ours are written beside it",
    "ELASTIC_APM_ENABLED": "false: Elastic APM makes no span, so ours are written beside it",
    "NEW_RELIC_ENABLED": "false: New Relic makes no span, so ours are written beside it",
    "OTEL_SDK_DISABLED": "true: OpenTelemetry's Lambda layer makes no span, so ours are written beside it",
    "POWERTOOLS_SERVICE_NAME": "the service's name, where neither OTEL_ nor DD_ gives it",
    "AWS_LAMBDA_LOG_FORMAT": "set by Lambda: JSON makes every line of ours lead with timestamp and level",
    "AWS_LAMBDA_LOG_LEVEL": "set by Lambda: what is below it is dropped; OBSERVE_LOG_LEVEL may be stricter",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "set by Lambda: the memory in MB that the warning is a share of",
    "AWS_LAMBDA_INITIALIZATION_TYPE": "set by Lambda: on-demand, provisioned-concurrency, snap-start or "
    "lambda-managed-instances",
    "AWS_LAMBDA_FUNCTION_NAME": "set by Lambda: the service's name where nothing else gives it",
    "AWS_LAMBDA_RUNTIME_API": "set by Lambda: requests to the runtime API get no headers and no span of ours",
}

#: What switches something on, and what does not; lambda_layer/observe-exec has the first ones, too.
_ON, _OFF = ("1", "true", "yes", "on"), ("", "0", "false", "no", "off")
#: Variables whose value is a tag of every metric.
_DD_TAGS = {"DD_ENV": "env", "DD_SERVICE": "service", "DD_VERSION": "version"}
#: The level a line has, where it leads with another: Lambda drops lines below the configured one.
OWN_LEVEL = "severity_text"
LEVELS = {"TRACE": 5, "DEBUG": 10, "INFO": 20, "WARN": 30, "ERROR": 40, "FATAL": 50}
#: What OBSERVE_PAYLOAD_CARRIERS may name: data there is a contract between teams, so each is asked for.
PAYLOAD_CARRIERS = ("kinesis", "firehose", "lambda-async", "stepfunctions", "dynamodb", "iot", "s3-tags")
_LEVEL_NAMES = {"WARNING": "WARN", "CRITICAL": "FATAL", "NOTSET": "TRACE"}


class Settings:
    """What the variables say; see VARIABLES. sample_rate: 0 to 1; slow_ns: nanoseconds."""

    __slots__ = (
        "baggage_hosts",
        "debug_rate",
        "dialects",
        "disabled",
        "env",
        "event_on_error",
        "forward_hosts",
        "hops_exceeded",
        "hops_limit",
        "initialization_type",
        "json_mode",
        "key_secret",
        "level",
        "log_budget_bytes",
        "log_buffer_bytes",
        "logs",
        "memory_mb",
        "memory_warn",
        "metrics_format",
        "metrics_namespace",
        "metrics_series_max",
        "metrics_tags",
        "mode",
        "passive",
        "payload_carriers",
        "problems",
        "redact",
        "redact_keep",
        "redact_patterns",
        "sample_rate",
        "service",
        "slow_ns",
        "steps_back",
        "trust",
        "version",
    )

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.problems: list[str] = []
        resource = _resource(environ.get("OTEL_RESOURCE_ATTRIBUTES", ""))
        self.service = (
            environ.get("OBSERVE_SERVICE")
            or environ.get("OTEL_SERVICE_NAME")
            or resource.get("service.name")
            or environ.get("DD_SERVICE")
            or environ.get("POWERTOOLS_SERVICE_NAME")
            or environ.get("AWS_LAMBDA_FUNCTION_NAME")
            or "unknown_service"
        )
        self.env = resource.get("deployment.environment.name") or environ.get("DD_ENV", "")
        self.version = resource.get("service.version") or environ.get("DD_VERSION", "")
        off = environ.get("OBSERVE_DISABLED", "").strip().lower()
        self.disabled = off in _ON
        if off not in (*_ON, *_OFF):
            self.problems.append(f"OBSERVE_DISABLED={off!r} is neither 1 nor 0; the layer is on")
        self.mode = self._one_of(environ, "OBSERVE_MODE", ("all", "propagate", "passive"))
        #: Whether another tracer makes the layer passive: not where both are asked for.
        self.steps_back = self.mode != "all" or not environ.get("OBSERVE_MODE")
        #: Who makes it passive, or "". Then the mode is propagate, for spans; metrics are written.
        self.passive = ""
        if self.mode == "passive":
            self.mode, self.passive = "propagate", "OBSERVE_MODE"
        self.trust = self._one_of(environ, "OBSERVE_TRUST", ("public", "internal", "strict"))
        self.metrics_format = self._one_of(
            environ, "OBSERVE_METRICS_FORMAT", ("monitoring", "dogstatsd", "datadog", "emf")
        )
        self.metrics_namespace = environ.get("OBSERVE_METRICS_NAMESPACE") or self.service
        self.metrics_series_max = int(self._number(environ, "OBSERVE_METRICS_SERIES_MAX", 1000.0, 1e6))
        #: Raw, in the order of the datadog client.
        self.metrics_tags = (
            *environ.get("DATADOG_TAGS", "").split(","),
            *(f"{tag}:{environ[name]}" for name, tag in _DD_TAGS.items() if environ.get(name)),
            *environ.get("DD_TAGS", "").replace(",", " ").split(),
        )
        self.logs = self._one_of(environ, "OBSERVE_LOGS", ("untouched", "json"))
        self.log_buffer_bytes = int(self._number(environ, "OBSERVE_LOG_BUFFER", 65_536.0, 1e8))
        self.log_budget_bytes = int(self._number(environ, "OBSERVE_LOG_BUDGET", 1_048_576.0, 1e9))
        self.debug_rate = self._number(environ, "OBSERVE_DEBUG_RATE", 0.0, 1.0)
        events = ("redacted", "off", "keys", "full")
        self.event_on_error = self._one_of(environ, "OBSERVE_EVENT_ON_ERROR", events)
        self.redact = _names(environ, "OBSERVE_REDACT")
        self.redact_keep = _names(environ, "OBSERVE_REDACT_KEEP")
        #: Compiled and judged by observe.redaction.
        self.redact_patterns = tuple(environ.get("OBSERVE_REDACT_PATTERNS", "").split())
        self.memory_warn = self._number(environ, "OBSERVE_MEMORY_WARN", 90.0, 100.0)
        self.memory_mb = int(self._number(environ, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", 0.0, 1e6))
        self.initialization_type = environ.get("AWS_LAMBDA_INITIALIZATION_TYPE", "") or "on-demand"
        self.hops_limit = int(self._number(environ, "OBSERVE_HOPS_LIMIT", 100.0, 9999.0))
        self.hops_exceeded = self._one_of(environ, "OBSERVE_HOPS_EXCEEDED", ("warn", "raise"))
        self.key_secret = environ.get("OBSERVE_KEY_SECRET", "")
        self.json_mode = environ.get("AWS_LAMBDA_LOG_FORMAT", "").upper() == "JSON"
        self.level = self._level(environ)
        self.slow_ns = int(self._number(environ, "OBSERVE_SLOW_MS", 3000.0, 1e9) * 1e6)
        self.sample_rate = self._rate(environ)
        self.forward_hosts, self.baggage_hosts, self.dialects = self._outbound(environ)
        self.payload_carriers = self._some_of(environ, "OBSERVE_PAYLOAD_CARRIERS", PAYLOAD_CARRIERS)

    def _some_of(self, environ: Mapping[str, str], name: str, values: tuple[str, ...]) -> frozenset[str]:
        named = {part.strip() for part in environ.get(name, "").lower().split(",")} - {""}
        for unknown in sorted(named.difference(values)):
            self.problems.append(f"{name}: {unknown!r} is none of {', '.join(values)}; it is ignored")
        return frozenset(named.intersection(values))

    def _one_of(self, environ: Mapping[str, str], name: str, values: tuple[str, ...]) -> str:
        value = environ.get(name, "").strip().lower() or values[0]
        if value in values:
            return value
        self.problems.append(f"{name}={value!r} is none of {', '.join(values)}; {values[0]} is used")
        return values[0]

    def _number(self, environ: Mapping[str, str], name: str, default: float, most: float) -> float:
        text = environ.get(name, "").strip()
        if not text:
            return default
        try:
            value = float(text)
        except ValueError:
            value = -1.0
        if 0 <= value <= most:
            return value
        self.problems.append(f"{name}={text!r} is not a number from 0 to {most:g}; {default:g} is used")
        return default

    def _rate(self, environ: Mapping[str, str]) -> float:
        sampler = environ.get("OTEL_TRACES_SAMPLER", "").strip().lower().removeprefix("parentbased_")
        if sampler == "always_off":
            return 0.0
        if sampler == "traceidratio":
            return self._number(environ, "OTEL_TRACES_SAMPLER_ARG", 1.0, 1.0)
        if sampler not in ("", "always_on"):
            self.problems.append(f"OTEL_TRACES_SAMPLER={sampler!r} is not known here; every trace is sampled")
        return 1.0

    def _level(self, environ: Mapping[str, str]) -> str:
        """The stricter of the two: Lambda drops what is below its own, so that more could not be had.

        https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html
        """
        told = []
        for name in ("AWS_LAMBDA_LOG_LEVEL", "OBSERVE_LOG_LEVEL"):
            value = environ.get(name, "").strip().upper()
            value = _LEVEL_NAMES.get(value, value)
            if value in LEVELS:
                told.append(value)
            elif value:
                self.problems.append(f"{name}={value!r} is none of {', '.join(LEVELS)}; it is ignored")
        return max(told, key=LEVELS.__getitem__, default="INFO")

    def _outbound(
        self, environ: Mapping[str, str]
    ) -> tuple[tuple[Pattern, ...] | None, tuple[Pattern, ...], tuple[Rule, ...]]:
        """(hosts for IDs or None for all, hosts for baggage, dialects by host): observe.outbound."""
        names = ("OBSERVE_FORWARD_HOSTS", "OBSERVE_BAGGAGE_HOSTS", "OBSERVE_DIALECTS")
        forward, baggage, dialects = (environ.get(name, "").strip(" \t,") for name in names)
        if not forward and not baggage and not dialects:
            return None, (), ()
        from observe import outbound

        hosts = outbound.allowed(names[0], forward, self.problems) if forward else None
        of_baggage = outbound.allowed(names[1], baggage, self.problems)
        return hosts, of_baggage, outbound.rules(dialects, self.problems)


def _names(environ: Mapping[str, str], variable: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in environ.get(variable, "").split(",") if name.strip())


def _resource(text: str) -> dict[str, str]:
    """OTEL_RESOURCE_ATTRIBUTES: key=value pairs separated by commas."""
    pairs = (pair.partition("=") for pair in text.split(","))
    return {key.strip(): value.strip() for key, separator, value in pairs if separator and value.strip()}


_settings: Settings | None = None


def get() -> Settings:
    """Return the settings of this process, read from the environment at first use."""
    global _settings
    if _settings is None:
        _settings = Settings(os.environ)
        if _settings.problems:
            from observe import guard

            guard.guarded(say, _settings.problems)
    return _settings


def reset() -> None:
    """Read the environment anew at next use. For tests."""
    global _settings
    _settings = None


def say(problems: list[str]) -> None:
    """Say what cannot be used of the settings, in one WARN line."""
    from observe import stdout, wire

    line = {
        "timestamp": wire.timestamp(stdout.now()),
        "level": "WARN",
        "message": "hybrid-observe: " + "; ".join(problems),
        "event": "observe.settings",
    }
    stdout.write(wire.log_line(line))


def replace(found: Settings | None) -> Settings | None:
    """Put other settings in the place of those that were read, None to read anew; return those: for tests."""
    global _settings
    before, _settings = _settings, found
    return before
