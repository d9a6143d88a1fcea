"""The fast lane tells what the general way tells, whatever the lines are."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from subscribers import lane
from subscribers.parsers import serverless
from subscribers.parsers.page import Page
from subscribers.sinks import bulk
from tests.subscribers.lane_pages import (
    IDS,
    MONITORING,
    SPAN,
    TEXTS,
    documents,
    invocation,
    ours,
    page,
    record,
    span,
    streams,
)


def both(given: Page) -> tuple[dict[str, Any], dict[str, Any], lane.Told]:
    """(what the lane and, for the rest, the general way tell; what that tells alone; what the lane told)."""
    told = lane.tell(given)
    text = "".join(told.pieces) + bulk.body(told.signals).decode()
    for begin, end in told.rest:
        text += bulk.body(serverless.parse(given.part(begin, end)).signals).decode()
    alone = bulk.body(serverless.parse(given).signals).decode()
    return documents(text), documents(alone), told


def test_the_usual_lines_are_all_told_here() -> None:
    """Nothing of a usual page is left to the general way, and the documents are the same."""
    first = invocation(IDS[0], ours(IDS[0], claim="CLM-889123", n=1), "a print\n", MONITORING)
    second = invocation(IDS[1], "[debug] an older print\n", report="Init Duration: 190.62 ms\t")
    mine, alone, told = both(page(*first, *second))
    assert mine == alone
    assert (told.events, told.documents, told.rest) == (10, 12, [])


def test_an_unusual_invocation_goes_the_general_way_alone() -> None:
    """An error, a line of another service, an X-Ray report: that invocation's lines, and no others."""
    usual = invocation(IDS[0], ours(IDS[0]))
    for line in (
        "[ERROR] ValueError: no\rTraceback (most recent call last):\r",
        ours(IDS[1], service="other"),
        ours(IDS[1], error={"type": "E", "message": "m"}),
        ours(IDS[1], message='{"a": 1}'),
        ours(IDS[1], **{"http.route": "/claims"}),
        ours(IDS[1], level="WARNING"),
        "MONITORING|1795231810|CLM-1|set|claims|#a:b\n",
        "MONITORING|1795231810|1|count|aws.lambda.errors|#a:b\n",
        "claims:1|c\n",
        "\n",
    ):
        mine, alone, told = both(page(*usual, *invocation(IDS[1], line), *usual))
        assert mine == alone, line
        assert told.rest == [(4, 8)], line


def test_lines_of_every_runtime_are_told_alike() -> None:
    """Each of them alone, behind a print, and all of them in order."""
    for one in TEXTS:
        mine, alone, _ = both(page(*invocation(IDS[0], "a print\n", one), *invocation(IDS[1], one)))
        assert mine == alone, one
    mine, alone, _ = both(page(*invocation(IDS[0], *TEXTS), *invocation(IDS[1], "a print\n")))
    assert mine == alone


def test_mixed_invocations_go_the_general_way_whole() -> None:
    """An environment that serves several at once: whose a line is, only all of them tell."""
    a, b = invocation(IDS[0], ours(IDS[0])), invocation(IDS[1], ours(IDS[1]))
    mine, alone, told = both(page(a[0], b[0], a[1], b[1], *a[2:], *b[2:]))
    assert mine == alone
    assert told.rest == [(0, 8)]


@given(streams())
def test_any_page_is_told_alike(lines: list[str]) -> None:
    """A law: the lane and the general way give the same documents."""
    mine, alone, told = both(page(*lines))
    assert mine == alone
    assert told.events + sum(end - begin for begin, end in told.rest) == len(lines)


ENV = {"env": "prod", "version": "1.2"}
XRAY = "\nXRAY TraceId: 1-5759e988-bd862e3fe1be46a994272793\tSegmentId: 53995c3f42cd8ad8\tSampled: true\t"


