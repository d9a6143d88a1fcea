"""`observe reinvoke` from a failure to its success: real runtime client and layer, store and command."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from console.cli import cli
from console.local.cloudwatch import MemoryLogWriter
from console.local.function import LocalFunction
from console.local.invocation import InvokeResult
from observe import semconv
from subscribers.envelope import LogBatch, LogEvent, decode, encode
from subscribers.parse import parse
from subscribers.reinvoke import REPLAY_LINE
from subscribers.signals import Origin
from subscribers.store import Store
from subscribers.tables import log_of, span_of
from tests.backends.server import Received
from tests.console.invoke_api import InvokeApi
from tests.subscribers.test_reinvoke import event_line, span_of_line

ACCOUNT, REGION, NAME = "123456789012", "eu-west-1", "assess-claim"
ARN = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{NAME}"
#: Its answer depends on what lies in its folder, so that a repair is one file.
APP = """
import json, pathlib
HERE = pathlib.Path(__file__).parent
def handler(event, context):
    print("seen " + json.dumps(event, sort_keys=True))
    if not (HERE / "repaired").exists():
        raise RuntimeError("no rate for " + event["claim"])
    return {"assessed": event["claim"]}
"""
#: With blanks and a number that a parser would change: it must arrive as it was.
EVENT = b'{ "claim": "CLM-1",  "amount": 1.50, "_headers": {"a": 1} }'
CONFIG = f"version: 1\nservices:\n  {NAME}: {{side: serverless, idempotent: true}}\n"


@pytest.fixture
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """What boto3 needs before it asks anybody."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.delenv("AWS_PROFILE", raising=False)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """observe.yaml that declares the function idempotent."""
    path = tmp_path / "observe.yaml"
    path.write_text(CONFIG)
    return path


Observe = Callable[..., Result]


@pytest.fixture
def observe(tmp_path: Path, config: Path, credentials: None) -> Observe:
    """The command with the store and the configuration of the test."""

    def run(*arguments: str, **options: Any) -> Result:
        own = ["--store", str(tmp_path / "store"), "--config", str(config)]
        return CliRunner().invoke(cli, ["reinvoke", *arguments, *own], **options)

    return run


def collect(log: MemoryLogWriter, store: Store) -> None:
    """Have all lines so far in the store, as a subscriber does."""
    for (group, stream), events in log.streams.items():
        batch = LogBatch(
            owner=ACCOUNT,
            log_group=group,
            log_stream=stream,
            message_type="DATA_MESSAGE",
            events=tuple(
                LogEvent(id=str(n), timestamp_ms=e.timestamp_ms, message=e.message)
                for n, e in enumerate(events)
            ),
        )
        origin = Origin(ACCOUNT, REGION, group, stream, NAME, "serverless")
        store.append(parse(decode(encode(batch)), origin, "lambda", now_unix_nano=1).signals)


def replays(store: Store) -> list[tuple[str, str]]:
    """(state, new request ID) of every replay that the store remembers."""
    sql = "SELECT * FROM logs WHERE json_extract_string(attributes, '$.event') = $event"
    told = [log_of(row).attributes["replay"] for row in store.query(sql, {"event": REPLAY_LINE})]
    return [(one["state"], one["request_id"]) for one in told]


class System:
    """The function, its lines, and the store they come to."""

    def __init__(self, function: LocalFunction, log: MemoryLogWriter, folder: Path, store: Store) -> None:
        self.function, self.log, self.folder, self.store = function, log, folder, store

    def invoke(self, event: bytes, context: str | None = None) -> InvokeResult:
        result = self.function.invoke(event, client_context=context)
        collect(self.log, self.store)
        return result


@pytest.fixture
def system(tmp_path: Path, opt: Path) -> Iterator[System]:
    """A function that fails until it is repaired."""
    folder = tmp_path / "task"
    folder.mkdir()
    (folder / "app.py").write_text(APP)
    log = MemoryLogWriter()
    environment = {"AWS_LAMBDA_EXEC_WRAPPER": "/opt/observe-exec"}
    with LocalFunction(NAME, "app.handler", folder, opt=opt, log=log, environment=environment) as function:
        yield System(function, log, folder, Store(tmp_path / "store"))


@pytest.fixture
def api(system: System, monkeypatch: pytest.MonkeyPatch) -> Iterator[InvokeApi]:
    """Invoke, over HTTP, of that function."""
    with InvokeApi({ARN: system.invoke}, ACCOUNT) as api:
        monkeypatch.setenv("AWS_ENDPOINT_URL", api.url)
        yield api


@pytest.mark.runtime
def test_a_failure_is_planned_repaired_made_again_and_told(
    system: System, api: InvokeApi, observe: Observe, tmp_path: Path
) -> None:
    """Byte for byte the same event, marked as a replay, in the same trace below what failed, and once."""
    custom = {"custom": {"x-correlation-id": "desk-7"}}
    failed = system.invoke(EVENT, json.dumps(custom)).request_id

    planned = observe("desk-7", "--json")
    (plan,) = json.loads(planned.stdout)
    assert (planned.exit_code, plan["verdict"], plan["request_id"]) == (0, "invoke", failed)
    assert (plan["arn"], plan["event_bytes"], plan["attempts"]) == (ARN, len(EVENT), 1)
    assert "no rate for CLM-1" in plan["why"]
    assert api.calls == []

    (system.folder / "repaired").touch()
    done = observe(failed, "--apply", "--json")
    assert done.exit_code == 0, done.output
    (told,) = json.loads(done.stdout)
    assert told["answer"]["state"] == "succeeded"
    ((arn, qualifier, event, _),) = api.calls
    assert (arn, qualifier, event) == (ARN, "", EVENT)
    seen = [line for line in system.log.messages() if line.startswith("seen ")]
    assert len(seen) == 2
    assert seen[0] == seen[1]

    spans = [span_of(row) for row in system.store.query("SELECT * FROM spans WHERE request_id <> ''")]
    layer = {span.request_id: span for span in spans if span.kind == "server"}
    first, replay = layer[failed], layer[told["answer"]["request_id"]]
    assert replay.attributes[semconv.REPLAY_OF] == failed
    assert (replay.trace_id, replay.parent_span_id) == (first.trace_id, first.span_id)
    assert replay.correlation_id == first.correlation_id == "desk-7"
    linked = {(link.span_id, link.attributes["observe.link"]) for link in replay.links}
    assert (first.span_id, "replay") in linked
    assert (first.status, replay.status) == ("error", "unset")

    ((state, new),) = replays(system.store)
    assert (state, new) == ("succeeded", told["answer"]["request_id"])
    trace = CliRunner().invoke(cli, ["trace", "desk-7", "--store", str(tmp_path / "store")])
    assert f"replay of {failed}" in trace.stdout
    assert "no rate for CLM-1" in trace.stdout

    again = observe("desk-7", "--apply")
    assert again.exit_code == 1
    assert "already_replayed" in again.stdout
    assert len(api.calls) == 1
    assert observe("desk-7", "--apply", "--again").exit_code == 0
    assert len(api.calls) == 2


@pytest.mark.runtime
def test_a_replay_that_fails_again_is_what_the_next_plan_is_about(
    system: System, api: InvokeApi, observe: Observe
) -> None:
    """The original is refused as made again, its failed replay is not; with --again it is just the replay."""
    failed = system.invoke(EVENT).request_id
    done = observe(failed, "--apply", "--json")
    assert done.exit_code == 1
    (told,) = json.loads(done.stdout)
    assert (told["answer"]["state"], told["answer"]["detail"]) == ("failed", "RuntimeError")

    plans = {plan["request_id"]: plan for plan in json.loads(observe("--function", NAME, "--json").stdout)}
    assert plans[failed]["reason"] == "already_replayed"
    second = plans[told["answer"]["request_id"]]
    assert (second["verdict"], second["replay_of"]) == ("invoke", failed)
    both = {
        plan["request_id"]: plan
        for plan in json.loads(observe("--function", NAME, "--again", "--json").stdout)
    }
    assert both[failed]["reason"] == "superseded"
    assert both[second["request_id"]]["verdict"] == "invoke"


# --- The command, with events that are in the store already ------------------------------------


def ok(_event: bytes, _context: str | None) -> InvokeResult:
    return InvokeResult("success", b"null", "new-request", None, 1.0, None, False, 1, 64)


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[InvokeApi]:
    """A store with three failures of one function, whose invocations succeed at once."""
    lines = [event_line(f"req-{n}", function=NAME, at_ms=n) for n in range(3)]
    Store(tmp_path / "store").append([*lines, *map(span_of_line, lines)])
    with InvokeApi({ARN: ok}, ACCOUNT) as api:
        monkeypatch.setenv("AWS_ENDPOINT_URL", api.url)
        yield api


def test_credentials_of_another_account_invoke_nothing(kept: InvokeApi, observe: Observe) -> None:
    """The account of the log is checked against STS before the first invocation."""
    kept.account = "999999999999"
    done = observe("--function", NAME, "--apply")
    assert done.exit_code == 1
    assert "999999999999" in done.output
    assert kept.calls == []


def test_what_lambda_refuses_for_now_is_tried_again(kept: InvokeApi, observe: Observe) -> None:
    """A 429 says that the function did not run."""
    faults = iter([None, "429", "429"])  # the first request is for the account
    kept.faults = lambda _n, _request: next(faults, None)  # type: ignore[return-value]
    done = observe("req-0", "--apply", "--rate", "100")
    assert done.exit_code == 0, done.output
    assert len(kept.calls) == 1


@pytest.mark.parametrize("fault", ["lost", "502"])
def test_an_unknown_end_is_told_and_never_repeated(kept: InvokeApi, observe: Observe, fault: str) -> None:
    """A connection that is lost after the function has begun, and a 5xx: no repeat, unless by --again."""

    def faults(_n: int, request: Received) -> Any:
        return fault if "invocations" in request.path else None

    kept.faults = faults
    done = observe("req-0", "--apply", "--json")
    assert done.exit_code == 1
    (told,) = json.loads(done.stdout)
    assert told["answer"]["state"] == "unknown"
    assert len(kept.calls) <= 1
    kept.faults = None
    (plan,) = json.loads(observe("req-0", "--json").stdout)
    assert (plan["reason"], plan["replays"][0]["state"]) == ("already_replayed", "unknown")


def test_a_function_that_is_gone_can_be_tried_later(kept: InvokeApi, observe: Observe) -> None:
    """What did not run is no replay."""
    kept.functions.clear()
    done = observe("req-0", "--apply", "--json")
    assert done.exit_code == 1
    assert json.loads(done.stdout)[0]["answer"] == {
        "state": "not_invoked",
        "request_id": "",
        "detail": "ResourceNotFoundException",
    }
    (plan,) = json.loads(observe("req-0", "--json").stdout)
    assert plan["verdict"] == "invoke"


def test_a_plan_changes_nothing_and_says_so(kept: InvokeApi, observe: Observe, tmp_path: Path) -> None:
    """Without --apply nothing is called and nothing is written."""
    before = {path: path.read_bytes() for path in (tmp_path / "store").rglob("*") if path.is_file()}
    planned = observe("--since", "2020-01-01")
    assert planned.exit_code == 0
    assert "3 invocations to make again, 0 refused" in planned.stderr
    assert {path: path.read_bytes() for path in (tmp_path / "store").rglob("*") if path.is_file()} == before
    assert kept.answers == {}


def test_all_of_a_function_are_made_again_once_each(
    kept: InvokeApi, observe: Observe, tmp_path: Path
) -> None:
    """Several at a time, each recorded, each told."""
    done = observe("--function", NAME, "--apply", "--rate", "1000", "--qualifier", "live")
    assert done.exit_code == 0, done.output
    assert len(kept.calls) == 3
    assert {qualifier for _, qualifier, _, _ in kept.calls} == {"live"}
    assert sorted(re.findall(r"(\d) of 3", done.stderr)) == ["1", "2", "3"]
    assert replays(Store(tmp_path / "store")) == [("succeeded", "new-request")] * 3


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "say which"),
        (("req-0", "--key", "claim=CLM-1"), "one of them"),
        (("--key", "claim"), "not NAME=VALUE"),
        (("req-0", "--since", "yesterday"), "no duration"),
        (("--destination", "s3:///key"), "'s3:///key' names no bucket"),
        (("req-0", "--since", "1h", "--until", "2h"), "does not lie after"),
        *((("req-0", "--until", text), "no duration") for text in ("nan", "inf", "-1", "0", "")),
        *((("req-0", "--rate", rate), "is not in the range") for rate in ("0", "-1", "inf", "1e-320")),
        (("req-0", "--rate", "nan"), "'nan' is not a number of times a second"),
    ],
)
def test_a_wrong_use_is_a_sentence(observe: Observe, arguments: tuple[str, ...], said: str) -> None:
    """Exit code 2."""
    result = observe(*arguments)
    assert result.exit_code == 2
    assert said in result.output


def test_nothing_found_is_said(kept: InvokeApi, observe: Observe) -> None:
    """Exit code 1, and what was looked for."""
    result = observe("CLM-unknown")
    assert result.exit_code == 1
    assert "'CLM-unknown'" in result.output
    assert observe("--function", "nobody").exit_code == 1


def test_time_narrows_what_is_found(kept: InvokeApi, observe: Observe) -> None:
    """Both ends, as durations and as instants."""
    found = json.loads(observe("--function", NAME, "--until", "2023-11-14T22:13:20.0015Z", "--json").stdout)
    assert [plan["request_id"] for plan in found] == ["req-0", "req-1"]
    assert observe("--since", "1h").exit_code == 1


def test_records_of_a_destination_are_made_again_without_a_store(
    observe: Observe, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """From standard input; what was replayed is remembered, in a store that is made for it."""
    payload = '{"claim": 1.50}'
    record = json.dumps(
        {
            "version": "1.0",
            "timestamp": "2026-11-21T03:30:10.123Z",
            "requestContext": {
                "requestId": "req-9",
                "functionArn": f"{ARN}:$LATEST",
                "condition": "RetriesExhausted",
                "approximateInvokeCount": 3,
            },
            "requestPayload": "@",
            "responseContext": {
                "statusCode": 200,
                "executedVersion": "$LATEST",
                "functionError": "Unhandled",
            },
            "responsePayload": {"errorType": "ValueError", "errorMessage": "no"},
        }
    ).replace('"@"', payload)
    with InvokeApi({ARN: ok}, ACCOUNT) as api:
        monkeypatch.setenv("AWS_ENDPOINT_URL", api.url)
        planned = observe("--destination", "-", input=record)
        assert "RetriesExhausted: ValueError, tried 3 times" in planned.stdout
        assert observe("--destination", "-", "--apply", input=record).exit_code == 0
        ((_, _, event, context),) = api.calls
        assert event == payload.encode()
        assert json.loads(context or "") == {"custom": {semconv.REPLAY: "req-9"}}
        again = observe("--destination", "-", "--apply", input=record)
        assert "already_replayed" in again.stdout
    assert len(api.calls) == 1
    assert (tmp_path / "store").is_dir()


def test_a_file_that_is_no_record_is_a_sentence(observe: Observe, tmp_path: Path) -> None:
    """Exit code 1, its name, and what was looked for."""
    for text in ("{", "[]", '{"a": 1}'):
        (tmp_path / "record.json").write_text(text)
        result = observe("--destination", str(tmp_path / "record.json"))
        assert result.exit_code == 1
        assert "record.json" in result.output


def test_objects_of_a_destination_bucket_are_read(observe: Observe, monkeypatch: pytest.MonkeyPatch) -> None:
    """One object by its key, all below a prefix, and a sentence where there is none."""
    from console.local.moto_server import MotoServer

    context = {"requestId": "req-1", "functionArn": f"{ARN}:$LATEST", "condition": "RetriesExhausted"}
    with MotoServer() as aws:
        s3 = aws.client("s3")
        s3.create_bucket(Bucket="failed", CreateBucketConfiguration={"LocationConstraint": REGION})
        for n in range(3):
            record = {"requestContext": {**context, "requestId": f"req-{n}"}, "requestPayload": {"n": n}}
            s3.put_object(Bucket="failed", Key=f"aws/lambda/async/{n}.json", Body=json.dumps(record).encode())
        monkeypatch.setenv("AWS_ENDPOINT_URL", aws.endpoint_url)
        monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
        assert len(json.loads(observe("--destination", "s3://failed/aws/", "--json").stdout)) == 3
        (one,) = json.loads(observe("--destination", "s3://failed/aws/lambda/async/2.json", "--json").stdout)
        assert one["request_id"] == "req-2"
        missing = observe("--destination", "s3://failed/none.json")
        assert missing.exit_code == 1
        assert "cannot be read" in missing.output
