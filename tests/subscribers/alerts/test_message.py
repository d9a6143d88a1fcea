"""Messages: what an engineer reads at night, and that no log line can break it."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from subscribers.alerts.message import (
    EVIDENCE,
    MEMBERS_MAX,
    SAMPLES_MAX,
    Changed,
    Surroundings,
    message_of,
    plain,
    surroundings_of,
)
from subscribers.alerts.message_title import TITLE_MAX
from subscribers.alerts.texts import clean, cut, cut_bytes, length, line, moment
from subscribers.config import loads
from tests.subscribers.alerts.timelines import START_S, Timeline, finding, of, policy, sample, threshold

YAML = """
version: 1
links: {trace: "https://apm.example/t/{trace_id}", dashboard: "https://g.example/?s={service}"}
services:
  claims: {side: serverless, owner: team-claims, runbook: "https://wiki.example/{rule}", links: {logs:
    "https://k.example/?q={correlation_id}"}}
  mainframe: {side: legacy}
endpoints:
  submit: {route: POST /claims, serverless: {service: claims}, owner: team-submit}
"""
CHANGES = (
    Changed(
        kind="deployment", at_s=START_S - 480, said="submit-claim version 42 first seen", service="claims"
    ),
    Changed(
        kind="deployment", at_s=START_S - 9_000, said="submit-claim version 41 first seen", service="claims"
    ),
    Changed(kind="deployment", at_s=START_S - 400, said="mainframe changed", service="mainframe"),
    Changed(kind="cutover", at_s=START_S - 200, said="submit moved to 50%"),
    Changed(kind="cutover", at_s=START_S + 1, said="behind what was seen"),
    Changed(kind="configuration", at_s=START_S - 200_000, said="long before it"),
)
FOUND = finding(
    service="claims",
    side="serverless",
    endpoint="submit",
    group={"service": "claims", "endpoint": "submit"},
    said="12 of 40 requests failed (30%); limit 2%",
    severity="critical",
    samples=(sample(), sample(1), sample(1)),
    details={"burn": {"1h": 15.2}, "template": "claim <*> broke"},
)


def around(rule: object = None) -> Surroundings:
    return surroundings_of(loads(YAML), [rule or threshold(description="Too many")], CHANGES)  # type: ignore[list-item]


def test_what_an_engineer_reads() -> None:
    """The text of an e-mail, from top to bottom."""
    step = Timeline(policy())
    step.step(FOUND)
    text = plain(message_of(step.notices[0], around()), 10_000)
    trace = f"{1:032x}"
    assert (
        text
        == f"""\
CRITICAL errors: claims (serverless side): 12 of 40 requests failed (30%); limit 2%

12 of 40 requests failed (30%); limit 2%

Severity: critical
Since: 2026-11-21 03:25:00 UTC, for 5 min
Side: serverless
Service: claims
Endpoint: submit
About: service claims, endpoint submit
Runbook: https://wiki.example/errors
Owner: team-submit
Rule: errors: Too many

What changed before (near in time, not shown to be the cause):
  cutover: submit moved to 50%, 03:26:40 UTC, in its first minutes
  deployment: submit-claim version 42 first seen, 03:22:00 UTC, 3 min before
  deployment: submit-claim version 41 first seen, 01:00:00 UTC, 2 h 25 min before

Requests that it hit:
  2026-11-21 03:28:20 UTC claims corr-0: it broke
    trace: https://apm.example/t/{trace}
    logs: https://k.example/?q=corr-0
    observe trace corr-0
  2026-11-21 03:28:20 UTC claims corr-1: it broke
    trace: https://apm.example/t/{2:032x}
    logs: https://k.example/?q=corr-1
    observe trace corr-1

Links:
  dashboard: https://g.example/?s=claims

Details:
  burn: {{"1h":15.2}}
  template: claim <*> broke

