"""Lines of any format to signals: joined records, spans of exchanges, what is not of the format."""

from __future__ import annotations

from datetime import UTC

from subscribers.envelope import LogEvent
from subscribers.formats import FORMATS
from subscribers.formats.records import LINES_MAX, paged
from subscribers.formats.told import Clock, Exchange, LineFormat, Reader, Told
from subscribers.parsers.identity import event_ids
from subscribers.parsers.page import Page, Parsed
from subscribers.signals import Log, Origin, Span

ORIGIN = Origin("123456789012", "eu-west-1", "/legacy/app", "host-1", "app", "legacy")
NOW = 1_795_231_900_000_000_000
AT = 1_795_231_810_000


def reading() -> Reader:
    """`T <text>` is a record, `# <name>` a header that names an attribute, `R <ns>` an exchange."""
    names = ["word"]

    def read(text: str, clock: Clock) -> Told | None:
        kind, _, rest = text.partition(" ")
        if kind == "#":
            names[0] = rest
            return Told(is_header=True)
        if kind == "R":
            made = Exchange(
                start_unix_nano=5, duration_ns=int(rest), method="GET", path="/claims", status=503
            )
            return Told(time_unix_nano=5, exchange=made, attributes={"http.route": "/claims"})
        return Told(level="INFO", message=rest, attributes={f"t.{names[0]}": rest}) if kind == "T" else None

    return read


def page(*lines: str, stream: str = "host-1") -> Page:
    """One page with these lines, a millisecond apart."""
    events = tuple(LogEvent(timestamp_ms=AT + n, message=text) for n, text in enumerate(lines))
    origin = Origin(
        *(stream if name == "log_stream" else getattr(ORIGIN, name) for name in ORIGIN.__struct_fields__)
    )
    ids = event_ids(origin.account, origin.log_group, stream, events)
    return Page(origin=origin, events=events, event_ids=ids, now_unix_nano=NOW)


def logs(parsed: Parsed) -> list[Log]:
    """The logs of what was parsed."""
    return [signal for signal in parsed.signals if isinstance(signal, Log)]


def test_what_follows_a_record_is_part_of_it() -> None:
    """Lines that a joining format does not know go on with the record: its stack trace, or its message."""
    given = page(
        "T it failed", "java.lang.IllegalStateException: no policy", "\tat a.B.c(B.java:1)", "", "T next"
    )
    parsed = paged(LineFormat(dataset="t", reader=reading, joins=True), UTC)(given)
    first, second = logs(parsed)
    assert (first.message, first.error_type, first.error_message) == (
        "it failed",
        "java.lang.IllegalStateException",
        "no policy",
    )
    assert (second.message, second.dataset, second.level) == ("next", "t", "INFO")
    assert parsed.joined == {given.event_ids[1]: given.event_ids[0], given.event_ids[2]: given.event_ids[0]}
    assert parsed.silent == 1


def test_lines_of_another_format_are_logs_by_themselves() -> None:
    """In order, as they are, counted: where lines stand alone, and where no record came before."""
    alone = paged(LineFormat(dataset="t", reader=reading), UTC)(page("T a", "what", "T b"))
    assert [log.message for log in logs(alone)] == ["a", "what", "b"]
    assert alone.notes == {"unparsed": 1}
    joining = paged(LineFormat(dataset="t", reader=reading, joins=True), UTC)(page("what", "T b"))
    assert [(log.message, log.dataset) for log in logs(joining)] == [("what", "text"), ("b", "t")]


def test_a_record_is_bounded() -> None:
    """What is too much is a log of its own with the same attributes, counted."""
    given = page("T a", *("x" for _ in range(LINES_MAX)))
    parsed = paged(LineFormat(dataset="t", reader=reading, joins=True), UTC)(given)
    first, second = logs(parsed)
    assert first.message.count("\n") == LINES_MAX - 1
    assert (second.message, second.attributes) == ("x", first.attributes)
    assert parsed.notes == {"cut_continuation": 1}


def test_an_exchange_is_a_span() -> None:
    """With a duration and without an ID it is in a trace of its own; the log is in the same."""
    parsed = paged(LineFormat(dataset="t", reader=reading), UTC)(page("R 7"))
    log, span = parsed.signals
    assert isinstance(log, Log)
    assert isinstance(span, Span)
    assert (span.name, span.start_unix_nano, span.end_unix_nano, span.status) == (
        "GET /claims",
        5,
        12,
        "error",
    )
    assert (log.trace_id, log.span_id) == (span.trace_id, span.span_id)


def test_a_header_is_remembered_by_stream() -> None:
    """A header line is no signal; the next payload of its stream is read by it, another stream's is not."""
    parse = paged(LineFormat(dataset="t", reader=reading), UTC)
    first = parse(page("# name", "T a"))
    assert (first.silent, logs(first)[0].attributes) == (1, {"t.name": "a"})
    assert logs(parse(page("T b")))[0].attributes == {"t.name": "b"}
    assert logs(parse(page("T c", stream="host-2")))[0].attributes == {"t.word": "c"}


def test_a_field_may_be_the_correlation_id() -> None:
    """By its whole name or its last part; what may not pass the trust edge is known by its derived ID."""
    parse = paged(LineFormat(dataset="t", reader=reading), UTC, correlation_field="word")
    good, bad = logs(parse(page("T CLM-1", "T <script>")))
    assert good.correlation_id == "CLM-1"
    assert good.trace_id
    assert bad.correlation_id == bad.trace_id != "<script>"


def test_the_teams_own_start_joins_what_is_between() -> None:
    """With a start pattern the lines up to the next start are one text, read as a whole."""
    parse = paged(LineFormat(dataset="t", reader=reading), UTC, starts=lambda line: line.startswith("T "))
    parsed = parse(page("T a", "T-like", "T b"))
    assert [log.message for log in logs(parsed)] == ["a\nT-like", "b"]


def test_a_header_is_one_where_the_team_says_how_records_start() -> None:
    """It is no signal then, either; with more lines behind it, it is no header, and nothing is lost."""
    parse = paged(LineFormat(dataset="t", reader=reading), UTC, starts=lambda line: line[:2] in ("T ", "# "))
    parsed = parse(page("# name", "T a", "# other", "more"))
    assert [(log.message, log.attributes) for log in logs(parsed)] == [
        ("a", {"t.name": "a"}),
        ("# other\nmore", {}),
    ]
    assert (parsed.silent, parsed.notes) == (1, {"unparsed": 1})


def test_a_header_may_be_in_one_event_with_what_it_describes() -> None:
    """Nothing behind a header line is lost."""
    parsed = paged(LineFormat(dataset="t", reader=reading), UTC)(page("# name\n# other\nT a"))
    (log,) = logs(parsed)
    assert (log.message, log.attributes, parsed.silent) == ("a", {"t.other": "a"}, 0)


def test_a_whole_event_may_be_one_record() -> None:
    """Where a format reads events of several lines it is given them whole; else line by line."""
    event = '{\n  "level": "ERROR",\n  "message": "it failed"\n}'
    (log,) = logs(paged(FORMATS["json"], UTC)(page(event)))
    assert (log.level, log.message) == ("ERROR", "it failed")
