"""Pages of functions' lines, usual ones and any others."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from subscribers.envelope import LogEvent
from subscribers.parsers.identity import event_ids
from subscribers.parsers.page import Page
from subscribers.signals import Origin

ORIGIN = Origin(
    "123456789012", "eu-west-1", "/aws/lambda/submit", "2026/11/21/[$LATEST]0f", "submit", "serverless"
)
IDS = ["8f5e1a1c-bd5f-4a0b-8c1d-a3f19e6b2c7d", "00000000-0000-4000-8000-000000000001"]
TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
AT = 1_795_231_810_123


def page(*lines: str) -> Page:
    """A page with these lines, 7 ms apart."""
    events = tuple(LogEvent(timestamp_ms=AT + 7 * n, message=text) for n, text in enumerate(lines))
    found = event_ids(ORIGIN.account, ORIGIN.log_group, ORIGIN.log_stream, events)
    return Page(origin=ORIGIN, events=events, event_ids=found, now_unix_nano=AT * 1_000_000)


def documents(text: str) -> dict[str, Any]:
    """Action and document by the document's ID."""
    lines = text.split("\n")
    assert lines.pop() == ""
    actions = [json.loads(line) for line in lines[::2]]
    assert len({action["create"]["_id"] for action in actions}) == len(actions)
    return {
        action["create"]["_id"]: (action, json.loads(document))
        for action, document in zip(actions, lines[1::2], strict=True)
    }


def ours(request_id: str, message: str = "claim accepted", **fields: Any) -> str:
    """A log line of the layer."""
    head = {
        "timestamp": "2026-11-21T03:30:10.123Z",
        "level": "INFO",
        "message": message,
        "requestId": request_id,
    }
    who = {"service": "submit", "correlation_id": "CLM-1", "trace_id": TRACE, "span_id": SPAN}
    return json.dumps({**head, **who, **fields}, ensure_ascii=False, separators=(",", ":")) + "\n"


def span(
    span_id: str = SPAN, parent: str = "", kind: int = 2, name: str = "submit", request_id: str = IDS[0]
) -> str:
    """A span line of the layer."""
    told = {
        "traceId": TRACE,
        "spanId": span_id,
        "parentSpanId": parent,
        "name": name,
        "kind": kind,
        "startTimeUnixNano": "1795231810123000000",
        "endTimeUnixNano": "1795231810130000000",
        "attributes": [{"key": "faas.invocation_id", "value": {"stringValue": request_id}}],
    }
    scopes = [{"scope": {"name": "observe"}, "spans": [told]}]
    line = {"resourceSpans": [{"resource": {"attributes": []}, "scopeSpans": scopes}]}
    return json.dumps(line, separators=(",", ":")) + "\n"


def record(kind: str, request_id: str, **more: Any) -> str:
    """A record of the platform."""
    told = {
        "time": "2026-11-21T03:30:10.123Z",
        "type": f"platform.{kind}",
        "record": {"requestId": request_id, **more},
    }
    return json.dumps(told, separators=(",", ":")) + "\n"


def invocation(request_id: str, *lines: str, report: str = "") -> list[str]:
    """The lines of one invocation."""
    return [
        f"START RequestId: {request_id} Version: $LATEST\n",
        *lines,
        f"END RequestId: {request_id}\n",
        f"REPORT RequestId: {request_id}\tDuration: 9.14 ms\tBilled Duration: 10 ms\tMemory Size: 128 MB\t"
        f"Max Memory Used: 36 MB\t{report}\n",
    ]


