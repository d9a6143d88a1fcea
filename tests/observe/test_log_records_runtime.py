"""The records of logging under the real runtime client: untouched, as lines of ours, and in Lambda's JSON."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import pytest

from tests.observe import overlaid
from tests.observe.attached import HTTP_EVENT, Ran, Run

pytestmark = pytest.mark.runtime

APP = """
    import logging, sys
    root = logging.getLogger()
    root.setLevel("DEBUG")
    log = logging.getLogger("claims")
    def handler(event, context):
        print("printed")
        log.info("accepted %s", "CLM-1", extra={"claim": "CLM-1", "password": "hunter2"})
        log.info("does not fit", "x")
        log.warning({"structured": 1})
        log.debug("in detail")
        try:
            raise KeyError("no such claim")
        except KeyError:
            log.exception("failed", stack_info=True)
        if event.get("boom"):
            raise ValueError("boom")
        return len(root.handlers)
"""
JSON = {"OBSERVE_LOGS": "json"}
LAMBDA_JSON = {"AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": "DEBUG"}


def ours(observed: Ran) -> list[dict[str, Any]]:
    """The log lines that are JSON, those of the platform and of spans apart."""
    found = [json.loads(line) for line in observed.log.messages() if line.startswith("{")]
    return [line for line in found if "message" in line and "event" not in line]


def test_records_are_lines_of_ours(run: Run) -> None:
    """Level, logger, message, extras, exception and stack, each once, with the request's identity."""
    observed = run(APP, environment=JSON)
    result = observed(HTTP_EVENT)
    assert json.loads(result.payload) == 1
    accepted, unfit, structured, failed = ours(observed)
    (span,) = observed.spans[:1]
    assert (accepted["level"], accepted["message"], accepted["logger"]) == (
        "INFO",
        "accepted CLM-1",
        "claims",
    )
    assert (accepted["claim"], accepted["password"]) == ("CLM-1", "[REDACTED]")
    assert (accepted["trace_id"], accepted["requestId"]) == (span["traceId"], result.request_id)
    assert (accepted["correlation_id"], accepted["service"]) == ("CLM-1", "submit-claim")
    assert unfit["message"] == "does not fit ('x',)"
    assert (structured["level"], structured["message"]) == ("WARN", '{"structured":1}')
    assert (failed["level"], failed["error"]["type"]) == ("ERROR", "KeyError")
    assert "raise KeyError" in failed["error"]["stack"]
    assert "in handler" in failed["stack_info"]
    lines = observed.log.messages()
    assert sum("accepted" in line for line in lines) == 1
    assert any(line.strip() == "printed" for line in lines)
    assert observed.said == []


def test_records_below_the_level_are_released_by_a_failure(run: Run) -> None:
    """What logging makes below OBSERVE_LOG_LEVEL is held back until the invocation fails."""
    observed = run(APP, environment=JSON)
    observed({**HTTP_EVENT, "boom": True})
    assert [line["message"] for line in ours(observed)][-1] == "in detail"
    assert ours(observed)[-1]["level"] == "DEBUG"


@pytest.mark.parametrize(
    "setup",
    [
        "logging.basicConfig(force=True, stream=sys.stdout, format='mine %(message)s', level='INFO')",
        "root.handlers[0].setFormatter(logging.Formatter('mine %(aws_request_id).1s%(message)s\\n'))",
        "root.handlers.clear(); root.addHandler(logging.StreamHandler(sys.stdout)); "
        "root.handlers[0].setFormatter(logging.Formatter('mine %(message)s'))",
        "import logging.config; logging.config.dictConfig({'version': 1, 'formatters': {'f': {'format': "
        "'mine %(message)s'}}, 'handlers': {'h': {'class': 'logging.StreamHandler', 'stream': "
        "'ext://sys.stdout', 'formatter': 'f'}}, 'root': {'handlers': ['h'], 'level': 'INFO'}})",
    ],
    ids=["basicConfig", "setFormatter", "handlers", "dictConfig"],
)
def test_user_code_that_sets_up_logging_gets_its_way(run: Run, setup: str) -> None:
    """With its own handlers or format the lines are what they are without us: none twice, none lost."""
    source = f"""
    import logging, sys
    root = logging.getLogger()
    root.setLevel("INFO")
    {setup}
    def handler(event, context):
        logging.info("one")
        logging.error("two")
    """
    bare, observed = run(source, layer=False), run(source, environment=JSON)
    for each in (bare, observed):
        each({})
    mine = [
        [line[:4] + line[-4:] for line in each.application if "mine" in line] for each in (bare, observed)
    ]
    assert mine[0] == mine[1]
    assert len(mine[0]) == 2
    assert ours(observed) == []


