"""Parity of endpoints, out of a store."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec
import pytest

from subscribers.config import EMPTY, Config
from subscribers.insight import ask
from subscribers.insight.answer import Answer, Question, Table
from subscribers.insight.parity import parity
from subscribers.signals import Side, Span
from subscribers.store import Store
from tests.subscribers.insight.traffic import (
    BOTH,
    DAY_MS,
    T0_TEXT,
    config,
    killed,
    request,
    requests,
    start_of,
)
from tests.subscribers.samples import MS, T0

BASELINE = BOTH + "    baseline: {from: 2023-11-10, to: 2023-11-14, p95_ms: 40, error_percent: 0.5}\n"
#: From the day after T0's.
LATER = T0 + round(2 * DAY_MS * MS)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty store."""
    return Store(tmp_path / "store")


def told(store: Store, spans: Iterable[Span] = (), settings: Config | None = None, **asked: object) -> Answer:
    """The answer of a store with some requests."""
    store.append(spans)
    question = msgspec.structs.replace(Question(config=settings or config()), **asked)
    return ask("parity", store.query, question)


def table(answer: Answer, name: str) -> list[dict[str, object]]:
    """The rows of one of its tables, by column."""
    (found,) = (one for one in answer.tables if one.name == name)
    return [dict(zip((c.name for c in found.columns), row, strict=True)) for row in found.rows]


def texts(answer: Answer) -> str:
    """Its findings, a line each."""
    return "\n".join(f"{finding.level}: {finding.text}" for finding in answer.findings)


def test_both_sides_at_the_same_time(store: Store) -> None:
    """Share, errors, quantiles and verdict of an endpoint whose new side is clearly slower."""
    store.append([*requests("legacy", 100, 100), *requests("serverless", 300, 400)])
    (found,) = parity(store.query, Question(config=config()))
    assert (found.endpoint, found.comparison, found.verdict) == ("submit", "side_by_side", "regressed")
    assert (found.legacy.count, found.serverless.count, found.share) == (100, 300, 0.75)
    assert found.p50.verdict == found.latency == "regressed"
    assert 3.8 <= found.p95.change <= 4.2
    assert found.p50.low <= 4 <= found.p50.high


def test_the_answer(store: Store) -> None:
    """The finding says what and by how much, and has samples; tables have rows, and JSON carries all."""
    answer = told(store, [*requests("legacy", 100, 100), *requests("serverless", 300, 400)])
    finding = answer.findings[0]
    assert finding.level == "bad"
    assert finding.text.startswith("submit (POST /claims): regressed; median 109 ms to 4")
    assert len(finding.correlation_ids) == 3
    (row,) = table(answer, "verdicts")
    assert (row["verdict"], row["share"], row["compared"]) == ("regressed", 75.0, "side by side")
    assert [row["side"] for row in table(answer, "latency")] == ["legacy", "serverless"]
    assert [row["2xx"] for row in table(answer, "statuses")] == [100, 300]
    assert {row["measure"] for row in table(answer, "tests")} == {"errors", "p50", "p95"}
    assert msgspec.json.decode(msgspec.json.encode(answer), type=Answer, strict=False).name == "parity"


def test_as_good(store: Store) -> None:
    """Much traffic of the same kind is as good, and says how good at least."""
    answer = told(
        store, [*requests("legacy", 1200, 10, every_ms=9), *requests("serverless", 1200, 10, every_ms=9)]
    )
    assert texts(answer).startswith(
        "ok: submit (POST /claims): as good; error rate 0.0% to 0.0%, +0.0 points (-0"
    )
    assert any("At most 1% of the verdicts" in note for note in answer.notes)


def test_errors_regress(store: Store) -> None:
    """Answers of 5xx and requests without an answer are errors; samples are of those that failed."""
    bad = requests("serverless", 60, 10, every_ms=40, status=None, correlation_id="bad")
    good = requests("serverless", 440, 10, every_ms=10)
    answer = told(store, [*requests("legacy", 500, 10, every_ms=10), *bad, *good])
    assert answer.findings[0].text.startswith("submit (POST /claims): regressed; error rate 0.0% to 12.0%")
    assert answer.findings[0].correlation_ids == ("bad",)
    assert [row["none"] for row in table(answer, "statuses")] == [0, 60]