def own(request_id: str, *, who: dict[str, Any] | None = None, **fields: Any) -> str:
    """A log line whose service says more of itself."""
    line = json.loads(ours(request_id, **fields))
    head = {name: line.pop(name) for name in ("timestamp", "level", "message", "requestId", "service")}
    return json.dumps({**head, **(ENV if who is None else who), **line}, separators=(",", ":")) + "\n"


def test_lines_of_a_service_with_an_environment_are_told_here() -> None:
    """`env` and `version` stand between the service and the correlation ID, either or both."""
    lines = [own(IDS[0], who=who, n=1) for who in (ENV, {"env": "test"}, {"version": "2"}, {})]
    mine, alone, told = both(page(*invocation(IDS[0], *lines, own(IDS[0]))))
    assert mine == alone
    assert told.rest == []


def test_a_report_with_a_trace_of_x_ray_is_told_here() -> None:
    """Its identity counts where no line tells another."""
    for lines in ([], [ours(IDS[0])]):
        mine, alone, told = both(page(*invocation(IDS[0], *lines, report=XRAY)))
        assert mine == alone
        assert told.rest == []
    zero = XRAY.replace("53995c3f42cd8ad8", "0" * 16)
    mine, alone, _ = both(page(*invocation(IDS[0], report=zero)))
    assert mine == alone


def test_lines_without_an_invocation_around_them_are_told_here() -> None:
    """Pages of nothing but the layer's lines, and those before a first START of another request."""
    lines = [ours(request_id, n=n) for n, request_id in enumerate([*IDS, *IDS])]
    for more in (
        [],
        invocation("8f5e1a1c-bd5f-4a0b-8c1d-a3f19e6b2c7e", ours("8f5e1a1c-bd5f-4a0b-8c1d-a3f19e6b2c7e")),
    ):
        mine, alone, told = both(page(*lines, *more))
        assert mine == alone
        assert told.rest == []
    mine, alone, told = both(page(*lines, *invocation(IDS[0], ours(IDS[0]))))
    assert mine == alone
    assert told.rest == [(0, 8)]


def test_lines_of_one_millisecond_have_the_reports_duration() -> None:
    """As the lines of a file have; also where it began on the day before."""
    given = page(*invocation(IDS[0], "hello\n"), *invocation(IDS[1]))
    for at in (given.events[0].timestamp_ms, 1_795_219_200_000, 3):
        events = tuple(msgspec.structs.replace(event, timestamp_ms=at) for event in given.events)
        one = msgspec.structs.replace(given, events=events)
        told = lane.tell(one)
        assert told.events == len(events)
        assert documents("".join(told.pieces)) == documents(bulk.body(serverless.parse(one).signals).decode())


def test_span_lines_are_told_here() -> None:
    """The layer's own span decides what the lines are part of; without one the platform tells it."""
    one = span(parent="00f067aa0ba902b8", kind=2)
    for lines in (
        [one],
        [ours(IDS[0]), one, "a print\n"],
        [span(kind=3, parent="00f067aa0ba902b8"), "a print\n"],
        [span(kind=3, parent=SPAN, name="x"), ours(IDS[0], span_id="00f067aa0ba902b9"), one],
        [one, span(span_id="00f067aa0ba902b7", kind=3, parent=SPAN)],
    ):
        for report in ("", XRAY):
            mine, alone, told = both(page(*invocation(IDS[0], *lines, MONITORING, report=report)))
            assert mine == alone, lines
            assert told.rest == [], lines
    for line in (span(request_id=IDS[1]), one.replace("startTimeUnixNano", "x"), '{"resourceSpans":[]}\n'):
        mine, alone, told = both(page(*invocation(IDS[0], "a print\n", line)))
        assert mine == alone, line
        assert told.rest, line


METRICS = {"durationMs": 12.3, "billedDurationMs": 13, "memorySizeMB": 128, "maxMemoryUsedMB": 36}