def test_a_handler_that_user_code_adds_writes_beside_ours(run: Run) -> None:
    """As it does beside the runtime's: each handler once."""
    observed = run(
        """
        import logging, sys
        root = logging.getLogger()
        root.setLevel("INFO")
        root.addHandler(logging.StreamHandler(sys.stdout))
        def handler(event, context):
            logging.info("told")
        """,
        environment=JSON,
    )
    observed({})
    assert [line["message"] for line in ours(observed)] == ["told"]
    assert [line.strip() for line in observed.log.messages()].count("told") == 1


def test_by_default_logging_is_untouched(run: Run) -> None:
    """Without OBSERVE_LOGS the lines of logging and print are byte for byte what they were."""
    bare, observed = run(APP, layer=False), run(APP)
    bare(HTTP_EVENT)
    observed(HTTP_EVENT)
    lines = ["\n".join(each.application).replace("task1", "task0") for each in (bare, observed)]
    assert lines[1].startswith(lines[0].split("Stack (most recent")[0])


def test_in_lambdas_json_mode_the_runtimes_lines_have_our_fields(run: Run) -> None:
    """Nothing is wrapped twice, our own lines are valid beside them, and the record's own fields win."""
    source = """
    import logging, observe
    def handler(event, context):
        with observe.log.bound(step="price", logger="odd"):
            logging.info("theirs", extra={"claim": "CLM-1", "service": "mine"})
            logging.warning({"structured": 1})
            observe.log.info("ours")
        kept = logging.makeLogRecord({"msg": "m", "levelno": 20})
        logging.getLogger().handlers[0].format(kept)
        return sorted(name for name in vars(kept) if "id" in name or name == "step")
    """
    bare = run(
        source.replace('with observe.log.bound(step="price", logger="odd"):', "if 1:")
        .replace("import logging, observe", "import logging")
        .replace('observe.log.info("ours")', "pass"),
        layer=False,
        environment=LAMBDA_JSON,
    )
    observed = run(source, environment=LAMBDA_JSON)
    bare(HTTP_EVENT)
    result = observed(HTTP_EVENT)
    assert json.loads(result.payload) == []
    theirs, structured, own = ours(observed)
    (span,) = observed.spans[:1]
    assert (theirs["message"], theirs["service"], theirs["claim"]) == ("theirs", "mine", "CLM-1")
    assert structured["message"] == {"structured": 1}
    for line in (theirs, structured, own):
        assert (line["trace_id"], line["span_id"]) == (span["traceId"], span["spanId"])
        assert (line["correlation_id"], line["requestId"], line["step"]) == (
            "CLM-1",
            result.request_id,
            "price",
        )
    added = {"trace_id", "span_id", "correlation_id", "step"}
    assert [{*line} - added - {"service"} for line in (theirs, structured)] == [
        {*line} - {"service"} for line in ours(bare)
    ]


def test_lambdas_json_mode_and_lines_of_ours(run: Run) -> None:
    """With both, records are lines of ours, and a held one that is released passes Lambda's filter."""
    environment = {**JSON, **LAMBDA_JSON, "AWS_LAMBDA_LOG_LEVEL": "INFO"}
    observed = run(APP, environment=environment)
    observed({**HTTP_EVENT, "boom": True})
    lines = ours(observed)
    detail = next(line for line in lines if line["message"] == "in detail")
    assert (detail["level"], detail["severity_text"]) == ("INFO", "DEBUG")
    assert all(line["timestamp"].endswith("Z") for line in lines)


def test_a_transaction_at_debug_passes_the_filter(run: Run) -> None:
    """The caller's `observe.debug` switches DEBUG on in a function whose level is WARN."""
    observed = run(
        "import observe\ndef handler(event, context):\n    observe.log.debug('told')\n",
        environment={"AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": "WARN"},
    )
    custom = {"custom": {"x-correlation-id": "CLM-9", "baggage": "observe.debug=1"}}
    observed({}, client_context=json.dumps(custom))
    (line,) = ours(observed)
    assert (line["level"], line["severity_text"], line["message"]) == ("WARN", "DEBUG", "told")


FRAME = struct.Struct(">IIQ")  # type, length, microseconds: FramedTelemetryLogSink


def frames(raw: bytes) -> list[tuple[int, str]]:
    """(type, message) of each frame."""
    found = []
    while raw:
        kind, length, _ = FRAME.unpack_from(raw)
        found.append((kind, raw[FRAME.size : FRAME.size + length].decode()))
        raw = raw[FRAME.size + length :]
    return found


