# ruff: noqa: E501 - tables of cases, one a line
"""observe.yaml: what it becomes, and what each mistake in it says."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscribers import config
from subscribers.config_schema import schema
from subscribers.parsers.prices import LIST_PRICES, Pricing

ARN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:pager-abc"

FULL = f"""\
version: 1
services:
  claims:
    side: legacy
    log_groups:
      - /legacy/claims/access
      - {{name: /legacy/claims/app*, format: {{log4j: "%d %p %m"}}, timezone: Europe/Paris}}
    format: apache
    clock_skew_ms: 50
    labels: {{team: claims, tier: "1"}}
  submit-claim: {{side: serverless, functions: [submit-claim-prod], owner: claims}}
  notify: {{side: serverless, spans: platform}}
endpoints:
  submit:
    route: POST /claims
    legacy: {{service: claims, route: POST /old/claims}}
    serverless: {{service: submit-claim}}
    split: 20
    baseline: {{from: 2026-01-01, to: 2026-01-31, p95_ms: 800}}
    slo: {{availability: 99.9, latency: {{p: 95, ms: 800}}, window: 28d}}
destinations:
  oncall: {{type: pagerduty, routing_key: "{ARN}"}}
  chat: {{type: slack, webhook_url: "ssm:/observe/slack"}}
  mail: {{type: sns, topic_arn: "arn:aws:sns:eu-west-1:123456789012:mail"}}
  genie: {{type: opsgenie, api_key: {{secretsmanager: genie, key: api_key}}}}
  hook: {{type: webhook, url: "https://example.org/hook", headers: {{Authorization: "ssm:/hook"}}}}
alerts:
  defaults: {{severity: warning, notify: [chat]}}
  inhibit: [{{source: slow, targets: [failing]}}]
  rules:
    slow: {{type: threshold, of: {{signal: span, service: claims}}, statistic: p95, value: 1000, window: 5m}}
    failing:
      type: rate
      bad: {{signal: span, status: error}}
      of: {{signal: span, endpoint: submit}}
      above: 5
      minimum: 20
      notify: [oncall]
      mute: [{{days: weekends, start: 10:30, end: 11:30, timezone: Europe/Paris}}]
    report:
      type: absence
      expect: {{signal: log, contains: NIGHTLY-RECON}}
      calendar: {{by: 03:30, timezone: Europe/Paris, days: weekdays}}
    unseen: {{type: new_error}}
    grew: {{type: change, of: {{signal: metric, metric: queue.depth}}, percent: 50}}
flows:
  reconciled:
    start: {{signal: log, service: submit-claim, fields: {{event: submitted}}}}
    ends: [{{signal: log, service: claims, key: number}}]
    key: claim
    deadline: {{within: 24h}}
sinks:
  es: {{type: elasticsearch, url: "https://es.example:9200", api_key: "ssm:/es"}}
  os: {{type: opensearch, url: "https://os.example", sigv4: {{region: eu-west-1}}}}
  ls: {{type: logstash, url: "http://logstash:8080"}}
  dd: {{type: datadog, api_key: "ssm:/dd", site: datadoghq.eu}}
  otel: {{type: otlp, url: "https://otel.example", headers: {{x-team: claims}}}}
  xray: {{type: xray}}
  cw: {{type: cloudwatch_metrics, namespace: Observe}}
  lake: {{type: firehose, streams: {{logs: lake-logs}}}}
  local: {{type: store, path: .observe}}
  out: {{type: stdout}}