def test_failures_that_came_at_one_time(store: Store) -> None:
    """An incident of the new side among hours of traffic is named; failures all the time are none."""
    traffic = [*requests("legacy", 900, every_ms=20_000), *requests("serverless", 900, every_ms=20_000)]
    bad = requests("serverless", 90, every_ms=5_000, at_ms=3_600_000, status=500)
    answer = told(store, [*traffic, *bad])
    (finding,) = (one for one in answer.findings if one.basis == "inferred")
    assert finding.text == (
        "submit: 90 of 90 failures of the serverless side came within 20 minutes from 2023-11-14T23:10:00Z:"
        " maybe one incident, and the verdict one on that"
    )
    again = told(store, requests("serverless", 90, every_ms=190_000, status=500))
    assert not [one for one in again.findings if one.basis == "inferred"]
    assert again.findings[0].level == "bad"


def test_refusals_are_told_apart(store: Store) -> None:
    """4xx are no errors; where the new side refuses far more, that is said, and it is not as good."""
    refused = requests("serverless", 200, 10, every_ms=10, status=403)
    served = requests("serverless", 1000, 10, every_ms=10)
    answer = told(store, [*requests("legacy", 1200, 10, every_ms=10), *refused, *served])
    assert table(answer, "verdicts")[0]["verdict"] == "inconclusive"
    assert answer.findings[0].level == "warning"
    assert "inconclusive; different answers (2xx 100.0% to 83.3%, 4xx 0.0% to 16.7%)" in texts(answer)
    assert "requests more" not in texts(answer)
    assert "warning: submit: the new side refuses more requests: 4xx 0.0% to 16.7%" in texts(answer)


def test_cold_starts_are_separated(store: Store) -> None:
    """Where warm requests are as good and all together are not, cold starts are named as the difference."""
    cold = requests("serverless", 240, 900, every_ms=5, is_cold=True)
    warm = requests("serverless", 1200, 50, every_ms=5)
    answer = told(store, [*requests("legacy", 1440, 50, every_ms=5), *cold, *warm])
    (row,) = table(answer, "verdicts")
    assert (row["verdict"], row["latency"], row["latency_warm"]) == ("regressed", "regressed", "as good")
    assert "submit: requests without a cold start are as good: the 16.7% with one make" in texts(answer)
    by_side = table(answer, "latency")
    assert by_side[0]["cold"] is None
    assert by_side[1]["cold"] == 16.67
    slowest, warm_slowest = by_side[1]["p95_ms"], by_side[1]["p95_warm_ms"]
    assert isinstance(slowest, float)
    assert isinstance(warm_slowest, float)
    assert slowest > 900 > 60 > warm_slowest


def test_small_traffic(store: Store) -> None:
    """Twenty requests a side are inconclusive, and it is said about how many more are needed."""
    answer = told(store, [*requests("legacy", 20, 10), *requests("serverless", 20, 10)])
    assert texts(answer).startswith("info: submit (POST /claims): inconclusive; error rate 0.0% to 0.0%")
    assert "a verdict needs about" in texts(answer)


def test_before_and_after(store: Store) -> None:
    """Sides that never served at the same time are before and after, and labelled so, with the cutover."""
    settings = config(BOTH + f"    cutover: '{T0_TEXT}'\n")
    before = requests("legacy", 200, 100, every_ms=10, at_ms=-60_000)
    answer = told(store, [*before, *requests("serverless", 200, 300, every_ms=10)], settings)
    assert table(answer, "verdicts")[0]["compared"] == f"before and after, cutover {T0_TEXT}"
    assert f"regressed, before and after, cutover {T0_TEXT}; median" in texts(answer)
    assert any(note.startswith("Before and after") for note in answer.notes)


def test_legacy_after_the_cutover(store: Store) -> None:
    """Requests that legacy still serves after the cutover are told."""
    settings = config(BOTH + f"    cutover: '{T0_TEXT}'\n")
    answer = told(store, [*requests("legacy", 9), *requests("serverless", 9)], settings)
    assert (
        f"submit: legacy requests after the cutover of {T0_TEXT}, the last at 2023-11-14T22:13:28Z"
        in texts(answer)
    )


