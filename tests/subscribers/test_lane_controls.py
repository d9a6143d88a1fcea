"""The fast lane with controls tells what the general way with controls tells, and books every event."""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscribers import lane
from subscribers.config import Config, Redaction, loads
from subscribers.controls import Controls
from subscribers.enrich import Enrichment
from subscribers.lane_redaction import Guarded
from subscribers.parsers import serverless
from subscribers.parsers.page import Page, Parsed
from subscribers.read import Read
from subscribers.sinks import bulk
from tests.subscribers.lane_pages import (
    IDS,
    MONITORING,
    documents,
    invocation,
    ours,
    page,
    record,
    streams,
    texts,
)

CARD = "4111 1111 1111 1111"
TEAM = (
    'version: 1\nredaction: {keys: [policyHolder, "*_nr"], patterns: {claim: "CLM-[0-9]{4,}",'
    ' request: "0{8}-0000", took: "Duration: 9"}}\n'
)
EVERY_ID = 'version: 1\nredaction: {keys: ["*_id"]}\n'
ANCHORED = 'version: 1\nredaction: {patterns: {nine: "^[a-z]{9}$"}}\n'
CONFIGS = [loads(text) for text in ("version: 1\n", TEAM, EVERY_ID, ANCHORED)]

Booked = tuple[dict[str, Any], int, dict[str, int], dict[str, int]]


def by_lane(given: Page, config: Config) -> Booked:
    """(documents, events delivered, events dropped by reason, what was redacted by rule)."""
    dropped: Counter[str] = Counter()
    notes: Counter[str] = Counter()
    lines, delivered, count = b"", 0, 0
    for body in lane.Lane(Controls(config)).bodies(given):
        lines += body.lines
        delivered += body.delivered
        count += body.documents
        dropped.update(body.dropped)
        notes.update(body.notes)
    found = documents(lines.decode())
    assert count == len(found)
    assert delivered + sum(dropped.values()) == len(given.events)
    return found, delivered, +dropped, _redacted(notes)


def generally(given: Page, config: Config) -> Booked:
    """The same the general way."""
    parsed = serverless.parse(given)
    dropped = Counter(Controls(config).apply(parsed))
    delivered = Read(parsed, dropped).delivered
    dropped["no_signal"] += parsed.silent
    return documents(bulk.body(parsed.signals).decode()), delivered, +dropped, _redacted(parsed.notes)


def _redacted(notes: dict[str, int]) -> dict[str, int]:
    return {reason: count for reason, count in notes.items() if reason.startswith("redacted.")}


SECRETS = [
    f"paid with {CARD}\n",
    ours(IDS[0], message="password=hunter2 was told"),
    ours(IDS[0], policyHolder="Jane", contract_nr="7", n=1),
    ours(IDS[0], note="ask jane@example.com"),
    ours(IDS[0], card=4111111111111111),
    ours(IDS[0], message="hunter2 paid 4711, 12", password="hunter2", pin=4711, policyHolder="12"),
    ours(IDS[0], message="claim CLM-889123 accepted", body={"apiKey": "k", "items": [1, "CLM-88912"]}),
    "MONITORING|1795231810|1.5|timing|claims.CLM-88912|#product:motor\n",
    "MONITORING|1795231810|1.5|timing|claims|#password:hunter2,env:prod\n",
    f'token="abc" {CARD}\n',
    "été: password=hunter2\n",
]


@pytest.mark.parametrize("config", CONFIGS, ids=("default", "team", "every ID", "anchored"))
def test_secrets_are_gone_in_either_way(config: Config) -> None:
    """Each line alone among usual ones, and all of them."""
    for lines in (*([one] for one in SECRETS), SECRETS):
        given = page(*invocation(IDS[0], ours(IDS[0]), "a print\n", *lines), *invocation(IDS[1], MONITORING))
        assert by_lane(given, config) == generally(given, config), lines


@pytest.mark.parametrize("config", CONFIGS, ids=("default", "team", "every ID", "anchored"))
def test_secrets_in_lambda_s_json_format(config: Config) -> None:
    """The layer's lines and the platform's records."""
    own = [line for line in SECRETS if line.startswith("{")]
    first = record("start", IDS[0], functionArn="a:password=hunter2")
    given = page(first, *own, record("report", IDS[0], status="success", metrics={"durationMs": 9}))
    assert by_lane(given, config) == generally(given, config)


def test_a_secret_costs_no_invocation_its_lane() -> None:
    """Only the line that holds one is looked at more closely."""
    given = page(*invocation(IDS[0], *SECRETS[:3], SECRETS[5], report=""))
    (body,) = lane.Lane(Controls(CONFIGS[0])).bodies(given)
    assert body.documents == 8
    assert body.notes["redacted.card"] == 1
    assert b"hunter2" not in body.lines