@pytest.mark.parametrize("logs", ["untouched", "json"])
def test_with_lambdas_telemetry_descriptor_every_line_is_written_once(
    run: Run, tmp_path: Path, logs: str
) -> None:
    """Lambda gives the runtime a descriptor of its own for logging: its frames stay whole, ours is stdout."""
    wrapper, written = tmp_path / "wrapper", tmp_path / "frames"
    lead = f"#!/bin/sh\nexec 9>{written}\nexport _LAMBDA_TELEMETRY_LOG_FD=9\n"
    wrapper.write_text(f'{lead}exec "$@"\n')
    wrapper.chmod(0o755)
    observed = run(
        """
        import logging, observe
        def handler(event, context):
            logging.error("theirs", extra={"claim": "CLM-1"})
            observe.log.info("ours")
        """,
        environment={**LAMBDA_JSON, "OBSERVE_LOGS": logs, "OBSERVE_EXEC_WRAPPER": str(wrapper)},
    )
    observed(HTTP_EVENT)
    framed = [(kind, json.loads(message)) for kind, message in frames(written.read_bytes())]
    plain = ours(observed)
    assert [line["message"] for line in plain] == (["ours"] if logs == "untouched" else ["theirs", "ours"])
    assert [(kind, line["message"]) for kind, line in framed] == (
        [(0xA55A0016, "theirs")] if logs == "untouched" else []
    )
    for line in (*plain, *(line for _, line in framed)):
        assert (line["correlation_id"], line["trace_id"]) == ("CLM-1", observed.spans[0]["traceId"])


@pytest.mark.parametrize("form", ["monitoring", "dogstatsd", "datadog", "emf"])
def test_metrics_and_spans_pass_a_filter_of_warnings(run: Run, form: str) -> None:
    """Lambda drops lines below its level: log lines below it are, and nothing else that was asked for is."""
    observed = run(
        """
        import observe
        def handler(event, context):
            observe.log.info("below")
            observe.log.warning("told")
            observe.metrics.increment("claims.submitted", tags={"product": "motor"})
            observe.metrics.event("deployed", "claims")
            with observe.span("price"):
                pass
        """,
        environment={
            "AWS_LAMBDA_LOG_FORMAT": "JSON",
            "AWS_LAMBDA_LOG_LEVEL": "WARN",
            "OBSERVE_METRICS_FORMAT": form,
        },
    )
    observed(HTTP_EVENT)
    assert [line["message"] for line in ours(observed)] == ["told"]
    assert [span["name"] for span in observed.spans if span["name"] == "price"] == ["price"]
    lines = [line for line in observed.log.messages() if line.startswith("{")]
    assert sum("claims.submitted" in line for line in lines) == 1
    assert sum("deployed" in line for line in lines) == 1


def test_what_a_failure_tells_passes_a_filter_of_warnings(run: Run) -> None:
    """The lines that were held, what the buffer had no room for, the event, and the span."""
    observed = run(
        """
        import observe
        def handler(event, context):
            for n in range(30):
                observe.log.debug("held %d", n)
            raise ValueError("boom")
        """,
        environment={
            "AWS_LAMBDA_LOG_FORMAT": "JSON",
            "AWS_LAMBDA_LOG_LEVEL": "ERROR",
            "OBSERVE_LOG_BUFFER": "2000",
        },
    )
    observed(HTTP_EVENT)
    lines = [json.loads(line) for line in observed.log.messages() if line.startswith("{")]
    held = [line for line in lines if str(line.get("message", "")).startswith("held ")]
    assert held[-1]["message"] == "held 29"
    assert {(line["level"], line["severity_text"]) for line in held} == {("ERROR", "DEBUG")}
    (note,) = [line for line in lines if line.get("event") == "observe.log_buffer"]
    assert note["omitted"]["lines"] + len(held) == 30
    assert [line["event"] for line in lines if "invocation_event" in line] == ["observe.invocation_event"]
    assert observed.spans[0]["status"]["code"] == 2


@overlaid.needs_layers
def test_powertools_lines_are_its_own_and_written_once(run: Run, opt: Path, tmp_path: Path) -> None:
    """Its logger has a handler of its own and keeps its records from the root's: from ours, too."""
    observed = run(
        """
        import logging
        from aws_lambda_powertools import Logger
        logger = Logger()
        def handler(event, context):
            logger.info("theirs")
            logging.getLogger("library").warning("ours")
        """,
        environment={**JSON, "POWERTOOLS_SERVICE_NAME": "claims"},
        opt=overlaid.overlay(opt, tmp_path / "opt", overlaid.POWERTOOLS),
        memory_mb=256,
    )
    observed(HTTP_EVENT)
    theirs, own = ours(observed)
    assert (theirs["message"], theirs["service"], "trace_id" in theirs) == ("theirs", "claims", False)
    assert (own["message"], own["logger"], "trace_id" in own) == ("ours", "library", True)
    assert observed.said == []