def test_the_baseline_is_read_where_legacy_is_gone(store: Store) -> None:
    """No legacy request in the asked time: those of the baseline's days are compared with."""
    old = requests("legacy", 300, 100, every_ms=100)
    new = requests("serverless", 300, 300, every_ms=100, at_ms=2 * DAY_MS)
    answer = told(store, [*old, *new], config(BASELINE), first_unix_nano=LATER)
    (row,) = table(answer, "verdicts")
    assert (row["legacy_requests"], row["share"], row["verdict"]) == (300, 100.0, "regressed")
    assert row["compared"] == "with the legacy side of 2023-11-10 to 2023-11-14"
    assert "nothing came from legacy" in texts(answer)


def test_the_last_day_of_a_baseline_is_included(store: Store) -> None:
    """A baseline's days are whole days of UTC."""
    spans = [request("legacy", at_ms=at) for at in (0, 6_399_000.0)]  # the latter at 23:59:59 of the 14th
    outside = request("legacy", at_ms=6_400_000.0)  # 00:00:00 of the 15th
    store.append([*spans, outside, *requests("serverless", 5, at_ms=2 * DAY_MS)])
    question = Question(config=config(BASELINE), first_unix_nano=LATER)
    (found,) = parity(store.query, question)
    assert found.legacy.count == 2


def test_a_baseline_s_numbers_are_enough(store: Store) -> None:
    """Where even the baseline is gone its numbers are compared with: one sample, and it is said."""
    new = requests("serverless", 1500, 100, every_ms=10, at_ms=2 * DAY_MS)
    answer = told(store, new, config(BASELINE), first_unix_nano=LATER)
    (row,) = table(answer, "verdicts")
    assert (row["legacy_requests"], row["legacy_p95_ms"], row["legacy_errors"]) == (0, 40.0, 0.5)
    assert row["verdict"] == "regressed"
    assert row["compared"] == "with observe.yaml's numbers of 2023-11-10 to 2023-11-14"
    assert "regressed, with observe.yaml's numbers of 2023-11-10 to 2023-11-14; p95 40 ms to" in texts(answer)
    assert any("numbers are taken for exact" in note for note in answer.notes)


def test_nothing_to_compare_with(store: Store) -> None:
    """Legacy gone and no baseline: not compared, which is no verdict."""
    answer = told(store, requests("serverless", 50))
    (row,) = table(answer, "verdicts")
    assert (row["verdict"], row["legacy_p95_ms"], row["compared"]) == ("not compared", None, "")
    assert "submit (POST /claims): seen on the serverless side only; nothing came from legacy" in texts(
        answer
    )


def test_requests_of_no_endpoint_are_told(store: Store) -> None:
    """Routes that no endpoint names, strays and requests without a route are findings and rows."""
    answer = told(
        store,
        [
            *requests("legacy", 3, route="GET /favicon.ico"),
            *requests("serverless", 2, service="other"),
            *requests("legacy", 4, route=""),
        ],
    )
    assert "3 requests had routes that no endpoint of observe.yaml names: GET /favicon.ico (legacy, old)" in (
        texts(answer)
    )
    assert "submit: other served 2 requests of POST /claims on the serverless side" in texts(answer)
    assert "old: 4 requests named no route" in texts(answer)
    assert {(row["route"], row["requests"]) for row in table(answer, "others")} == {
        ("GET /favicon.ico", 3),
        ("POST /claims", 2),
        ("", 4),
    }


def test_without_a_configuration(store: Store) -> None:
    """Routes that both sides serve are compared by themselves."""
    store.append(
        [
            *requests("legacy", 200, 100, route="GET /claims/{id}"),
            *requests("serverless", 200, 300, route="GET /claims/{number}"),
        ]
    )
    (found,) = parity(store.query, Question(config=EMPTY))
    assert (found.endpoint, found.verdict, found.is_declared) == ("GET /claims/{id}", "regressed", False)
    answer = told(store, settings=EMPTY)
    assert texts(answer).startswith("bad: GET /claims/{id} (not in observe.yaml): regressed; median")


def test_what_is_asked_for(store: Store) -> None:
    """Endpoints, services and times narrow the answer; unknown names are told."""
    settings = config(BOTH + "  status:\n    route: GET /claims/{id}\n    legacy: {service: old}\n")
    store.append([*requests("legacy", 5), *requests("serverless", 5)])
    asked = Question(config=settings)
    assert [one.endpoint for one in parity(store.query, asked)] == ["submit", "status"]
    for change, names in (
        ({"endpoints": ("status",)}, ["status"]),
        ({"services": ("new",)}, ["submit"]),
    ):
        question = msgspec.structs.replace(asked, **change)
        assert [one.endpoint for one in parity(store.query, question)] == names
    question = msgspec.structs.replace(asked, first_unix_nano=T0 + 3_000 * MS)
    assert [one.legacy.count for one in parity(store.query, question)] == [2, 0]
    answer = told(store, settings=settings, endpoints=("stats",), services=("old",), by="tenant")
    assert "stats is no endpoint of observe.yaml; it has submit, status" in texts(answer)
    assert answer.tables[0].empty
    assert "Parity is not split by tenant: its verdicts are on whole endpoints." in answer.notes


