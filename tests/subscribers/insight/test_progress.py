"""How far the migration is, out of a store."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec
import pytest

from subscribers.config import EMPTY, Config
from subscribers.insight import ask
from subscribers.insight.answer import Answer, Question
from subscribers.insight.progress import progress
from subscribers.signals import Span
from subscribers.store import Store
from tests.subscribers.insight.test_parity import table, texts
from tests.subscribers.insight.traffic import BOTH, DAY_MS, T0_TEXT, config, requests
from tests.subscribers.samples import MS, T0, log

SPLIT = BOTH + "    split: 75\n"
FOUR = (
    SPLIT
    + "  status:\n    route: GET /claims/{id}\n    legacy: {service: old}\n"
    + "  policy:\n    route: GET /policies\n    serverless: {service: new}\n"
    + "  ready:\n    route: GET /ready\n    legacy: {service: old}\n    serverless: {service: new}\n"
    + "    split: 0\n"
)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty store."""
    return Store(tmp_path / "store")


def told(store: Store, spans: Iterable[Span] = (), settings: Config | None = None, **asked: object) -> Answer:
    """The answer of a store with some requests."""
    store.append(spans)
    question = msgspec.structs.replace(Question(config=settings or config(SPLIT)), **asked)
    return ask("progress", store.query, question)


def test_stages(store: Store) -> None:
    """Endpoints count by observe.yaml and by traffic, and requests by who serves their endpoint."""
    answer = told(
        store,
        [
            *requests("legacy", 10),
            *requests("serverless", 30),
            *requests("legacy", 40, route="GET /claims/{id}"),
            *requests("serverless", 20, route="GET /policies"),
        ],
        config(FOUR),
    )
    assert answer.findings[0].text == (
        "1 of 4 endpoints is serverless only, 1 served by both sides; 50.0% of their traffic is serverless"
    )
    rows = table(answer, "stages")
    assert [(r["stage"], r["configured"], r["seen"], r["requests"], r["requests_share"]) for r in rows] == [
        ("legacy only", 2, 1, 40, 40.0),
        ("both sides", 1, 1, 40, 40.0),
        ("serverless only", 1, 1, 20, 20.0),
        ("neither side", 0, 1, 0, 0.0),
    ]
    remains = {row["endpoint"]: row["remains"] for row in table(answer, "remains")}
    assert remains == {
        "status": "no serverless implementation is named",
        "submit": "legacy still serves 25.0% of 40 requests",
        "ready": "no traffic was seen",
    }


def test_a_split_that_traffic_contradicts(store: Store) -> None:
    """75% are said and 40% seen: a finding with its numbers; and a table row with both."""
    answer = told(store, [*requests("legacy", 60), *requests("serverless", 40)])
    assert (
        "warning: submit: the split says 75%, but 40.0% of the traffic was serverless (40 of 100 requests)"
        in texts(answer)
    )
    (row,) = table(answer, "endpoints")
    assert (row["split"], row["share"], row["seen"]) == (75.0, 40.0, "both sides")


@pytest.mark.parametrize(
    ("split", "legacy", "serverless", "is_told"),
    [
        (75, 25, 75, False),
        (75, 3, 5, False),  # chance
        (75, 2800, 7200, False),  # beyond chance, but within 5 points
        (75, 3500, 6500, True),
        (100, 1, 500, True),
        (100, 0, 5, False),
        (0, 500, 1, True),
        (0, 5, 0, False),
        (50, 0, 40, True),
    ],
)
def test_when_a_split_is_contradicted(
    store: Store, split: int, legacy: int, serverless: int, is_told: bool
) -> None:
    """By more than chance and more than 5 points; 0 and 100 by a single request."""
    store.append(
        [
            *requests("legacy", legacy, every_ms=1, route="POST /claims"),
            *requests("serverless", serverless, every_ms=1),
        ]
    )
    (found,) = progress(store.query, Question(config=config(BOTH + f"    split: {split}\n")))
    assert found.is_contradicted == is_told


def test_splits_count_since_the_cutover(store: Store) -> None:
    """Legacy traffic from before the cutover does not contradict the split."""
    settings = config(SPLIT + f"    cutover: '{T0_TEXT}'\n")
    before = requests("legacy", 300, at_ms=-400_000)
    answer = told(store, [*before, *requests("legacy", 25), *requests("serverless", 75)], settings)
    assert "split says" not in texts(answer)
    assert any("since the cutover" in note for note in answer.notes)
    assert table(answer, "endpoints")[0]["share"] == 18.75


def test_legacy_after_a_cutover_without_a_split(store: Store) -> None:
    """Without a split a cutover moves everything; what legacy served since is told."""
    settings = config(BOTH + f"    cutover: '{T0_TEXT}'\n")
    answer = told(store, [*requests("legacy", 5, at_ms=1), *requests("serverless", 5)], settings)
    assert f"submit: the cutover was at {T0_TEXT}, but legacy still served 5 requests since" in texts(answer)


