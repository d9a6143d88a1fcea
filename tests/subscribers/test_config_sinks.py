"""What is said of sinks that cannot be meant."""

from __future__ import annotations

import pytest

from subscribers import config
from tests.subscribers.test_config import problems

ES = "type: elasticsearch, url: 'https://es'"
OS = "type: opensearch, url: 'https://os'"
BASIC = "basic: {username: u, password: 'ssm:/p'}"
LAKE = "type: firehose, streams: {logs: l, ledger: r}"

MISTAKES = [
    (f"{ES}, retention: 5m", "retention: '5m' is not a whole number of days, at least 1d"),
    (f"{ES}, retention: 0d", "retention: '0d' is not a whole number of days, at least 1d"),
    (f"{OS}, retention: 36h", "retention: '36h' is not a whole number of days, at least 1d"),
    (f"{OS}, retention: 999999d", "retention: '999999d' is more than 36500d"),
    (f"{ES}, timeout: 0s", "timeout: '0s' is no time at all: no request could ever be answered"),
    ("type: otlp, url: 'https://o', timeout: 10000w", "timeout: '10000w' is longer than any function runs"),
    ("type: xray, timeout: 15m1ms", "timeout: '15m1ms' is longer than any function runs: at most 15m"),
    (f"{ES}, api_key: 'ssm:/k', {BASIC}", "basic: there is api_key besides, and a request can prove"),
    (
        f"{OS}, sigv4: {{region: eu-west-1}}, {BASIC}",
        "basic: there is sigv4 besides, and a request can prove",
    ),
    (
        f"{OS}, sigv4: {{region: eu-west-1, service: aoss}}, data_stream: true",
        "data_stream: a serverless collection (aoss) has no data streams",
    ),
    (f"{LAKE}, signals: [logs, spans]", "signals[1]: there is no stream of 'spans' in 'streams'"),
    ("type: datadog, api_key: 'ssm:/k', signals: [ledger]", "signals[0]: 'ledger' is not one of 'logs'"),
    *(
        (f"type: {kind}, url: 'http{rest}'", f"url: {said}")
        for kind in ("elasticsearch", "otlp", "logstash")
        for rest, said in (
            ("://[::1", "is no address that can be used: its host or its port cannot be read"),
            ("s://x:99999", "is no address that can be used: its host or its port cannot be read"),
            ("s://x:a/", "is no address that can be used: its host or its port cannot be read"),
            ("://:9200", "is no address that can be used: it has no host, or the port 0"),
            ("://x:0", "is no address that can be used: it has no host, or the port 0"),
            ("s://x/?a=b", "must not have a ? or a #, for paths are appended to it"),
            ("s://x/#f", "must not have a ? or a #, for paths are appended to it"),
        )
    ),
    *(
        (f"type: otlp, url: 'https://o', headers: {{{name}: x}}", f"headers.{name}: is written by the sink")
        for name in ("content-length", "Content-Type", "Host", "Transfer-Encoding")
    ),
    (
        "type: otlp, url: 'https://o', headers: {'bad name': x}",
        "headers['bad name']: is not the name of a header",
    ),
    *(
        (f"{sink}, signals: []", "signals: [] is empty")
        for sink in (
            *(ES, OS, LAKE, "type: logstash, url: 'https://l'", "type: datadog, api_key: 'ssm:/k'"),
            *("type: otlp, url: 'https://o'", "type: xray", "type: cloudwatch_metrics, namespace: n"),
            *("type: store", "type: stdout"),
        )
    ),
]


def sink(settings: str) -> str:
    return f"version: 1\nsinks:\n  one: {{{settings}}}\n"


@pytest.mark.parametrize(("settings", "said"), MISTAKES, ids=[settings for settings, _ in MISTAKES])
def test_what_cannot_be_meant_is_told(settings: str, said: str) -> None:
    """Each at its place, in a sentence, and once."""
    (found,) = problems(sink(settings))
    assert f"sinks.one.{said}" in found


@pytest.mark.parametrize(
    "settings",
    [
        f"{ES}, retention: 1d, timeout: 15m, api_key: 'ssm:/k', signals: [ledger]",
        f"{OS}, retention: 5w, timeout: 1ms, data_stream: true, sigv4: {{region: eu-west-1}}",
        f"{OS}, retention: 24h, sigv4: {{region: eu-west-1, service: aoss}}, data_stream: false",
        f"{LAKE}, signals: [logs]",
        "type: otlp, url: 'http://[::1]:4318/v1/x', headers: {x-team: claims, Authorization: 'ssm:/k'}",
    ],
)
def test_what_can_be_meant_loads(settings: str) -> None:
    """The edges of it."""
    assert list(config.loads(sink(settings)).sinks) == ["one"]


IDEMPOTENT = [
    ("functions: [quote, price], idempotent: [qoute]", "'qoute'; did you mean 'quote'?"),
    ("functions: [quote], log_groups: [/custom], idempotent: [other]", "'other'"),
    ("log_groups: [/aws/lambda/quote], idempotent: [quote, other]", "'other'"),
    ("idempotent: [claim]", "'claim'; did you mean 'claims'?"),
]


@pytest.mark.parametrize(("settings", "said"), IDEMPOTENT)
def test_an_idempotent_function_must_be_one_of_the_service(settings: str, said: str) -> None:
    """A name with a mistake in it would allow nothing, in silence."""
    (found,) = problems(f"version: 1\nservices:\n  claims: {{side: serverless, {settings}}}\n")
    assert "services.claims.idempotent[" in found
    assert f"there is no function of this service {said}" in found


@pytest.mark.parametrize(
    "settings",
    [
        "idempotent: [claims]",
        "functions: [quote], idempotent: [quote]",
        "log_groups: [/aws/lambda/quote], idempotent: [quote]",
        "log_groups: ['/aws/lambda/claims-*'], idempotent: [claims-quote]",
        "log_groups: [/custom], idempotent: [quote]",
        "idempotent: true",
    ],
)
def test_functions_that_the_file_need_not_name_may_be_idempotent(settings: str) -> None:
    """Log groups of other names, or of a beginning, are those of any functions."""
    loaded = config.loads(f"version: 1\nservices:\n  claims: {{side: serverless, {settings}}}\n")
    assert loaded.services["claims"].idempotent