def test_worst_first_and_no_more_than_asked(store: Store) -> None:
    """A regression stands before what is not compared; rows beyond `most` are counted."""
    settings = config("  status:\n    route: GET /claims/{id}\n    legacy: {service: old}\n" + BOTH[1:])
    answer = told(store, [*requests("legacy", 100, 100), *requests("serverless", 100, 400)], settings, most=1)
    assert [row["endpoint"] for row in table(answer, "verdicts")] == ["submit"]
    first: Table = answer.tables[0]
    assert first.more == 1


def test_an_empty_store(store: Store) -> None:
    """Nothing stored is an answer, too."""
    answer = told(store)
    assert texts(answer) == ""
    assert table(answer, "verdicts")[0]["verdict"] == "not compared"
    assert all(one.rows or one.empty for one in answer.tables)


def test_who_refuses_everything_is_not_better(store: Store) -> None:
    """404 to everything is fast and without an error, and nothing to compare latencies with."""
    refused = requests("serverless", 1000, 10, every_ms=10, status=404)
    answer = told(store, [*requests("legacy", 1000, 100, every_ms=10), *refused])
    (row,) = table(answer, "verdicts")
    assert (row["verdict"], row["p95_ratio"]) == ("inconclusive", None)
    assert "different answers (2xx 100.0% to 0.0%, 4xx 0.0% to 100.0%)" in answer.findings[0].text


def test_latency_of_the_same_answers(store: Store) -> None:
    """Fast refusals do not hide that what is answered is three times slower."""
    refused = requests("serverless", 1200, 1, every_ms=10, status=404)
    slow = requests("serverless", 800, 300, every_ms=15)
    answer = told(store, [*requests("legacy", 1200, 100, every_ms=10), *refused, *slow])
    assert answer.findings[0].text.startswith("submit (POST /claims): regressed; median 109 ms to 3")


def test_equal_answers_of_a_storm_count(store: Store) -> None:
    """Lines of an access log that say the same are failures each: the old side's, here."""
    line = request("legacy", 0, status=502, told_by="access_log")
    storm = [msgspec.structs.replace(line, event_id=f"line-{n}") for n in range(500)]
    answer = told(store, [*requests("legacy", 500), *storm, *requests("serverless", 500)])
    assert table(answer, "verdicts")[0]["legacy_errors"] == 50.0


def test_the_wait_for_a_start_is_part_of_the_verdict(store: Store) -> None:
    """The layer's span begins after the start, which its caller waited for all the same."""
    cold = list(requests("serverless", 300, 100, every_ms=5000, is_cold=True))
    spans = [*requests("legacy", 1500, 100), *requests("serverless", 1200, 100), *cold]
    answer = told(store, [*spans, *(start_of(one, 3000) for one in cold)])
    (row,) = table(answer, "verdicts")
    assert (row["verdict"], row["latency"], row["latency_warm"]) == ("regressed", "regressed", "as good")
    assert "requests without a cold start are as good: the 20.0% with one make" in texts(answer)


def test_a_sampled_layer_does_not_dilute_errors(store: Store) -> None:
    """Of 95% nobody told the outcome, and of the others 20% failed: no verdict, and the share is named."""
    spans = [*requests("legacy", 2000, 30), *requests("serverless", 80, 30), *killed(1900, is_known=False)]
    answer = told(store, [*spans, *requests("serverless", 20, 30, status=500)])
    (row,) = table(answer, "verdicts")
    assert (row["verdict"], row["serverless_requests"], row["serverless_errors"]) == (
        "inconclusive",
        2000,
        20,
    )
    assert "inconclusive; nobody told the outcome of 95.0% of the serverless requests;" in texts(answer)
    assert (
        "warning: submit: nobody told the outcome of 1,900 of 2,000 requests (95.0%) of the serverless side"
        in texts(answer)
    )
    new = table(answer, "statuses")[1]
    assert (new["2xx"], new["5xx"], new["none"], new["unknown"]) == (80, 20, 0, 1900)