def test_the_old_one_may_go(store: Store) -> None:
    """An endpoint without legacy traffic any more: its old implementation may be removed."""
    store.append([log("old", service="old")])
    answer = told(store, requests("serverless", 50), config(BOTH))
    assert "submit: observe.yaml names both sides, but only serverless had traffic (50 requests)" in texts(
        answer
    )
    assert table(answer, "remains")[0]["remains"] == (
        "no legacy traffic any more: the old implementation may be removed"
    )


def test_share_over_time(store: Store) -> None:
    """Days over a long time, hours and minutes over a short one; the first column is the time, then lines."""
    days = [
        span
        for day in range(5)
        for side, number in (("legacy", 4 - day), ("serverless", day))
        for span in requests(side, number, at_ms=day * DAY_MS)  # type: ignore[arg-type]
    ]
    answer = told(store, days)
    (lines,) = (one for one in answer.tables if one.drawn == "lines")
    assert [column.name for column in lines.columns] == ["time", "all", "submit"]
    assert lines.rows[0] == ("2023-11-14", 0.0, 0.0)
    assert [row[1] for row in lines.rows] == [0.0, 25.0, 50.0, 75.0, 100.0]
    short = told(store, last_unix_nano=T0 + 90_000 * MS)
    assert table(short, "share_over_time")[0]["time"] == "2023-11-14T22:13Z"
    hours = told(store, first_unix_nano=T0 + round(DAY_MS * MS), last_unix_nano=T0 + round(2.5 * DAY_MS * MS))
    assert [row["time"] for row in table(hours, "share_over_time")] == [
        "2023-11-15T22:00Z",
        "2023-11-16T22:00Z",
    ]
    last = told(store, most=2)
    (lines,) = (one for one in last.tables if one.drawn == "lines")
    assert ([row[0] for row in lines.rows], lines.more) == (["2023-11-17", "2023-11-18"], 3)


def test_routes_of_no_endpoint(store: Store) -> None:
    """What no endpoint names is told, and is not part of the shares."""
    answer = told(
        store, [*requests("legacy", 25), *requests("serverless", 75), *requests("legacy", 9, route="GET /x")]
    )
    assert "9 requests had routes that no endpoint of observe.yaml names: GET /x (legacy, old)" in texts(
        answer
    )
    assert "75.0% of their traffic is serverless" in answer.findings[0].text


@pytest.mark.parametrize("settings", [EMPTY, config(SPLIT)])
def test_an_empty_store(store: Store, settings: Config) -> None:
    """Nothing stored, or nothing configured, is an answer, too."""
    answer = told(store, settings=settings)
    assert all(one.rows or one.empty for one in answer.tables)
    assert progress(store.query, Question(config=EMPTY)) == []


def test_unknown_names_are_told(store: Store) -> None:
    """An endpoint that observe.yaml does not have is no empty answer without a word."""
    answer = told(store, endpoints=("nope",), by="tenant")
    assert "warning: nope is no endpoint of observe.yaml; it has submit" in texts(answer)
    assert "Progress is not split by tenant." in answer.notes


def test_the_old_one_may_not_go_unseen(store: Store) -> None:
    """Nothing of the old service was read in the asked time: nobody knows whether it still serves."""
    store.append([log("old", -90_000, service="old")])
    settings = config(BOTH + "    split: 100\n")
    answer = told(store, requests("serverless", 50), settings, first_unix_nano=T0)
    (row,) = table(answer, "remains")
    assert row["remains"] == "nothing of old was read: whether it still serves is not known"


def test_the_old_one_may_not_go_before_all_is_moved(store: Store) -> None:
    """A split of less than 100% still sends it requests."""
    store.append([log("old", service="old")])
    (row,) = table(told(store, requests("serverless", 50)), "remains")
    assert row["remains"] == "no legacy traffic was seen, but the split is 75%"


def test_without_a_cutover_nothing_is_since_one(store: Store) -> None:
    """A side without traffic, or an endpoint without a cutover, is not compared since any."""
    answer = told(store, requests("serverless", 100))
    assert "the split says 75%, but 100.0% of the traffic was serverless" in texts(answer)
    assert not any("cutover" in note for note in answer.notes)


def test_findings_have_evidence(store: Store) -> None:
    """Each contradiction rests on numbers."""
    both = config(BOTH + f"    cutover: '{T0_TEXT}'\n")
    for settings, spans in (
        (config(SPLIT), requests("legacy", 9)),
        (both, requests("legacy", 9)),
        (config(BOTH), requests("legacy", 9)),
    ):
        answer = told(store, spans, settings, endpoints=("submit", "nope"))
        assert len(answer.findings) >= 3
        assert all(finding.evidence for finding in answer.findings)