redaction: {{keys: [password, "*_token"], patterns: {{claim: "CLM-[0-9]+"}}, exempt: [trace_id]}}
templates: [template.yaml]
links: {{trace: "https://example.org/trace/{{trace_id}}"}}
keys: {{claim: "CLM-[0-9]+"}}
"""


def problems(text: str | bytes) -> list[str]:
    """What is wrong with a text, without the name of the file."""
    with pytest.raises(config.ConfigError) as caught:
        config.loads(text)
    assert caught.value.reason == "bad_config"
    return [str(problem).removeprefix("observe.yaml:") for problem in caught.value.problems]


def test_schema_is_valid() -> None:
    """The published schema is itself valid JSON Schema, draft 2020-12."""
    jsonschema.Draft202012Validator.check_schema(schema())


def test_every_mapping_is_closed_and_every_key_described() -> None:
    """A misspelt key is always a mistake, and every key has a description, for they become the documentation."""
    for node in mappings(schema()):
        if "properties" in node and "type" in node:
            assert node["additionalProperties"] is False
            for key, value in node["properties"].items():
                assert "description" in value or "description" in referenced(value), key


def mappings(node: Any) -> list[dict[str, Any]]:
    """Every mapping of a tree."""
    if isinstance(node, dict):
        return [node, *(found for value in node.values() for found in mappings(value))]
    return [found for value in node for found in mappings(value)] if isinstance(node, list) else []


def referenced(node: dict[str, Any]) -> dict[str, Any]:
    """What a `$ref` stands for."""
    found: dict[str, Any] = schema()["$defs"].get(str(node.get("$ref")).rpartition("/")[2], {})
    return found


def test_a_full_file_loads() -> None:
    """A file that uses every section becomes frozen values with its defaults filled in."""
    loaded = config.loads(FULL)
    claims = loaded.services["claims"]
    assert (claims.name, claims.side, claims.format, claims.clock_skew_ms) == (
        "claims",
        "legacy",
        "apache",
        50,
    )
    assert claims.labels == {"team": "claims", "tier": "1"}
    assert claims.log_groups == ("/legacy/claims/access", "/legacy/claims/app*")
    assert loaded.services["notify"].spans == "platform"
    assert loaded.endpoints["submit"].legacy == config.Implementation("claims", "POST /old/claims")
    assert loaded.endpoints["submit"].serverless == config.Implementation("submit-claim", "POST /claims")
    assert loaded.redaction.patterns == {"claim": {"regex": "CLM-[0-9]+", "replace": "[REDACTED:claim]"}}
    assert loaded.alerts["rules"]["failing"]["mute"][0]["start"] == "10:30"
    assert loaded.templates == ("template.yaml",)
    assert loaded.keys == {"claim": "CLM-[0-9]+"}
    with pytest.raises(AttributeError):
        loaded.version = 2  # type: ignore[misc]


@pytest.mark.parametrize(
    ("group", "service", "layout", "zone"),
    [
        ("/legacy/claims/access", "claims", "apache", "UTC"),
        ("/legacy/claims/app-1", "claims", "log4j", "Europe/Paris"),
        ("/aws/lambda/submit-claim-prod", "submit-claim", "auto", "UTC"),
        ("/aws/lambda/notify", "notify", "auto", "UTC"),
    ],
)
def test_service_of_a_log_group(group: str, service: str, layout: str, zone: str) -> None:
    """A log group finds its service, with the group's own format and zone; functions bring their groups."""
    found = config.loads(FULL).service_of(group)
    assert found is not None
    assert (found.name, found.format, found.timezone) == (service, layout, zone)


def test_service_of_an_unknown_group() -> None:
    """A log group that nobody claims has no service."""
    assert config.loads(FULL).service_of("/legacy/claims") is None
    assert config.EMPTY.service_of("/aws/lambda/x") is None


def test_a_service_has_its_price() -> None:
    """Architecture and prices of its functions; the list price of x86_64 where nothing is said."""
    loaded = config.loads(
        "version: 1\nservices:\n  a: {side: serverless}\n  b: {side: serverless, architecture: arm64, "
        "price: {usd_per_gb_second: 0.00001}}\n"
    )
    assert loaded.services["a"].pricing == LIST_PRICES
    assert loaded.services["b"].pricing == Pricing(architecture="arm64", usd_per_gb_second=0.00001)


def test_the_most_specific_claim_wins() -> None:
    """An exact name wins over a beginning with *, a longer beginning over a shorter, in any order of the file."""
    text = (
        "version: 1\nservices:\n  all: {side: legacy, log_groups: ['/a*']}\n"
        "  part: {side: legacy, log_groups: ['/a/b*']}\n  one: {side: legacy, log_groups: ['/a/b/c']}\n"
    )
    loaded = config.loads(text)
    found = [loaded.service_of(group) for group in ("/a/x", "/a/b/x", "/a/b/c")]
    assert [service.name for service in found if service] == ["all", "part", "one"]


