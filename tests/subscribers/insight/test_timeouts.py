"""How near functions come to their limits, their gateways' and their queues'."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from subscribers.config import Config, load
from subscribers.insight.answer import Finding, Question
from subscribers.insight.template_limits import Limit, Queue, Route
from subscribers.insight.timeouts import answer, timeouts
from subscribers.insight.timeouts_values import Callee, Near
from subscribers.signals import Log, Metric
from subscribers.store import Store
from tests.subscribers.insight.test_calls import call, server, told
from tests.subscribers.insight.test_chains import store_of, table
from tests.subscribers.samples import log

EXAMPLE = Path(__file__).parents[3] / "examples" / "claims" / "observe.yaml"


def reports(function: str, *ms: float) -> list[Metric]:
    """Durations of a function's invocations."""
    return [told("duration", value, function, i, f"r{i}") for i, value in enumerate(ms)]


def timed_out(function: str, request: str = "r0", after: str = "3.00") -> list[Metric | Log]:
    """What Lambda and the subscriber say of a timeout."""
    message = f"2026-11-22T00:53:40.780Z {request} Task timed out after {after} seconds"
    fields: dict[str, Any] = {"request_id": request, "dataset": "lambda.platform", "message": message}
    return [
        told("timeouts", 1, function, 1, request, kind="count"),
        log(f"{function}-{request}", 1, function, "serverless", correlation_id="web-1", **fields),
    ]


def near(store: Store, *templates: Limit, function: str = "front") -> Near:
    """What is known of one function."""
    (found,) = (n for n in timeouts(store.query, Question(), templates).functions if n.function == function)
    return found


def texts(store: Store, config: Config | None = None) -> list[Finding]:
    """The findings of the answer."""
    return list(answer(store.query, Question(config=config or Config())).findings)


