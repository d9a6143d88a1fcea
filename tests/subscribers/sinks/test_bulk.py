"""Bodies of requests as they are sent."""

from __future__ import annotations

import gzip
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from subscribers import envelope
from subscribers.parsers import platform
from subscribers.signals import Signal
from subscribers.sinks import bulk
from tests.subscribers.samples import log, metric, span


@given(st.binary(max_size=2000), st.integers(1, 50))
def test_a_compressed_body_comes_back(data: bytes, times: int) -> None:
    """A law, with anybody's reader and with ours; the same bytes give the same bytes."""
    lines = data * times
    sent = envelope.gzipped(lines)
    assert gzip.decompress(sent) == envelope.gunzip(sent) == lines
    assert envelope.gzipped(lines) == sent


def test_names_of_indices() -> None:
    """A dataset of any text is a name that the backend takes; the date is the event's own."""
    body = bulk.body([log("e", dataset="My App/1", time_unix_nano=86_400_000_000_000 - 1)])
    assert body.startswith(b'{"create":{"_index":"observe-my_app_1-1970-01-01","_id":"log-e"}}\n{')


LINE = log("p", dataset=platform.DATASET)
MEASURED = replace(metric("m"), event_id="log-p:1")
signals = st.lists(st.sampled_from([LINE, MEASURED, log("a"), metric("b"), span("c")]), max_size=8)
kinds: Any = st.lists(st.sampled_from(bulk.KINDS), max_size=3)


@given(signals)
def test_a_body_is_its_items(given: list[Signal]) -> None:
    """A law: the same lines, whichever way they are made."""
    assert bulk.body(given) == b"".join(item.body + b"\n" for item in bulk.items(given))


@given(signals, kinds)
def test_a_signal_is_an_item_of_its_own_or_of_its_line(given: list[Signal], wanted: list[Any]) -> None:
    """A law: of wanted kinds nothing is left out but what the document of a platform line has."""
    found = {item.event_id for item in bulk.items(given, kinds=wanted)}
    kind_of = {"Log": "logs", "Metric": "metrics", "Span": "spans"}
    expected = {one.event_id for one in given if kind_of[type(one).__name__] in wanted}
    assert found <= expected
    assert expected - found <= {MEASURED.event_id}
    if "logs" not in wanted or LINE not in given:
        assert expected == found


def test_names_of_data_streams() -> None:
    """Their parts have no `-`; a dataset is never so long that the name is none."""
    names = bulk.Names("my-app", is_stream=True, namespace="eu")
    (item,) = bulk.items([log("a", dataset="É-" * 200)], names)
    index = json.loads(item.body.split(b"\n")[0])["create"]["_index"]
    assert index == f"logs-my_app.{'_' * 60}-eu"


def deep(levels: int) -> dict[str, Any]:
    """A tree that is deeper than any writer goes."""
    tree: dict[str, Any] = {}
    for _ in range(levels):
        tree = {"a": tree}
    return tree


def test_what_json_cannot_hold_is_mended() -> None:
    """Half characters and trees without an end cost nothing but themselves, and the document says so."""
    broken = [log("a", message="\ud800"), log("b", attributes={"x": deep(5000)}), log("c")]
    lines = [json.loads(item.body.split(b"\n")[1]) for item in bulk.items(broken)]
    assert [line.get("observe.mended", False) for line in lines] == [True, True, False]
    assert lines[0]["message"] == "?"
    assert lines[2]["message"] == "line c"