def service(lines: str) -> str:
    """A file with one service of these lines."""
    return f"version: 1\nservices:\n  claims:\n    side: legacy\n    {lines}\n"


MISTAKES = [
    # (what is written, what is said)
    ("", "is empty; the least it needs is 'version: 1'"),
    ("- 1\n", "1:1: [1] is not a mapping of keys to values"),
    ("hello\n", "1:1: 'hello' is not a mapping of keys to values"),
    ("version: 2\n", "1:1: version: 2 is not a version this tool reads; write 'version: 1'"),
    ("services: {}\n", "1:1: 'version' is missing"),
    ("version: 1\nversion: 1\n", "2:1: version: is written twice, first on line 1"),
    ("version: 1\n\tservices: {}\n", "2:1: is not YAML: a tab cannot indent; use spaces"),
    (service("labels: {v: !env V}"), "5:17: services.claims.labels.v: the tag '!env' is not known here"),
    ("version: 1\n<<: {}\n", "2:1: merge keys (<<) are not supported; write the keys out"),
    ("version: 1\n---\na: 1\n", "2:1: is not YAML: only one document is read; remove the '---' line"),
    ("version: 1\n? [a]\n: 1\n", "2:3: a list or a mapping cannot be a key"),
    ("version: \"\\UFFFFFFFF\"\n", "is not YAML: an escape or a version number in it is out of range"),
    ("version: 1\nservices:\n  claims:\n    side: mainframe\n", "4:5: services.claims.side: 'mainframe' is not one of 'legacy', 'serverless'"),
    ("version: 1\nservices:\n  claims: {}\n", "3:3: services.claims: 'side' is missing"),
    (service("log_group: [a]"), "5:5: services.claims.log_group: unknown key 'log_group'; did you mean 'log_groups'?"),
    (service("log_groups: ['a*b']"), "5:18: services.claims.log_groups[0]: 'a*b' is not a log group name (letters, digits and _ . / # -, at most 512), with at most one * at its end"),
    (service("log_groups: [a, a]"), "5:5: services.claims.log_groups: [\"a\", \"a\"] names something twice"),
    (service("timezone: Mars/Olympus"), "5:5: services.claims.timezone: 'Mars/Olympus' is not a time zone of the IANA database, such as Europe/Paris or UTC"),
    (service("clock_skew_ms: -1"), "5:5: services.claims.clock_skew_ms: -1 is less than 0"),
    (service("labels: {v: 1.5}"), "5:14: services.claims.labels.v: 1.5 is not text; put it in quotes"),
    (service("links: {trace: 'https://x/{trace}'}"), "5:13: services.claims.links.trace: there is no placeholder '{trace}'; did you mean '{trace_id}'?"),
    ("version: 1\nservices: {a b: {side: legacy}}\n", "2:12: services['a b']: 'a b' is not a name: letters, digits, '.', '_' and '-', at most 64 characters"),
    ("version: 1\nservices: {a: {side: legacy, log_groups: [g]}, b: {side: legacy, log_groups: [g]}}\n", "2:79: services.b.log_groups[0]: the log group 'g' already belongs to services.a"),
    ("version: 1\nendpoints: {e: {route: post /x, legacy: {service: c}}}\nservices: {c: {side: legacy}}\n", "2:17: endpoints.e.route: 'post /x' is not a route such as 'POST /claims/{id}' (method in capitals, one space, path)"),
    ("version: 1\nendpoints: {e: {route: GET /x, legacy: {service: clams}}}\nservices: {claims: {side: legacy}}\n", "2:41: endpoints.e.legacy.service: there is no service 'clams'; did you mean 'claims'?"),
    ("version: 1\nendpoints: {e: {route: GET /x, serverless: {service: c}}}\nservices: {c: {side: legacy}}\n", "2:45: endpoints.e.serverless.service: services.c is of the legacy side, not serverless"),
    ("version: 1\nendpoints: {e: {route: GET /x}}\n", "2:13: endpoints.e: names no implementation: give it 'legacy', 'serverless' or both"),
    ("version: 1\nendpoints: {e: {route: GET /x, legacy: {service: c}, split: 5}}\nservices: {c: {side: legacy}}\n", "2:54: endpoints.e.split: a split needs both a legacy and a serverless implementation"),
    ("version: 1\ndestinations: {pd: {type: pagerdooty}}\n", "2:21: destinations.pd.type: 'pagerdooty' is not one of 'pagerduty', 'opsgenie', 'slack', 'sns', 'webhook'; did you mean 'pagerduty'?"),
    ("version: 1\ndestinations: {pd: {routing_key: x}}\n", "2:16: destinations.pd: 'type' is missing: one of 'pagerduty', 'opsgenie', 'slack', 'sns', 'webhook'"),
    ("version: 1\nalerts: {rules: {r: {type: new_error, notify: [nobody]}}}\n", "2:48: alerts.rules.r.notify[0]: there is no destination 'nobody'"),
    ("version: 1\nalerts: {rules: {r: {type: absence, expect: {signal: log}}}}\n", "2:18: alerts.rules.r: says not by when: give it 'calendar' or 'every'"),
    ("version: 1\nalerts: {rules: {r: {type: absence, expect: {signal: log}, every: 5 minutes}}}\n", "2:60: alerts.rules.r.every: '5 minutes' is not a duration such as 500ms, 30s, 5m, 1h30m or 28d"),
    ("version: 1\nalerts: {rules: {r: {type: threshold, of: {signal: metric}, value: 1}}}\n", "2:39: alerts.rules.r.of: 'metric' is missing: the name of the metric"),
    ("version: 1\nalerts: {rules: {r: {type: threshold, of: {signal: log, service: x}, value: 1}}}\n", "2:57: alerts.rules.r.of.service: there is no service 'x'"),
    ("version: 1\nredaction: {patterns: {x: '('}}\n", "2:24: redaction.patterns.x: '(' is not a regular expression"),
    (service("price: {usd_per_gb_second: 0.00001}"), "5:5: services.claims.price: only functions cost by their time, and this side is legacy"),
    (service("architecture: arm64"), "5:5: services.claims.architecture: only functions cost by their time, and this side is legacy"),
    ("version: 1\nservices: {f: {side: serverless, architecture: arm}}\n", "2:34: services.f.architecture: 'arm' is not one of 'x86_64', 'arm64'; did you mean 'arm64'?"),
    ("version: 1\nservices: {f: {side: serverless, price: {usd_per_gb_second: -1}}}\n", "2:42: services.f.price.usd_per_gb_second: -1 is less than 0"),
    ("version: 1\nkeys: {claim: 'x*'}\n", "2:8: keys.claim: 'x*' matches the empty text, and so every line"),
    ("version: 1\nkeys: {claim: '('}\n", "2:8: keys.claim: '(' is not a regular expression"),
    ("version: 1\nkeys: {Claim: x}\n", "2:8: keys.Claim: 'Claim' is not the name of a business key: lower-case letters, digits and _, first a letter, at most 64 characters"),
    ("version: 1\ninclude: a.yaml\n", "2:1: include: needs a file whose folder can be read"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "said"), MISTAKES, ids=[said[:60] for _, said in MISTAKES])
