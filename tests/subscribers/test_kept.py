"""The document of what a sink did not take."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscribers import kept as documents
from subscribers.kept import ITEMS_MAX, Kept, KeptError, decode, encode, named, written
from subscribers.sinks.channel import Item, Leftover, Refusal

AT = 1_795_000_000_123_456_789
JSON_LINES = st.lists(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
        max_leaves=5,
    ).map(lambda value: json.dumps(value, ensure_ascii=False).encode()),
    min_size=1,
    max_size=3,
).map(b"\n".join)
BODIES = JSON_LINES | st.binary(max_size=40) | st.sampled_from(
    [b"1],[2", b" {}", b"{}\r", b'{"a":1}{"b":2}', b"\xff", b'"\xff"', b"1e999", b"NaN", b"[" * 2_000]
)  # fmt: skip
NAMES = st.text(min_size=1, max_size=20)
TEXTS = st.text(max_size=20)
REFUSALS = st.builds(Refusal, TEXTS, st.integers(0, 599), TEXTS)
LEFTOVERS = st.builds(
    Leftover,
    st.builds(
        Item,
        event_id=TEXTS,
        body=BODIES,
        group=BODIES | st.just(b""),
        more=st.lists(TEXTS, max_size=3).map(tuple),
        whole=BODIES | st.just(b""),
    ),
    REFUSALS,
)
KEPT = st.builds(
    Kept,
    sink=NAMES,
    channel=NAMES,
    kind=st.sampled_from(["retry", "dead_letter"]),
    at_unix_nano=st.integers(0, 4_000_000_000_000_000_000),
    attempts=st.integers(1, 100),
    leftovers=st.lists(LEFTOVERS, max_size=4).map(tuple),
)


def leftover(body: bytes = b'{"a": 1}', reason: str = "bad_request", event_id: str = "e1") -> Leftover:
    return Leftover(Item(event_id, body), Refusal(reason, 400, "said"))


def dead(*leftovers: Leftover, sink: str = "logs", at_unix_nano: int = AT) -> Kept:
    return Kept(sink=sink, channel="bulk", kind="dead_letter", at_unix_nano=at_unix_nano, leftovers=leftovers)


def lines_of(kept: Kept) -> list[Any]:
    return [json.loads(line) for line in gzip.decompress(encode(kept)).splitlines()]


@given(KEPT)
def test_what_is_kept_comes_back(kept: Kept) -> None:
    """Byte for byte, whatever an item's body holds, and the document is JSON lines in any case."""
    assert decode(encode(kept)) == kept
    plain = gzip.decompress(encode(kept))
    assert len([json.loads(line) for line in plain.split(b"\n")[:-1]]) == 1 + len(kept.leftovers)


@given(KEPT)
def test_a_name_tells_what_is_in_it(kept: Kept) -> None:
    """Sink, channel, kind and number of items are read from the name, which no folder can be left by."""
    key, _ = written(kept)
    told = named(key)
    assert told is not None
    assert (told.kind, told.items) == (kept.kind, len(kept.leftovers))
    assert (told.sink, told.channel) == (kept.sink, kept.channel)
    assert not {"", ".", ".."} & set(key.split("/"))


@given(st.lists(LEFTOVERS, max_size=20))
def test_no_leftover_is_left_out(leftovers: list[Leftover]) -> None:
    """The documents of one call hold every leftover once, and one reason each."""
    made = list(documents.documents("s", "c", leftovers, kind="retry", at_unix_nano=AT))
    assert sorted(map(repr, (one for kept in made for one in kept.leftovers))) == sorted(map(repr, leftovers))
    assert all(len({one.refusal.reason for one in kept.leftovers}) == 1 for kept in made)


@given(st.binary(max_size=200) | st.binary(max_size=200).map(gzip.compress))
def test_what_is_no_document_is_told(data: bytes) -> None:
    """Any bytes are read, or refused with a reason; nothing else is raised."""
    with pytest.raises(KeptError):
        decode(data)