#: Lines of every runtime, and those that may go on with the line before.
TEXTS = [
    "[WARNING]\t2026-11-21T03:30:10.123Z\t{ID}\tslow\n".replace("{ID}", IDS[0]),
    "[INFO] of Java\n",
    f"2026-11-21T03:30:10.123Z\t{IDS[0]}\tERROR\tboom\n",
    '2026-11-21T03:30:10.123Z\tundefined\tERROR\tUncaught Exception \t{"errorType":"E","stack":["E"]}\n',
    f"2026-11-21 03:30:10 {IDS[0]} INFO  Handler - told\n",
    "2026/11/21 03:30:10.123456 of Go\n",
    f"I, [2026-11-21T03:30:10.123456 #8]  INFO {IDS[0]} -- : of Ruby\n",
    *("Traceback (most recent call last):\n", '  File "a.py", line 1, in f\n', "ValueError: boom\n"),
    *(
        "java.lang.IllegalStateException: boom\n",
        "\tat a.B.c(B.java:1)\n",
        "Caused by: x.Y: z\n",
        "\t... 7 more\n",
    ),
    *("panic: boom\n", "goroutine 1 [running]:\n", "main.main()\n", "\t/var/task/main.go:8 +0x27\n"),
    *("/var/task/a.rb:5:in 'f': boom (RuntimeError)\n", "\tfrom /var/task/a.rb:2:in 'g'\n"),
    *("Unhandled exception. System.Exception: boom\n", "   at A.B() in /a.cs:line 1\n", "--- End of it\n"),
    "TypeError: boom\n    at f (/var/task/i.js:4:3)\n",
    *("_sc|db.up|2\n", "_e{1,1}:a|b\n", "XRAY TraceId: 1-5-6\tSegmentId: a\n"),
    *(
        "EXTENSION\tName: a\tState: Ready\tEvents: [INVOKE]\n",
        "LOGS\tName: a\tState: Subscribed\tTypes: [Function]\n",
    ),
    f"RequestId: {IDS[0]} Error: Runtime exited with error: exit status 2\n",
    *("Runtime.ExitError\n", "a print\rof two lines\n", "During handling of the above exception\n"),
    '{"time":"2026-11-21T03:30:10.123Z","type":"function","record":"a print"}\n',
]
INIT = "INIT_REPORT Init Duration: 9999.79 ms\tPhase: init\tStatus: timeout\n"
MONITORING = "MONITORING|1795231810|1.5|timing|claims.price|#product:motor,env:prod\n"


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
values = st.one_of(
    st.integers(-(2**63), 2**63), st.floats(allow_nan=False, allow_infinity=False), texts, st.none()
)
names = st.one_of(
    st.sampled_from(
        ["claim", "error", "type", "level", "http.route", "keys", "log", "event", "service", "span_id"]
    ),
    texts,
)


def line(request_id: str) -> st.SearchStrategy[str]:
    """Any line of a function: usual, nearly so, or anything."""
    return st.one_of(
        st.builds(
            lambda message, fields: ours(request_id, message, **fields),
            texts,
            st.dictionaries(names, values, max_size=3),
        ),
        st.builds(
            span,
            st.sampled_from([SPAN, "00f067aa0ba902b9"]),
            st.sampled_from(["", SPAN, "00f067aa0ba902b8"]),
            st.sampled_from([1, 2, 3]),
            st.just("submit"),
            st.sampled_from(IDS),
        ),
        st.builds(lambda a, b: f"MONITORING|{a}|{b}|count|claims|#a:b\n", values, values),
        st.sampled_from(
            [MONITORING, "a print\n", ours(IDS[1]), f"INIT_START {IDS[0]}", "2026-11-21 print", INIT, *TEXTS]
        ),
        texts,
    )


@st.composite
def streams(draw: st.DrawFn) -> list[str]:
    """Lines of invocations, some of them cut, doubled or out of place."""
    lines: list[str] = []
    for _ in range(draw(st.integers(0, 4))):
        request_id = draw(st.sampled_from(IDS))
        report = draw(
            st.sampled_from(["", "Init Duration: 1.5 ms\t", "Status: timeout", "\nXRAY TraceId: 1-5-6\t"])
        )
        lines += invocation(request_id, *draw(st.lists(line(request_id), max_size=4)), report=report)
        if draw(st.integers(0, 9)) == 0 and lines:
            del lines[draw(st.integers(0, len(lines) - 1))]
        if draw(st.integers(0, 9)) == 0:
            lines.insert(draw(st.integers(0, len(lines))), draw(line(IDS[0])))
    return lines
