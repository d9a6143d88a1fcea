"""Which key a signal has, and that a value at one end meets a mark at the other."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from observe.ids import key_mark
from subscribers.alerts.flows import Mark, Marker
from subscribers.alerts.flows_keys import Key, KeyReader
from subscribers.alerts.model import Flow, FlowPoint, Selector
from subscribers.alerts.samples import Samples
from subscribers.alerts.selectors import Endpoints, matcher
from subscribers.config import Config
from tests.subscribers.alerts.test_values import log, metric, span

SECRET = "a secret"
KEYS = {"claim": r"\bCLM-[0-9]{6}\b"}
MARK = key_mark("claim", "CLM-889001", SECRET)


def reader(
    key: str = "claim", *, matches: str = "", keys: dict[str, str] = KEYS, other: str = ""
) -> KeyReader:
    """A reader of the start of a flow; other: the key at its end."""
    start = FlowPoint(name="start", selector=Selector(signal="log", matches=matches), key=key)
    flow = Flow(name="f", start=start, ends=(replace(start, key=other or key),), within_s=60)
    return KeyReader(flow, start, keys, SECRET)


def test_a_value_and_its_mark_are_the_same_key() -> None:
    """Whether it is an attribute, a field of a record, a part of the expression, or only marked."""
    marked = log("accepted CLM-889001", keys=(MARK,))
    record = log("D CLM-889001", attributes={"fixed_width.claim": " CLM-889001 "})
    wanted = [Key(MARK, "CLM-889001")]
    assert reader().keys(marked) == wanted
    assert reader().keys(record) == wanted
    assert reader("fixed_width.claim").keys(record) == wanted
    assert reader().keys(log(attributes={"claim": "claim CLM-889001 of today"})) == wanted
    assert reader(matches="accepted (?P<claim>[A-Z0-9-]+)").keys(log("accepted CLM-889001")) == wanted
    assert reader("number", other="claim").keys(log(attributes={"number": "CLM-889001"})) == wanted
    assert reader().keys(span(attributes={"claim": "CLM-889001"})) == wanted
    assert reader().keys(metric(tags={"claim": "CLM-889001"})) == wanted


def test_a_mark_whose_value_no_line_tells_is_shown_as_it_is() -> None:
    """The layer's own line of a key has the mark alone."""
    assert reader().keys(log("observe.key", keys=(MARK,))) == [Key(MARK, MARK)]


def test_another_secret_makes_another_mark() -> None:
    """What was marked elsewhere is still found by its mark, and never taken for a value."""
    other = key_mark("claim", "CLM-889001", "another")
    assert reader().keys(log("accepted CLM-889001", keys=(other,))) == [Key(other, other)]


def test_a_key_that_is_no_business_key_is_its_text() -> None:
    """Without blanks around it; numbers as people write them; the case matters."""
    plain = reader("order", keys={})
    assert plain.keys(log(attributes={"order": " A-1\n"})) == [Key("A-1", "A-1")]
    assert plain.keys(log(attributes={"order": 17.0})) == plain.keys(log(attributes={"order": "17"}))
    assert plain.keys(log(attributes={"order": "a-1"})) != plain.keys(log(attributes={"order": "A-1"}))
    assert plain.keys(log(attributes={"order": " "})) == []
    assert plain.keys(log()) == []


def test_a_line_may_name_several() -> None:
    """Each is a start or an end of its own, and named twice it is one."""
    found = reader(matches="(?P<claim>CLM-[0-9]{6})").keys(log("sent CLM-000001, CLM-000002, CLM-000001"))
    assert [key.shown for key in found] == ["CLM-000001", "CLM-000002"]
    marks = tuple(key_mark("claim", f"CLM-{n:06d}", SECRET) for n in (1, 2))
    assert [key.identity for key in reader().keys(log("sent two", keys=marks))] == list(marks)


def test_the_group_that_is_called_like_the_key_is_the_key() -> None:
    """Others of the expression are something else; its name is the last part of the key's."""
    expression = "(policy (?P<policy>[0-9]+)): order (?P<order>[0-9]+)"
    assert reader("order", keys={}, matches=expression).keys(log("policy 7: order 12")) == [Key("12", "12")]
    assert reader("shop.order", keys={}, matches=expression).keys(log("policy 7: order 12")) == [
        Key("12", "12")
    ]


def test_a_long_key_is_shown_cut_and_compared_whole() -> None:
    """Two that differ at the end are two."""
    one, two = (reader("order", keys={}).keys(log(attributes={"order": "x" * 300 + end})) for end in "ab")
    assert one[0].identity != two[0].identity
    assert one[0].shown == two[0].shown == "x" * 200


def test_half_a_surrogate_pair_is_no_reason_to_fail() -> None:
    """RE2 and UTF-8 take none; a signal may have one all the same."""
    half = log(
        "accepted \ud800 CLM-889001", attributes={"claim": "CLM-889001 \ud800"}, correlation_id="\ud800"
    )
    assert reader().keys(half) == [Key(MARK, "CLM-889001")]
    assert reader(matches="(?P<claim>CLM-[0-9]+)").keys(half) == [Key(MARK, "CLM-889001")]
    point = FlowPoint(name="start", selector=Selector(signal="log", matches="CLM"), key="claim")
    flow = Flow(name="f", start=point, ends=(point,), within_s=60)
    entry = Marker(Config(keys=KEYS), SECRET).mark(flow, -1, half, Samples().of(half))
    assert entry is not None
    assert msgspec.msgpack.decode(entry.body, type=Mark).sample.correlation_id == "?"
    assert matcher(point.selector, Endpoints())(half)