def test_a_mistake_says_where_and_what(text: str, said: str) -> None:
    """One mistake is one problem, with line, column and path, in words."""
    found = problems(text)
    assert [line.removeprefix(" ") for line in found] == [said]


SECRETS = [
    "destinations: {d: {type: pagerduty, routing_key: hunter2}}",
    "destinations: {d: {type: opsgenie, api_key: hunter2}}",
    "destinations: {d: {type: slack, webhook_url: 'https://hooks.slack.com/hunter2'}}",
    "destinations: {d: {type: webhook, url: 'https://user:hunter2@example.org/'}}",
    "destinations: {d: {type: webhook, url: 'https://x/', headers: {Authorization: Bearer hunter2}}}",
    "sinks: {s: {type: datadog, api_key: hunter2}}",
    "sinks: {s: {type: elasticsearch, url: 'https://x', basic: {username: u, password: hunter2}}}",
    "sinks: {s: {type: otlp, url: 'https://x', headers: {api-key: hunter2}}}",
]


@pytest.mark.parametrize("line", SECRETS)
def test_a_literal_secret_is_refused_and_not_repeated(line: str) -> None:
    """A secret in the file is a mistake that names the ways to refer to one, and never prints the secret."""
    (said,) = problems(f"version: 1\n{line}\n")
    assert "hunter2" not in said
    assert "reference" in said


