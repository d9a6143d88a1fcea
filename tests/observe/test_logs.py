"""observe.log: the line, its levels, bound fields, and what no line may carry."""

from __future__ import annotations

import asyncio
import copy
import datetime
import json
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import observe
from observe import guard, identity, logs, redaction, settings, testing, wire
from observe.testing import Lines
from tests.observe.running import run, sqs_event

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda held: st.lists(held, max_size=4) | st.dictionaries(st.text(), held, max_size=4),
    max_leaves=12,
)
LEVELS = ("trace", "debug", "info", "warning", "error", "critical")


def told(line: bytes) -> dict[str, Any]:
    """A line as a strict reader sees it, without its time."""
    found: dict[str, Any] = json.loads(line.decode(), parse_constant=pytest.fail)
    assert found.pop("timestamp").endswith("Z")
    return found


@given(st.text(), st.dictionaries(st.text(), JSON, max_size=5))
def test_the_line_is_the_one_that_the_contract_encodes(message: str, own: dict[str, Any]) -> None:
    """What is joined of encoded parts is what wire.log_line writes of the same fields.

    But for integers beyond 64 bits: wire makes them text where some other value has no JSON form.
    """
    clean = redaction.get().tree(logs.renamed(own))
    fields = {"level": "INFO", "message": redaction.get().text(message), **identity.of(None, None), **clean}
    line = logs.rendered("INFO", message, own, None, None)
    assert wire.plain(told(line)) == wire.plain(json.loads(wire.log_line(fields)))
    assert line.find(b"\n") == len(line) - 1


ODD = st.text(st.characters()) | st.binary() | st.dates() | st.complex_numbers() | st.integers(10**18) | JSON


@given(ODD, st.lists(ODD, max_size=3), st.dictionaries(st.text(st.characters()), ODD, max_size=3))
def test_any_call_is_one_valid_line(event: Any, args: list[Any], own: dict[str, Any]) -> None:
    """Surrogates, control characters, what JSON lacks, formats that do not fit: a line, and no fault."""
    guard.faults.clear()
    with testing.capture() as lines:
        observe.log.info(event, *args, **own)
    (line,) = lines.raw
    assert line.find(b"\n") == len(line) - 1
    assert told(line)["level"] == "INFO"
    assert guard.faults == {}


@given(
    st.dictionaries(
        st.sampled_from(["level", "level_", "level__", "event", "cut", "x"]), st.integers(-(10**11), 10**11)
    )
)
def test_fields_named_as_ours_keep_their_values_under_other_names(own: dict[str, int]) -> None:
    """No caller's field is lost and none replaces one of ours."""
    line = told(logs.rendered("INFO", "m", own, None, None))
    assert (line.pop("level"), line.pop("message"), line.pop("service")) == ("INFO", "m", "unknown_service")
    assert sorted(line.values()) == sorted(own.values())