Evidence: {EVIDENCE}.
Alert: observe/errors, notice 1"""
    )


def test_the_end_says_how_long_it_was() -> None:
    """And why it is over; of several groups each is listed."""
    step = Timeline(policy(flapping_hold_s=0))
    step.step(of("claims", severity="critical"), of("billing"))
    step.step(of("claims", "ok"), of("billing", "ok"))
    first, last = (message_of(notice, around()) for notice in step.notices)
    assert first.title == "CRITICAL errors: claims, and 1 more: 5 requests failed; limit 1"
    assert first.members == (
        "critical since 03:25:00 UTC, service claims: 5 requests failed; limit 1",
        "error since 03:25:00 UTC, service billing: 5 requests failed; limit 1",
    )
    assert (first.service, first.side) == ("", "")
    assert (
        last.title == "RESOLVED errors: claims, and 1 more: no longer so; it was: 5 requests failed; limit 1"
    )
    assert ("Since", "2026-11-21 03:25:00 UTC, lasted 6 min") in last.facts
    assert ("Over since", "not so for 1 min") in last.facts


def test_what_is_over_is_not_said_as_if_it_went_on() -> None:
    """Neither in the title nor in the first line."""
    said = "claims (serverless): 2% of 98 invocations failed in 5 min (limit 1.5%)"
    step = Timeline(policy(flapping_hold_s=0))
    step.step(replace(FOUND, said=said))
    step.step(replace(FOUND, verdict="ok"))
    message = message_of(step.notices[1], around())
    was = "o longer so; it was: "
    numbers = "2% of 98 invocations failed in 5 min (limit 1.5%)"
    assert message.title == f"RESOLVED errors: claims (serverless side): n{was}{numbers}"
    assert message.said == f"N{was}claims (serverless): {numbers}"


@pytest.mark.parametrize(
    ("said", "title"),
    [
        (
            "POST /claims, claims (serverless): p95 is 2 s",
            "POST /claims, claims (serverless side): p95 is 2 s",
        ),
        (
            "claims (serverless), tenant acme: 3 of 4: bad",
            "claims (serverless side), tenant acme: 3 of 4: bad",
        ),
        ("POST /claims: 3 failed", "POST /claims: 3 failed"),
        ("order A-1 never came: late", "claims (serverless side): order A-1 never came: late"),
        ("claims is slow", "claims (serverless side): claims is slow"),
    ],
)
def test_a_title_tells_its_place_once(said: str, title: str) -> None:
    """Where what is said begins with the place, that is the place."""
    step = Timeline(policy())
    step.step(replace(FOUND, said=said))
    assert message_of(step.notices[0], around()).title == f"CRITICAL errors: {title}"


@pytest.mark.parametrize("said", ["", " ", "\x00", "\ud800\x1b"])
def test_what_is_said_is_never_empty(said: str) -> None:
    """Blanks and control characters are cleaned away: then it is the rule that is named."""
    step = Timeline(policy())
    step.step(replace(FOUND, said=said))
    message = message_of(step.notices[0], around())
    assert message.said
    assert not message.title.endswith(": ")


def test_a_list_tells_each_place_once() -> None:
    """But what its place leaves out is told."""
    said = "claims (serverless): 3 failed"
    found = []
    for group in ({"service": "claims"}, {"faas.name": "claims-prod-submit"}):
        step = Timeline(policy())
        step.step(replace(FOUND, said=said, group=group), of("zz"))
        found.append(message_of(step.notices[0], around()))
    first, second = found
    assert first.title == "CRITICAL errors: claims (serverless side), and 1 more: 3 failed"
    assert first.members[0] == "critical since 03:25:00 UTC, claims (serverless side): 3 failed"
    assert second.members[0] == f"critical since 03:25:00 UTC, faas.name claims-prod-submit: {said}"


def test_details_tell_what_there_is() -> None:
    """No zeros, and keys as lines, each with the command that tells its story."""
    key = {"since": "2026-11-21T02:45:00Z", "deadline": "2026-11-21T03:30:00Z", "trace_id": "t"}
    ends = ["the nightly report", "the ledger"]
    overdue = [
        {**key, "key": "CLM-889009", "correlation_id": "$(x)", "missing": ends},
        {**key, "key": "CLM-1", "correlation_id": "", "trace_id": "", "missing": ends[:1]},
    ]
    late = {**key, "key": "CLM-2", "since": "2026-11-20T23:45:00Z", "late_s": 300.5, "correlation_id": "c"}
    nothing = {"in_time": 0, "pending_is_at_least": False, "unjudged": 0, "note": "", "none": None}
    details = {"overdue": overdue, "overdue_more": 7, "recovered": [late], "starts": 412, **nothing}
    step = Timeline(policy())
    step.step(replace(FOUND, details=details))
    message = message_of(step.notices[0], around())
    text = plain(message, 10_000)
    assert (
        """
Overdue:
  CLM-889009 since 02:45 UTC, not in the nightly report and the ledger: observe trace '$(x)'
  CLM-1 since 02:45 UTC, not in the nightly report
  and 7 more