def template(tmp_path: Path, text: str) -> Config:
    """A configuration that names a template of this text."""
    (tmp_path / "template.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "observe.yaml").write_text("version: 1\ntemplates: [template.yaml]\n", encoding="utf-8")
    return load(tmp_path / "observe.yaml")


def function(name: str, seconds: float, events: str = "{}") -> str:
    """A template with one function."""
    return (
        f"Resources:\n  Fn:\n    Type: AWS::Serverless::Function\n    Properties:\n"
        f"      FunctionName: {name}\n      Timeout: {seconds}\n      Events: {events}\n"
        "  Q: {Type: 'AWS::SQS::Queue', Properties: {VisibilityTimeout: 20}}\n"
    )


def test_the_template_says_the_limit(tmp_path: Path) -> None:
    """The p99 against the timeout of the function with that name."""
    store = store_of(tmp_path, *reports("front", *range(1, 101)))
    found = near(store, Limit(logical_id="F", name="front", timeout_s=0.2))
    assert (found.limit_s, found.limit_from, found.invocations) == (0.2, "template", 100)
    assert found.share is not None
    assert round(found.share, 1) == 49.5


def test_what_lambda_said_wins_over_the_template(tmp_path: Path) -> None:
    """A limit that was reached is the real one; and the timeout is told with its correlation ID."""
    store = store_of(tmp_path, *reports("front", 3000), *timed_out("front"))
    found = near(store, Limit(logical_id="F", name="front", timeout_s=9))
    assert (found.limit_s, found.limit_from) == (3.0, "log")
    assert (found.timeouts, found.correlation_ids) == (1, ("web-1",))


def test_a_line_of_the_function_itself_says_nothing(tmp_path: Path) -> None:
    """A function may print Lambda's sentence."""
    lying = log("x", 1, "front", "serverless", message="Task timed out after 900.00 seconds", dataset="text")
    assert near(store_of(tmp_path, *reports("front", 5), lying)).limit_s is None


def test_timeouts_are_bad_and_counted(tmp_path: Path) -> None:
    """Two of three invocations: both are counted."""
    store = store_of(
        tmp_path, *reports("front", 3000, 3000, 10), *timed_out("front"), *timed_out("front", "r1")
    )
    (finding,) = (f for f in texts(store) if f.level == "bad")
    assert finding.text == "front timed out after 3 s 2 times in 3 invocations."
    assert finding.correlation_ids == ("web-1",)


def test_a_p99_near_the_limit_is_a_warning_and_a_far_one_is_fine(tmp_path: Path) -> None:
    """850 ms of a second is near, of ten seconds it is not."""
    store = store_of(tmp_path, *reports("front", *[850] * 100))
    (finding,) = texts(store, template(tmp_path, function("front", 1)))
    assert finding.text == "The p99 of front is 850 ms, 85 % of its limit of 1 s."
    (finding,) = texts(store, template(tmp_path, function("front", 10)))
    assert (finding.level, finding.evidence) == ("ok", {"functions": 1})


def test_a_function_that_outlives_its_gateway_is_a_warning(tmp_path: Path) -> None:
    """60 s behind a REST API of 29: the client is gone; where that happens it is bad."""
    events = "{E: {Type: Api, Properties: {Path: /claims, Method: post}}}"
    config = template(tmp_path, function("front", 60, events))
    (first, second) = texts(store_of(tmp_path, *reports("front", *[30_000] * 100)), config)[:2]
    assert first.text.startswith("The gateway waits 29 s for front, whose p99 is 30,000 ms")
    assert (first.level, second.level) == ("bad", "warning")
    assert "front may run for 60 s, but the REST API waits 29 s for POST /claims" in second.text


def test_a_gateway_waits_for_the_start_too(tmp_path: Path) -> None:
    """25 s of work after an init of 9.9 are too long for 29 s; the function's own limit counts no start."""
    events = "{E: {Type: Api, Properties: {Path: /claims, Method: post}}}"
    config = template(tmp_path, function("front", 28, events))
    starts = (told("init_duration", 9_900, "front", i, f"r{i}") for i in range(100))
    store = store_of(tmp_path, *reports("front", *[25_000] * 100), *starts)
    (gone, own) = (f for f in texts(store, config))
    assert gone.level == "warning"
    assert gone.text == "The p99 of front is 25,000 ms, 89 % of its limit of 28 s."
    assert own.level == "bad"
    assert "whose p99 is 34,900 ms, its start included" in own.text
    (row,) = table(answer(store.query, Question(config=config)), "functions")
    assert (row["p99_ms"], row["waited_p99_ms"]) == (25_000, 34_900)


def test_a_start_of_another_report_is_not_added(tmp_path: Path) -> None:
    """The init of one invocation is no part of the longest one."""
    starts = told("init_duration", 9_900, "front", 0, "r0")
    found = near(store_of(tmp_path, *reports("front", 10, 25_000), starts))
    assert (found.max_ms, found.waited_max_ms) == (25_000, 25_000)


def test_of_few_invocations_the_longest_is_told(tmp_path: Path) -> None:
    """One invocation has no p99."""
    store = store_of(tmp_path, *reports("front", 10, 2_500))
    (finding,) = texts(store, template(tmp_path, function("front", 3)))
    assert finding.text == "The longest of 2 invocations of front is 2,500 ms, 83 % of its limit of 3 s."
    assert finding.evidence["longest_ms"] == 2_500


def test_a_queue_that_shows_messages_again_too_early(tmp_path: Path) -> None:
    """Below the timeout messages are processed twice; below six times it is AWS's advice."""
    events = "{E: {Type: SQS, Properties: {Queue: !GetAtt Q.Arn}}}"
    store = store_of(tmp_path)
    (bad,) = texts(store, template(tmp_path, function("front", 25, events)))
    (advice,) = texts(store, template(tmp_path, function("front", 4, events)))
    assert bad.level == "bad"
    assert "appear in Q again after 20 s" in bad.text
    assert advice.level == "info"
    assert "AWS advises 6 times the timeout of front, 24 s" in advice.text
    assert texts(store, template(tmp_path, function("front", 3, events))) == []


def test_a_caller_with_less_time_than_its_callee_takes(tmp_path: Path) -> None:
    """The function has one second, the old system's p99 is two."""
    store = store_of(
        tmp_path,
        *reports("front", 900),
        server("front", 0, 900, status="error"),
        call("post", 10, 900, "front", status="error"),
        server("old", 20, 2020, "/registrations", side="legacy", above="post"),
        *(server(f"o{i}", 0, 2000, "/registrations", side="legacy", service="old") for i in range(19)),
    )
    limit = Limit(logical_id="F", name="front", timeout_s=1.0)
    ((edge, limit_s, callee),) = timeouts(store.query, Question(), [limit]).callers
    assert (edge.callee.service, limit_s, callee) == ("old", 1.0, Callee(2000.0, 20))
    (finding,) = (
        f for f in texts(store, template(tmp_path, function("front", 1))) if "is stopped after" in f.text
    )
    assert finding.text == (
        "front is stopped after 1 s, but calls old POST /registrations, whose p99 is 2,000 ms."
    )


def test_what_is_unknown_is_said(tmp_path: Path) -> None:
    """A function without a limit has a row with "unknown" and a note; a template that is gone, too."""
    (tmp_path / "observe.yaml").write_text("version: 1\ntemplates: [template.yaml]\n", encoding="utf-8")
    config = load(tmp_path / "observe.yaml")
    given = answer(store_of(tmp_path, *reports("front", 5)).query, Question(config=config))
    (row,) = table(given, "functions")
    assert (row["limit_s"], row["limit_from"], row["share"]) == (None, "unknown", None)
    assert "template.yaml cannot be read: No such file or directory." in given.notes[0]
    assert any("The timeout of front is unknown" in note for note in given.notes)


def test_a_value_that_is_no_number_is_left_out(tmp_path: Path) -> None:
    """What a broken report tells is neither the longest duration nor the p99."""
    found = near(store_of(tmp_path, *reports("front", 5, float("inf"), float("nan"))))
    assert (found.invocations, found.max_ms) == (1, 5)


def test_only_the_services_that_are_asked_for(tmp_path: Path) -> None:
    """Functions of other services are left out."""
    store = store_of(tmp_path, *reports("front", 5), *reports("back", 5))
    found = timeouts(store.query, Question(services=("back",)), ())
    assert [one.function for one in found.functions] == ["back"]


def test_what_templates_say_is_of_the_services_that_are_asked_for(tmp_path: Path) -> None:
    """A queue of another function is none of the answer's."""
    known = (Limit(logical_id="A", name="front"), Limit(logical_id="B", name="back"))
    found = timeouts(store_of(tmp_path).query, Question(services=("front",)), known)
    assert found.templates == known[:1]
    assert timeouts(store_of(tmp_path).query, Question(), known).templates == known


def test_a_split_that_is_not_made_is_said(tmp_path: Path) -> None:
    """A question by tenant is answered for all, and the answer says so."""
    given = answer(store_of(tmp_path).query, Question(by="tenant"))
    assert "This answer is not split by tenant." in given.notes


def test_the_example_is_understood(tmp_path: Path) -> None:
    """Its template gives each function of the demo a limit."""
    store = store_of(tmp_path, *reports("submit-claim", 5))
    found = timeouts(store.query, Question(config=load(EXAMPLE)))
    assert found.functions[0].limit_s == 2.0
    assert found.problems == ()
    limit = next(one for one in found.templates if one.name == "assess-claim")
    assert limit.queues == (Queue("ClaimsSubmitted", 18.0),)
    assert Route("HTTP API", "POST /claims", 30.0) in {r for one in found.templates for r in one.routes}