def test_a_sampled_layer_may_be_enough(store: Store) -> None:
    """Where the sample is large and says the same as the whole, there is a verdict."""
    spans = [*requests("legacy", 2000, 30), *requests("serverless", 1200, 30)]
    answer = told(store, [*spans, *killed(800, is_known=False)])
    assert table(answer, "verdicts")[0]["verdict"] == "as good"
    assert "info: submit: nobody told the outcome of 800 of 2,000 requests (40.0%)" in texts(answer)


def test_killed_invocations_of_one_of_two_routes(store: Store) -> None:
    """They name no route, and may be this endpoint's: no verdict that they could change."""
    spans = [*requests("legacy", 1000, 30), *requests("serverless", 1000, 30), *killed(100)]
    health = requests("serverless", 20, 30, route="GET /health")
    answer = told(store, [*spans, *health])
    assert table(answer, "verdicts")[0]["verdict"] == "inconclusive"
    assert "inconclusive; 100 failures without a route may be this endpoint's" in texts(answer)
    assert "warning: new: 100 requests named no route, and 100 of them failed" in texts(answer)


def at_two_times(side: Side, day: int, night: int, times: float) -> list[Span]:
    """Requests of the day take 400 ms, those of the night 100 ms; times: as long."""
    return [
        *requests(side, day, 400 * times, every_ms=10, at_ms=DAY_MS / 2),
        *requests(side, night, 100 * times, every_ms=10),
    ]


def test_other_hours_do_not_make_a_side_better(store: Store) -> None:
    """Half as slow again at every hour, but mostly asked at night: totals say better, and no verdict does."""
    answer = told(store, [*at_two_times("legacy", 2400, 600, 1), *at_two_times("serverless", 60, 2940, 1.5)])
    assert table(answer, "verdicts")[0]["verdict"] == "inconclusive"
    finding = answer.findings[0]
    assert (finding.level, finding.basis) == ("warning", "estimated")
    assert "totals say better, the same hours with the same weight rather regressed" in finding.text
    assert finding.evidence["same_hours"]["new_ms"]["p95"] > 600


@pytest.mark.parametrize(("times", "verdict"), [(1.0, "as good"), (5.0, "regressed")])
def test_other_hours_that_change_nothing(store: Store, times: float, verdict: str) -> None:
    """Hours may differ as long as the same hours say the same as the totals."""
    old = [*requests("legacy", 2400, 100, every_ms=10, at_ms=DAY_MS / 2), *requests("legacy", 600, 100)]
    new = requests("serverless", 300, 100 * times, every_ms=10, at_ms=DAY_MS / 2)
    answer = told(store, [*old, *new, *requests("serverless", 2700, 100 * times)])
    assert table(answer, "verdicts")[0]["verdict"] == verdict


def test_a_smoke_test_is_not_side_by_side(store: Store) -> None:
    """One early request of the new side does not make two periods one."""
    spans = [*requests("legacy", 300, 100), *requests("serverless", 300, 100, at_ms=30 * DAY_MS)]
    answer = told(store, [*spans, request("serverless", 100, at_ms=500)])
    assert table(answer, "verdicts")[0]["compared"] == "before and after"


def test_findings_have_evidence(store: Store) -> None:
    """Whatever is said rests on numbers, also what is worse within the margin and legacy after a cutover."""
    settings = config(BOTH + f"    cutover: '{T0_TEXT}'\n")
    slower = requests("serverless", 4000, 104, every_ms=10)
    answer = told(store, [*requests("legacy", 4000, 100, every_ms=10), *slower], settings)
    assert "within the margin, but worse" in texts(answer)
    assert "legacy requests after the cutover" in texts(answer)
    assert all(finding.evidence for finding in answer.findings)


def test_a_canary_of_a_quiet_hour(store: Store) -> None:
    """Next to days of legacy traffic an hour is not side by side, but held against that same hour."""
    old = [*requests("legacy", 4000, 400, every_ms=40_000, at_ms=DAY_MS), *requests("legacy", 200, 100, 900)]
    answer = told(store, [*old, *requests("serverless", 1000, 150, every_ms=180)])
    assert table(answer, "verdicts")[0]["compared"] == "before and after"
    assert "totals say better, the same hours with the same weight rather regressed" in texts(answer)