def test_all_mistakes_at_once() -> None:
    """Mistakes of the schema and of meaning come in one error, in the order of the file."""
    text = (
        "version: 1\nservices: {a: {side: x}, b: {}}\nendpoints: {e: {route: GET /, legacy: {service: c}}}\n"
    )
    assert [line.split(":")[0] for line in problems(text)] == ["2", "2", "3"]


def test_plain_scalars_mean_what_they_look_like() -> None:
    """10:30 is no number of seconds, 007 keeps its zeros, yes and no are words, a date is text."""
    text = service(
        "labels: {time: 10:30, account: 007, answer: yes, day: 2026-01-31, big: 12345678901234567890}"
    )
    labels = config.loads(text).services["claims"].labels
    assert labels == {
        "time": "10:30",
        "account": "007",
        "answer": "yes",
        "day": "2026-01-31",
        "big": "12345678901234567890",
    }


@pytest.mark.parametrize(
    "text",
    [
        "a: &x [1,1,1,1,1,1,1,1,1]\n"
        + "".join(
            f"{b}: &{b} [{','.join(['*' + a] * 9)}]\n" for a, b in zip("xbcdefg", "bcdefgh", strict=True)
        ),
        "[" * 100_000,
        "{a: " * 5_000,
        "&a [*a]",
        "- " * 5_000,
        "a: 1\n" * 300_000,
    ],
    ids=["laughs", "lists", "mappings", "circle", "dashes", "large"],
)
def test_bombs_are_refused(text: str) -> None:
    """Expanding aliases, deep nesting, circles and huge files end as a sentence, soon."""
    assert len(problems(text)) == 1


@given(st.binary(max_size=300))
def test_arbitrary_bytes_never_raise_anything_else(data: bytes) -> None:
    """Whatever the bytes are, they load or raise a ConfigError whose lines can be printed."""
    check_only_config_errors(data)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12) | st.just("legacy"),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from([*schema()["properties"], "type", "side", "rules", "of", "notify"]),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    )
)
def test_arbitrary_trees_never_raise_anything_else(tree: Any) -> None:
    """Known keys with values of any shape load or raise a ConfigError."""
    text = json.dumps({"version": 1, **tree} if isinstance(tree, dict) else tree, ensure_ascii=True)
    check_only_config_errors(text.encode())


@given(st.integers(0, len(FULL)), st.text(max_size=3), st.integers(0, 20))
def test_arbitrary_edits_never_raise_anything_else(at: int, inserted: str, removed: int) -> None:
    """A good file with a small edit anywhere loads or raises a ConfigError."""
    check_only_config_errors((FULL[:at] + inserted + FULL[at + removed :]).encode("utf-8", "replace"))


def check_only_config_errors(data: bytes) -> None:
    """Load; an error must be a ConfigError of printable, single lines."""
    try:
        config.loads(data)
    except config.ConfigError as error:
        told = [str(problem) for problem in error.problems] or [""]
    else:
        told = ["loaded"]
    assert all(line and line.isprintable() for line in told)


@pytest.mark.parametrize(
    ("text", "ms"),
    [("500ms", 500), ("30s", 30_000), ("1h30m", 5_400_000), ("28d", 2_419_200_000), ("1w", 604_800_000)],
)
def test_durations(text: str, ms: int) -> None:
    """A duration is the sum of its parts."""
    assert config.duration_ms(text) == ms


@pytest.mark.parametrize("text", ["", "5", "s", "5 m", "-5m", "5mm", "1.5h"])
def test_bad_durations(text: str) -> None:
    """Anything else is refused."""
    with pytest.raises(ValueError, match="is not a duration"):
        config.duration_ms(text)