def test_bodies_are_shown_as_they_are() -> None:
    """A dead letter is for people: JSON inside stays JSON, and only what is none is base64."""
    header, bulk, odd = lines_of(
        dead(leftover(b'{"create": {}}\n{"message":"m"}'), leftover(b"\xff", event_id="e2"))
    )
    assert header == {
        "version": 1,
        "sink": "logs",
        "channel": "bulk",
        "kind": "dead_letter",
        "at": "2026-11-18T11:06:40.123456789Z",
        "items": 2,
        "attempts": 1,
        "reasons": {"bad_request": 2},
    }
    assert bulk == {
        "event_id": "e1",
        "reason": "bad_request",
        "status": 400,
        "detail": "said",
        "lines": [{"create": {}}, {"message": "m"}],
    }
    assert odd["body_base64"] == "/w=="


def test_a_pretty_printed_body_is_kept_exactly() -> None:
    """JSON over several lines cannot be a line of its own, and is not changed to be one."""
    kept = dead(leftover(b'{\n "a": 1\n}'))
    assert decode(encode(kept)) == kept


@pytest.mark.parametrize("depth", [399, 400, 401, 900])
def test_deep_json_is_read_from_a_deeper_stack(depth: int) -> None:
    """What was nested as deep as one Python reads is read by each; only what is deeper is not shown."""
    body = b"[" * depth + b'"[[["' + b"]" * depth

    def read(calls: int, data: bytes) -> Kept:
        return read(calls - 1, data) if calls else decode(data)

    kept = dead(leftover(body))
    assert read(200, encode(kept)) == kept
    assert ("lines" in lines_of(kept)[1]) == (depth <= 400)


def test_wide_json_is_shown() -> None:
    """However many brackets it has, in strings as well."""
    body = json.dumps({"rows": [[n] for n in range(1_000)], "text": "[" * 1_000 + '\\"['}).encode()
    assert lines_of(dead(leftover(body)))[1]["lines"] == [json.loads(body)]


def test_text_that_is_no_unicode_is_kept_readable() -> None:
    """Half of a surrogate pair, as some JSON readers return it, does not keep an item from being kept."""
    kept = dead(Leftover(Item("e1", b"{}"), Refusal("bad_request", 400, "a\ud800b")))
    (read,) = decode(encode(kept)).leftovers
    assert read.refusal.detail == "a?b"


def test_the_same_leftovers_are_one_object_a_day() -> None:
    """Whenever on a day they are stored; other leftovers, another sink or another kind is another object."""
    one = written(dead(leftover()))[0]
    assert written(dead(leftover(), at_unix_nano=AT + 1))[0] == one
    others = {
        written(dead(leftover(b'{"a":1}')))[0],
        written(dead(leftover(), sink="other"))[0],
        written(dead(leftover(), leftover()))[0],
        written(dead(leftover(reason="too_large")))[0],
        written(dead(leftover(), at_unix_nano=AT + 86_400_000_000_000))[0],
        written(msgspec.structs.replace(dead(leftover()), kind="retry"))[0],
    }
    assert len(others | {one}) == 7


@pytest.mark.parametrize("sink", [".", "..", "a/b", "../../etc", "é ü", "%2E", "a\nb"])
def test_names_of_sinks_leave_no_folder(sink: str) -> None:
    """Whatever a sink is called, its documents are below their folder, and are told to be its own."""
    key = written(dead(leftover(), sink=sink))[0]
    assert len(key.split("/")) == 6
    assert not {".", ".."} & set(key.split("/"))
    told = named(key)
    assert told is not None
    assert told.sink == sink