@given(streams(), st.sampled_from(CONFIGS), st.lists(st.sampled_from(SECRETS), max_size=2), st.data())
def test_any_page_is_redacted_alike(
    lines: list[str], config: Config, more: list[str], data: st.DataObject
) -> None:
    """A law: the same documents, the same removals, the same ledger."""
    for line in more:
        lines.insert(data.draw(st.integers(0, len(lines))), line)
    given = page(*lines)
    assert by_lane(given, config) == generally(given, config)


def test_logs_that_are_left_out_are_booked() -> None:
    """A service with a filter goes the general way."""
    config = loads("version: 1\ncontrols: {level: WARN, keep_failed: false}\n")
    given = page(*invocation(IDS[0], ours(IDS[0]), ours(IDS[0], level="ERROR"), "a print\n", "\n"))
    found = by_lane(given, config)
    assert found == generally(given, config)
    assert found[2] == {"below_level": 3, "no_signal": 1}


def test_keys_are_marked_the_general_way() -> None:
    """Marks are made of what the whole line says."""
    config = loads('version: 1\nkeys: {claim: "CLM-[0-9]+"}\n')
    enrichment = Enrichment(config, "s")
    (body,) = lane.Lane(enrichment=enrichment, marks=True).bodies(
        page(*invocation(IDS[0], ours(IDS[0], claim="CLM-1")))
    )
    assert body.lines.count(b'"observe.keys":["claim=') == 1
    assert body.delivered == 4


def test_a_metric_beyond_its_series_is_told_as_the_guard_says() -> None:
    """The lane asks the same guard."""
    config = loads("version: 1\ncontrols: {series_max: 1}\n")
    lines = [MONITORING, MONITORING.replace("motor", "home"), MONITORING]
    found = by_lane(page(*invocation(IDS[0], *lines)), config)
    assert found == generally(page(*invocation(IDS[0], *lines)), config)


attributes = st.dictionaries(
    st.one_of(
        st.sampled_from(
            ["user.name", "http.request.header.authorization", "url.query", "contract_nr", "pin"]
        ),
        texts,
    ),
    st.one_of(
        st.sampled_from(
            ["CLM-88912", "a=b", CARD, "x" * 20, 4111111111111111, "accepted", "print", 1795231810]
        ),
        texts,
        st.integers(),
        st.lists(texts),
    ),
    max_size=4,
)


@given(streams(), st.lists(attributes), st.sampled_from(CONFIGS))
def test_only_signals_that_may_hold_a_secret_are_asked_about(
    lines: list[str], fields: list[dict[str, Any]], config: Config
) -> None:
    """A law: Guarded.apply does what Controls.apply does, for signals of any format."""
    from msgspec.structs import replace

    signals = serverless.parse(page(*lines)).signals
    for at, own in enumerate(fields[: len(signals)]):
        if hasattr(signals[at], "attributes"):
            signals[at] = replace(signals[at], attributes=own)
    one, other = Parsed(signals=[*signals]), Parsed(signals=[*signals])
    assert Guarded(Controls(config)).apply(one, None) == Controls(config).apply(other)
    assert one.signals == other.signals
    assert one.notes == other.notes


def test_the_default_rules_are_those_of_an_empty_configuration() -> None:
    """What the benchmark names as active is."""
    assert Controls(Config()).redactor.rules == Controls(Config(redaction=Redaction())).redactor.rules


def test_what_only_the_general_way_knows_goes_there() -> None:
    """A clock that may be off, and fields of a subscription filter, are in the documents."""
    given = page(*invocation(IDS[0], "hello\n"))
    skewed = loads("version: 1\nservices: {f: {side: serverless, clock_skew_ms: 5, log_groups: [/f]}}")
    service = skewed.services["f"]
    own = msgspec.structs.replace(given, origin=msgspec.structs.replace(given.origin, service="f"))
    (body,) = lane.Lane(Controls(skewed), Enrichment(skewed)).bodies(own, service)
    assert b'"observe.clock_skew_ms":5' in body.lines
    fields = {"@aws.account": "999999999999", "ip": "1.2.3.4"}
    events = tuple(msgspec.structs.replace(event, extracted_fields=fields) for event in given.events)
    (body,) = lane.Lane().bodies(msgspec.structs.replace(given, events=events))
    assert body.lines.count(b'"cloud.account.id":"999999999999"') == body.documents
    assert body.lines.count(b'"aws.log.extracted_fields":{"ip":"1.2.3.4"}') == len(events)