Recovered:
  CLM-2 since 2026-11-20 23:45 UTC, 5 min late: observe trace c
"""
        in text
    )
    assert "Details:\n  starts: 412\n\nEvidence" in text
    assert dict(message.details)["overdue"] == (
        "CLM-889009 since 02:45 UTC, not in the nightly report and the ledger;"
        " CLM-1 since 02:45 UTC, not in the nightly report"
    )


def test_lists_are_bounded() -> None:
    """A thousand groups are fifty lines and a number; requests are five, each once."""
    step = Timeline(policy())
    step.step(*(of(f"s{n}", samples=(sample(n % 7),)) for n in range(1_000)))
    message = message_of(step.notices[0], around())
    assert len(message.members) == MEMBERS_MAX
    assert message.members_left_out == 950
    assert len({shown.id for shown in message.samples}) == len(message.samples) == SAMPLES_MAX
    assert "  and 950 more" in plain(message, 100_000)


def test_a_rule_that_says_more_than_its_service() -> None:
    """Owner and runbook of the rule win; so does the link of a service over that of the system."""
    step = Timeline(policy())
    step.step(FOUND)
    rule = threshold(
        owner="me", runbook="https://mine.example/{side}", labels={"tier": "1"}, reason="by default"
    )
    facts = dict(message_of(step.notices[0], around(rule)).facts)
    assert facts["Owner"] == "me"
    assert facts["Runbook"] == "https://mine.example/serverless"
    assert facts["Why there is this rule"] == "by default"


def test_an_id_that_is_a_command() -> None:
    """What is pasted into a shell is one word of `observe trace`."""
    for id in ("$(rm -rf /)", "a;b", "a'b\"", "--store", "x\ny", "`id`"):
        step = Timeline(policy())
        step.step(replace(FOUND, samples=(sample(correlation_id=id),)))
        (shown,) = message_of(step.notices[0], around()).samples
        words = shlex.split(shown.command)
        assert words[:2] == ["observe", "trace"]
        assert words[2:] == (["--", id] if id.startswith("-") else [id.replace("\n", " ")])


NASTY = (
    "<!channel> *bold* _i_ `c` <https://evil.example|click> & @here #c :fire: [a](http://e) \u202egnp.exe"
    '\x00\x1b[31m\x7f\ud800\udfff \U000e0041 {"a": "b\\"} \r\n line two {trace_id} \'quoted\' 😀'
)
hostile = st.one_of(
    st.text(st.characters(), max_size=200), st.just(NASTY), st.just(NASTY * 700), st.just("😀" * 50_000)
)


@given(hostile, hostile, st.integers(0, 2_000))
@settings(max_examples=200, deadline=None)
def test_texts_are_made_fit(text: str, other: str, most: int) -> None:
    """A law: no control character, no half character, no length above the limit; what is fit stays."""
    made = clean(text[:1_000])
    assert clean(made) == made
    assert not any(ord(c) < 32 and c not in "\n\t" for c in made)
    made.encode()
    one = line(text, max(1, most))
    assert length(one) <= max(1, most)
    assert one.isprintable() or not one or " " in one or any(c > "\x7f" for c in one)
    assert "\n" not in one
    assert length(cut(made, most)) <= most
    assert len(cut_bytes(made, most).encode()) <= most
    assert cut(made, length(made)) == made
    assert cut_bytes(made, len(made.encode())) == made


@given(hostile, hostile, hostile, st.integers(1, 5_000))
@settings(max_examples=60, deadline=None)
def test_no_log_line_breaks_a_message(said: str, id: str, name: str, most: int) -> None:
    """A law: whatever signals hold, each text is clean and bounded, and its size has a limit."""
    found = replace(
        FOUND,
        said=said,
        group={name[:40]: said},
        service=name,
        samples=tuple(sample(correlation_id=id + str(n), text=said, service=name) for n in range(9)),
        details={name: said, "tree": {name: [said, 1, None, b"x"]}, "keys": list(said)},
    )
    step = Timeline(policy())
    step.step(*(replace(found, group={"n": str(n), name: said}) for n in range(60)))
    message = message_of(step.notices[0], around())
    assert length(message.title) <= TITLE_MAX
    assert message.title.startswith("CRITICAL errors")
    text = plain(message, 200_000)
    assert text == clean(text)
    assert len(text.encode()) < 150_000
    assert len(plain(message, most).encode()) <= most


def test_times() -> None:
    """UTC, and said so."""
    assert moment(START_S) == "2026-11-21 03:30:00 UTC"