@pytest.mark.parametrize(
    "key",
    [
        "dead_letters/bad_gzip/00ff.json",
        "dead_letters/s/c/2026-11-21/r/x-1.ndjson.gz",
        "other/s/c/2026-11-21/r/" + "0" * 32 + "-1.ndjson.gz",
        "dead_letters/s/c/today/r/" + "0" * 32 + "-1.ndjson.gz",
        "",
        "redrive.lock",
    ],
)
def test_what_is_no_document_is_not_taken_for_one(key: str) -> None:
    """Whatever else is in the folder or bucket is left alone."""
    assert named(key) is None


def test_many_items_are_several_documents() -> None:
    """So that each can be delivered, and what remains be written back, at once."""
    many = [leftover(event_id=str(n)) for n in range(ITEMS_MAX + 1)]
    made = list(documents.documents("s", "c", many, kind="retry", at_unix_nano=AT))
    assert [len(kept.leftovers) for kept in made] == [ITEMS_MAX, 1]


def test_large_items_are_documents_of_their_own() -> None:
    """One item is never cut, however large it is."""
    large = leftover(json.dumps("x" * (documents.BYTES_MAX + 10)).encode())
    made = list(documents.documents("s", "c", [leftover(), large], kind="retry", at_unix_nano=AT))
    assert [len(kept.leftovers) for kept in made] == [1, 1]
    assert decode(encode(made[1])) == made[1]


def test_newer_documents_are_refused_and_further_keys_are_not() -> None:
    """A key that a later version adds is ignored; a version that means something else is told."""
    header, item = lines_of(dead(leftover()))

    def document(**more: Any) -> bytes:
        lines = [{**header, **more}, {**item, "later": [1]}]
        return gzip.compress("\n".join(map(json.dumps, lines)).encode())

    assert decode(document(later={"a": 1})) == dead(leftover())
    with pytest.raises(KeptError, match="newer_version: its format is 2"):
        decode(document(version=2, kind="another"))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda plain: b"", "bad_header"),
        (lambda plain: b"[]\n", "bad_header"),
        (lambda plain: plain.replace(b"2026-11-18", b"2026-99-18"), "bad_header"),
        (lambda plain: plain.split(b"\n")[0], "bad_item"),
        (lambda plain: plain + plain.split(b"\n")[1], "bad_item"),
        (lambda plain: plain[:-9], "bad_item"),
        (lambda plain: plain.replace(b'"lines":[', b'"body_base64":"?","_":['), "bad_item"),
    ],
)
def test_a_damaged_document_is_told(change: Any, reason: str) -> None:
    """Never read as fewer items than it held."""
    plain = gzip.decompress(encode(dead(leftover())))
    with pytest.raises(KeptError) as raised:
        decode(gzip.compress(change(plain)))
    assert raised.value.reason == reason


def test_a_cut_document_is_told() -> None:
    """A file that was not written to its end."""
    with pytest.raises(KeptError) as raised:
        decode(encode(dead(leftover()))[:-5])
    assert raised.value.reason == "bad_gzip"


def test_the_example_of_the_documentation_is_a_document() -> None:
    """Line by line what is written, so that others can read and write it, too."""
    text = (Path(__file__).parents[2] / "docs" / "redrive.md").read_text()
    example = next(block for block in text.split("```json\n") if block.startswith('{"version":1'))
    plain = example.partition("```")[0].encode()
    assert gzip.decompress(encode(decode(gzip.compress(plain)))) == plain


def test_the_example_of_the_documentation_is_one() -> None:
    """It can be read, and is written as it stands there."""
    page = (Path(__file__).parents[2] / "docs" / "redrive.md").read_text()
    example = page.partition('```json\n{"version"')[2].partition("```")[0]
    lines = ('{"version"' + example).encode()
    read = decode(gzip.compress(lines))
    assert gzip.decompress(encode(read)) == lines
    (leftover,) = read.leftovers
    action = json.loads(leftover.item.body.split(b"\n")[0])["create"]
    assert action == {"_index": "observe-json-2026-11-21", "_id": leftover.item.event_id}
