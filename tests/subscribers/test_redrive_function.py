"""The scheduled function that redrives."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from subscribers.dead_letter import FolderKeeper
from subscribers.dead_letter_storage import StorageError
from subscribers.redrive import Request, filters_of, handler, request_of
from subscribers.redrive_plan import RedriveError
from subscribers.sinks.channel import Leftover, Refusal
from subscribers.sinks.elasticsearch import make_elasticsearch
from tests.backends.elastic import Elastic
from tests.subscribers.redriving import kept_in
from tests.subscribers.samples import log

#: What a rule of EventBridge sends without an input of its own.
SCHEDULED = {
    "version": "0",
    "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa",
    "detail-type": "Scheduled Event",
    "source": "aws.events",
    "account": "123456789012",
    "time": "2026-11-21T03:30:00Z",
    "region": "eu-west-1",
    "resources": ["arn:aws:events:eu-west-1:123456789012:rule/nightly"],
    "detail": {},
}


class Context:
    """The invocation's, with so many milliseconds left."""

    def __init__(self, left_ms: int = 60_000) -> None:
        self.left_ms = left_ms

    def get_remaining_time_in_millis(self) -> int:
        return self.left_ms


@pytest.fixture
def elastic() -> Iterator[Elastic]:
    with Elastic() as backend:
        yield backend


@pytest.fixture
def keeper(tmp_path: Path, elastic: Elastic, monkeypatch: pytest.MonkeyPatch) -> FolderKeeper:
    """Two dead letters of a sink that is well again, and the function's settings."""
    settings = {"type": "elasticsearch", "url": elastic.url}
    (tmp_path / "observe.yaml").write_text(json.dumps({"version": 1, "sinks": {"logs": settings}}))
    monkeypatch.setenv("OBSERVE_CONFIG", str(tmp_path / "observe.yaml"))
    monkeypatch.setenv("OBSERVE_DEAD_LETTERS", str(tmp_path / "dead"))
    monkeypatch.delenv("OBSERVE_REDRIVE", raising=False)
    (channel,) = make_elasticsearch("logs", settings)
    made = FolderKeeper(tmp_path / "dead")
    for reason in ("throttled", "bad_request"):
        items = channel.items([log(reason)])
        made.bury("logs", channel.name, [Leftover(item, Refusal(reason)) for item in items])
    return made


def test_it_redrives_on_a_schedule(
    keeper: FolderKeeper, elastic: Elastic, capsys: pytest.CaptureFixture[str]
) -> None:
    """All that there is; and it says what became of it, in its reply and as one line."""
    told = handler(SCHEDULED, Context())
    assert (told["plan"]["items"], told["redriven"]["delivered"]) == (2, 2)
    assert set(elastic.documents()) == {"log-throttled", "log-bad_request"}
    assert not kept_in(keeper.storage)
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line) == {"level": "INFO", "message": "redriven", **told}


@pytest.mark.parametrize("is_event", [True, False])
def test_it_takes_what_it_is_asked_for(
    keeper: FolderKeeper, elastic: Elastic, monkeypatch: pytest.MonkeyPatch, is_event: bool
) -> None:
    """By its event, or by the environment where the event says nothing."""
    asked = {"sinks": ["logs"], "reasons": ["throttled"], "max_age_s": 3600, "rate": 100}
    if is_event:
        monkeypatch.setenv("OBSERVE_REDRIVE", '{"sinks": ["none"]}')
    else:
        monkeypatch.setenv("OBSERVE_REDRIVE", json.dumps(asked))
    told = handler(asked if is_event else SCHEDULED, Context())
    assert told["redriven"]["delivered"] == 1
    assert kept_in(keeper.storage) == {"log-bad_request": 1}


def test_it_can_plan(keeper: FolderKeeper, elastic: Elastic) -> None:
    """Nothing is delivered."""
    told = handler({"plan": True}, Context())
    assert list(told) == ["plan"]
    assert told["plan"]["items"] == 2
    assert elastic.documents() == {}


def test_it_ends_before_its_time(keeper: FolderKeeper, elastic: Elastic) -> None:
    """Nothing is begun that could not be written down."""
    told = handler({}, Context(left_ms=9_000))
    assert (told["redriven"]["ended"], told["redriven"]["delivered"]) == ("deadline", 0)
    assert sum(kept_in(keeper.storage).values()) == 2


def test_what_it_needs_is_told(keeper: FolderKeeper, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A source that is none, and none at all; another redrive at work fails, so that it is seen."""
    with pytest.raises(StorageError, match="is neither a folder nor"):
        handler({"source": "gs://x"}, Context())
    with keeper.storage.lease(), pytest.raises(StorageError, match="another redrive"):
        handler({}, Context())
    monkeypatch.delenv("OBSERVE_DEAD_LETTERS")
    with pytest.raises(RedriveError, match="OBSERVE_DEAD_LETTERS is not set"):
        handler(SCHEDULED, Context())


def test_a_sink_that_is_none_is_a_mistake(keeper: FolderKeeper) -> None:
    """Neither in the source nor in observe.yaml: a schedule with it would never do anything."""
    with pytest.raises(RedriveError, match=r"there is no sink 'log' in .* or observe.yaml; there is 'logs'"):
        handler({"sinks": ["logs", "log"]}, Context())
    assert sum(kept_in(keeper.storage).values()) == 2


@pytest.mark.parametrize(
    ("event", "default"),
    [
        ({"sink": "logs"}, ""),
        ({"sinks": "logs"}, ""),
        ({"limit": "5"}, ""),
        ({"limit": -1}, ""),
        ({"rate": -0.5}, ""),
        ({"rate": math.nan}, ""),
        ({"rate": math.inf}, ""),
        ({"max_age_s": math.inf}, ""),
        ({}, "not JSON"),
        ({}, '{"reason": ["x"]}'),
        (None, "[]"),
    ],
)
def test_mistakes_do_nothing(event: Any, default: str) -> None:
    """An unknown key would mean that everything is redriven: it is refused, with its name or its place."""
    with pytest.raises(RedriveError, match=r"^(the event|OBSERVE_REDRIVE): "):
        request_of(event, default)


def test_ages_are_from_now() -> None:
    """min_age_s leaves the youngest to their retries, max_age_s the oldest to people."""
    filters = filters_of(Request(min_age_s=60, max_age_s=3_600), 10_000.0)
    assert (filters.since_s, filters.until_s) == (6_400.0, 9_940.0)
    assert filters_of(Request(), 10_000.0).since_s is None