@pytest.mark.parametrize(
    "value",
    [
        float("nan"),
        float("-inf"),
        datetime.date(2026, 1, 2),
        b"raw",
        {1, 2},
        {(1, 2): 3},
        "\ud800",
        object(),
        10**5000,
        Exception("e"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_json_cannot_carry_comes_out_valid(lines: Lines, value: Any) -> None:
    """Such a value is told in a valid line, deep inside others and beside an odd message, too."""
    for message in ("plain", "odd \ud800"):
        observe.log.info(message, value=value, deep=[{"value": value}])
    for raw in lines.raw:
        line = told(raw)
        assert line["value"] is not None
        assert line["deep"][0]["value"] == line["value"]


def test_a_line_that_is_too_long_is_cut_and_has_no_secret_in_it(lines: Lines) -> None:
    """Redacted first, cut then: what is left of a long text holds no part of a secret."""
    observe.log.info("long", password="hunter2", text="x" * 10_000 + " password=hunter2 " + "x" * 300_000)
    (line,) = lines.raw
    assert len(line) <= wire.LINE_MAX_BYTES
    assert b"hunter2" not in line
    assert json.loads(line)["cut"] > 300_000


@pytest.mark.parametrize("secret", ["hunter2hunter2", "4111111111111111"])
def test_secrets_are_redacted_by_key_and_by_pattern(lines: Lines, secret: str) -> None:
    """In the message, in fields of any depth, in bound ones, and in what an exception says."""
    log = observe.log.bind(api_key=secret)
    with observe.log.bound(token=secret):
        try:
            raise ValueError(f"password={secret}")
        except ValueError:
            log.exception(f"password={secret}", user={"password": secret}, text=f'{{"password":"{secret}"}}')
    (line,) = lines.raw
    assert secret.encode() not in line
    assert line.count(redaction.MARK.encode()) >= 6


SECRETS = ("password=hunter2hunter2", "AKIAIOSFODNN7EXAMPLE", "https://u:hunter2hunter2@db.example/x")


@pytest.mark.parametrize("secret", SECRETS)
def test_what_an_exception_tells_has_no_secret_in_it(lines: Lines, secret: str) -> None:
    """Neither its message nor its stack, which repeats it; those of its cause and its notes neither."""
    try:
        try:
            raise KeyError(f"cause {secret} end")
        except KeyError as cause:
            error = ValueError(f"error {secret} end")
            error.add_note(f"note {secret} end")
            raise error from cause
    except ValueError:
        observe.log.exception("failed")
    (line,) = lines.logs
    told = line["error"]
    assert told["message"].startswith("error ")
    assert told["message"].endswith(" end")
    assert all(f"{part} " in told["stack"] for part in ("cause", "error", "note"))
    assert "raise error from cause" in told["stack"]
    for part in (secret, "hunter2", "AKIA"):
        assert part not in told["message"] + told["stack"].replace(__file__, "")


def test_our_own_identifiers_are_never_redacted(lines: Lines) -> None:
    """A correlation ID that looks like a card's number is one all the same."""
    run(sqs_event({"x-correlation-id": "4111111111111111"}), lambda event, context: observe.log.info("m"))
    (line,) = lines.logs
    assert line["correlation_id"] == "4111111111111111"


class UntellableError(Exception):
    """What raises whatever is asked of it."""

    def __init__(self, error: type[Exception]) -> None:
        self.error = error

    def __str__(self) -> str:
        raise self.error("not told")

    __repr__ = __str__


@pytest.mark.parametrize("error", [RuntimeError, RecursionError, OverflowError, IndexError, AttributeError])
def test_arguments_that_cannot_be_told_cost_their_text_and_not_the_line(
    lines: Lines, error: type[Exception]
) -> None:
    """A line is written for every call, whatever its arguments do when they are asked."""
    observe.log.info("claim %s", UntellableError(error))
    observe.log.info("claim %s", UntellableError(error), field=UntellableError(error))
    observe.log.info(UntellableError(error), exc_info=UntellableError(error))
    observe.log.info("%c", 10**10)
    observe.log.info("%(claim)s", {"other": 1})
    assert guard.faults == {}
    assert [line["message"] for line in lines.logs] == [
        f"claim %s <tuple: {error.__name__} in __str__>",
        f"claim %s <tuple: {error.__name__} in __str__>",
        f"<UntellableError: {error.__name__} in __str__>",
        "%c (10000000000,)",
        "%(claim)s ({'other': 1},)",
    ]


def test_an_exception_whose_stack_cannot_be_told_costs_the_stack_alone(lines: Lines) -> None:
    """The line is there with the exception's type and message, and the fault is said."""

    class OddError(SyntaxError):
        lineno = property(lambda self: 1 / 0)  # type: ignore[assignment]

    observe.log.error("failed", exc_info=OddError("no such claim"))
    said, line = lines.logs
    assert said["event"] == "observe.fault"
    assert line["error"] == {"type": "OddError", "message": "no such claim", "stack": ""}


def test_an_error_is_told_with_its_stack(lines: Lines) -> None:
    """exc_info takes an exception, True or a triple; what is none is left out."""
    error = ValueError("no such claim")
    for given_ in (error, (ValueError, error, None), True, "nonsense", (None, None, None)):
        try:
            raise error
        except ValueError:
            observe.log.error("failed", exc_info=given_)
    observe.log.exception("nothing raised")
    kinds = [line.get("error", {}).get("type") for line in lines.logs]
    assert kinds == ["ValueError", "ValueError", "ValueError", "ValueError", None, None]


@pytest.mark.parametrize("level", logs.LEVELS)
def test_levels_are_written_from_the_configured_one_on(monkeypatch: pytest.MonkeyPatch, level: str) -> None:
    """Below OBSERVE_LOG_LEVEL nothing is written outside of an invocation."""
    monkeypatch.setenv("OBSERVE_LOG_LEVEL", level)
    with testing.capture() as lines:
        for name in LEVELS:
            getattr(observe.log, name)(name)
    numbers = [logs.LEVELS[line["level"]] for line in lines.logs]
    assert numbers == [number for number in logs.LEVELS.values() if number >= logs.LEVELS[level]]


@pytest.mark.parametrize(
    ("level", "name"),
    [(25, "INFO"), (50, "FATAL"), (0, "TRACE"), ("warning", "WARN"), ("Critical", "FATAL"), ("odd", "INFO")],
)
def test_every_spelling_of_a_level_is_known(level: int | str, name: str) -> None:
    """Numbers of logging and names of any framework; what is none is INFO."""
    assert logs.named(level) == name


def test_disabled_still_writes_what_the_function_logs(monkeypatch: pytest.MonkeyPatch) -> None:
    """OBSERVE_DISABLED=1 is about the layer: a function's own lines are written, without an identity."""
    monkeypatch.setenv("OBSERVE_DISABLED", "1")

    def handler(event: Any, context: Any) -> None:
        observe.log.debug("not at this level")
        observe.log.critical("m", claim="CLM-1")

    with testing.capture() as lines:
        run({"httpMethod": "GET", "requestContext": {}, "headers": {"x-correlation-id": "CLM-1"}}, handler)
    (line,) = lines.logs
    assert {"timestamp", "level", "message", "service", "claim"} == set(line)
    assert lines.spans == []


def test_bound_fields_are_on_every_line_of_the_block(lines: Lines) -> None:
    """`bound` nests, a call's own field wins, names of ours stay ours, and after it all is as before."""
    with observe.log.bound(claim="C-1", level="odd"):
        with observe.log.bound(step=1):
            observe.log.info("inner", claim="C-2")
        observe.log.bind(a=1).info("outer")
    observe.log.info("after")
    inner, outer, after = lines.logs
    assert (inner["claim"], inner["step"], inner["level"], inner["level_"]) == ("C-2", 1, "INFO", "odd")
    assert (outer["claim"], outer["a"]) == ("C-1", 1)
    assert "step" not in outer
    assert "claim" not in after


def test_bound_fields_never_leak_into_the_next_invocation(lines: Lines) -> None:
    """A block that is never left ends with its invocation; the next one runs in the same context."""

    def function(event: Any, context: Any) -> None:
        observe.log.info("before")
        observe.log.bound(claim=event).__enter__()
        observe.log.info("in it")

    run("C-1", function)
    observe.log.info("between")
    run("C-2", function)
    assert [line.get("claim") for line in lines.logs] == [None, "C-1", None, None, "C-2"]


def test_a_block_left_in_another_context_is_left(lines: Lines) -> None:
    """A task that enters a block and another that leaves it disturb nobody."""

    async def main() -> None:
        block = observe.log.bound(claim="C-1")
        await asyncio.create_task(_call(block.__enter__))
        await asyncio.create_task(_call(block.__exit__))
        observe.log.info("m")

    asyncio.run(main())
    assert "claim" not in lines.logs[0]
    assert guard.faults == {}


async def _call(function: Any) -> None:
    function()


def test_loggers_are_values(lines: Lines) -> None:
    """bind, unbind and new return loggers; the one they are called on stays; copies and pickles are equal."""
    bound = observe.log.bind(a=1, event="mine")
    assert bound.new(b=2) != bound
    assert copy.deepcopy(bound) == bound == pickle.loads(pickle.dumps(bound))
    bound.unbind("a", "none").try_unbind("none").info("m")
    bound.info("n", event="call")
    first, second = lines.logs
    assert ("a" in first, first["event_"]) == (False, "mine")
    assert (second["a"], second["event_"], second["message"]) == (1, "call", "n")


def test_the_logger_without_structlog_writes_the_same_lines(lines: Lines) -> None:
    """What is used where the function's own structlog is broken is no other logger."""
    for log in (observe.log, logs.PlainLogger({})):
        log.bind(a=1, b=2).unbind("a", "none").warning("told %d", 1, c=3)
        log.bind(a=1).new(d=4).info("new")
    one, two, *others = (told(line) for line in lines.raw)
    assert others == [one, two]


def test_what_structlogs_contextvars_have_bound_is_in_our_lines(lines: Lines) -> None:
    """Where user code binds by structlog.contextvars, our lines say so; a name of ours stays ours."""
    from structlog.contextvars import bound_contextvars

    with bound_contextvars(tenant="t-1", level="odd"):
        observe.log.info("inside", a=1)
    observe.log.info("outside")
    inside, outside = lines.logs
    assert (inside["tenant"], inside["level_"], inside["a"]) == ("t-1", "odd", 1)
    assert "tenant" not in outside


def test_a_muted_invocation_writes_no_line(lines: Lines) -> None:
    """A durable function that goes over what it has done before: its lines have been written."""

    def function(event: Any, context: Any) -> None:
        invocation = identity.request()
        assert invocation is not None
        invocation.muted = True
        observe.log.error("again")
        invocation.muted = False
        observe.log.info("new")

    run({}, function)
    assert [line["message"] for line in lines.logs] == ["new"]


def test_in_lambdas_json_mode_a_debug_line_passes_the_filter(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line below the level that must be written leads with the level and tells its own beside it."""
    monkeypatch.setenv("AWS_LAMBDA_LOG_FORMAT", "JSON")
    monkeypatch.setenv("AWS_LAMBDA_LOG_LEVEL", "WARN")
    context = observe.Context("a" * 32, debug=True)
    with testing.capture() as lines, observe.use(context):
        observe.log.debug("m", severity_text="mine")
        observe.log.trace("below DEBUG")
        observe.log.error("e")
    debug, error = lines.logs
    assert list(debug)[:4] == ["timestamp", "level", "severity_text", "message"]
    assert (debug["level"], debug["severity_text"], debug["severity_text_"]) == ("WARN", "DEBUG", "mine")
    assert (error["level"], "severity_text" in error) == ("ERROR", False)


def test_a_dictionary_that_another_thread_changes_costs_one_line_at_most(lines: Lines) -> None:
    """What cannot be told never reaches the caller."""

    class Odd(dict[str, Any]):
        def items(self) -> Any:
            raise RuntimeError("dictionary changed size during iteration")

    observe.log.info("m", held=Odd(a=1))
    assert lines.logs


def test_use_of_what_is_no_context_is_said_and_changes_nothing(lines: Lines) -> None:
    """`observe.use("x")` leaves the current context as it is."""

    def function(event: Any, context: Any) -> None:
        before = observe.current()
        with observe.use("x"):  # type: ignore[arg-type]
            assert observe.current() == before
            observe.log.info("m")
        with observe.use(None):  # type: ignore[arg-type]  # what current() is outside of a request
            assert observe.current() == before

    run({}, function)
    said, line = lines.logs
    assert said["place"] == "observe.use"
    assert line["trace_id"] == lines.spans[0]["traceId"]


def test_settings_that_are_replaced_are_used_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The service and the version of a line are those of the present settings."""
    monkeypatch.setenv("OBSERVE_SERVICE", "one")
    with testing.capture() as lines:
        observe.log.info("m")
        monkeypatch.setenv("OBSERVE_SERVICE", "two")
        monkeypatch.setenv("DD_VERSION", "7")
        settings.reset()
        observe.log.info("m")
    assert [(line["service"], line.get("version")) for line in lines.logs] == [("one", None), ("two", "7")]