def test_pages_of_lambda_s_json_format_are_told_here() -> None:
    """Requests one by one, again, mixed, failed, without a line, cut at either end."""
    a, b = IDS
    begin, end = record("start", a, version="7"), record("report", a, status="success", metrics=METRICS)
    failed = record("report", b, status="timeout", metrics={**METRICS, "initDurationMs": 1.5})
    for lines in (
        [begin, ours(a, n=1), ours(a, n=2), record("runtimeDone", a, status="success"), end],
        [begin, ours(a), end, begin, ours(a, trace_id="a" * 32, span_id="b" * 16), ours(a), end],
        [begin, record("start", b), ours(b), ours(a), ours(b), end, failed, ours(a)],
        [ours(a), end, failed, begin],
        [begin, end],
        [end, begin, ours(b, n=1), ours(a), ours(b), ours(a), failed],
    ):
        mine, alone, told = both(page(*lines))
        assert mine == alone, lines
        assert told.rest == [], lines
    for other in (
        record("initStart", a),
        '{"a":1}\n',
        record("report", a).replace('"record":', '"record": '),
    ):
        mine, alone, told = both(page(begin, ours(a), other, end))
        assert mine == alone, other
        assert told.rest == [(0, 4)], other


@given(
    st.lists(
        st.one_of(
            st.builds(ours, st.sampled_from(IDS), span_id=st.sampled_from([SPAN, "b" * 16])),
            st.builds(
                record, st.sampled_from(["start", "report", "runtimeDone", "initStart"]), st.sampled_from(IDS)
            ),
            st.builds(lambda a: record("report", a, status="error", metrics=METRICS), st.sampled_from(IDS)),
            st.sampled_from(["a print\n", '{"a":1}\n']),
        ),
        max_size=10,
    )
)
def test_any_page_of_records_is_told_alike(lines: list[str]) -> None:
    """A law, as below."""
    mine, alone, _ = both(page(*lines))
    assert mine == alone


def test_a_line_cannot_hide_in_its_neighbour() -> None:
    """Fields are decoded together; what is cut in two, doubled or glued stays the line's own."""
    line = ours(IDS[0], a=[{"b": 1}, {"c": 2}]).rstrip("\n")
    at, bare = line.index(',{"c"'), ours(IDS[0])
    for lines in (
        [line[:at] + "\n", line[at:] + "\n"],
        [line[: at + 1], line[at + 1 :], line],
        [line, line + "\n" + line + "\n", line + "\n"],
        [line[:-1] + "\n", line + "}\n", f"{line}\n"],
        [line + "\r\n", line + " \n", line + "{}\n", line + "\n"],
        [line.replace('"a"', '"claim"').replace("1}", "1},1") + "\n"] * 2,
        *(
            [bare, bare.replace("}\n", more)]
            for more in ('{"a":1}\n', ",}\n", ", }\n", '}{"a":1}\n', '"a":1}\n')
        ),
        *(
            [bare, bare.replace("}\n", more)]
            for more in (',{"a":1}\n', ', "a":1}\n', " }\n", "\n", "}", '0,"a":1}\n')
        ),
    ):
        mine, alone, _ = both(page(*invocation(IDS[0], *lines)))
        assert mine == alone, lines
        mine, alone, _ = both(page(*lines))
        assert mine == alone, lines


def test_texts_that_utf_8_cannot_hold() -> None:
    """Half a surrogate pair is a question mark in either way."""
    for line in ("a \ud800 print\n", ours(IDS[0], claim="\udfff"), ours(IDS[0], message="\udfff")):
        mine, alone, _ = both(page(*invocation(IDS[0], line)))
        assert mine == alone, line


def test_fields_of_any_depth() -> None:
    """What is nested too deeply is no line of the layer in either way."""
    for depth in (10, 500, *range(960, 1010, 7), 5000):
        line = ours(IDS[0], a=0).replace('"a":0', f'"a":{"[" * depth}{"]" * depth}')
        mine, alone, _ = both(page(*invocation(IDS[0], line, ours(IDS[0], b=1))))
        assert mine.keys() == alone.keys(), depth
