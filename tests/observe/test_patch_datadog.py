"""A function that uses the datadog client needs no change: what it would send is a line on stdout."""

from __future__ import annotations

import importlib.util
import json
import shutil
import socket
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from datadog.dogstatsd.base import DogStatsd
from hypothesis import given
from hypothesis import strategies as st

from observe import hooks, patch_datadog
from observe.testing import Lines, capture
from tests.observe.attached import HTTP_EVENT, Run
from tests.observe.test_metrics import configure, inside
from tests.observe.test_metrics_datadog import CARDINALITIES, MEMBERS, NAMES, NUMBERS, TAGS, TEXT, Agent

APP = """
    import sys, threading
    from datadog import DogStatsd, initialize, statsd
    used = []
    sys.addaudithook(lambda name, args: used.append(name) if name.startswith("socket.") else None)
    own = DogStatsd(namespace="claims", constant_tags=["k:v"], container_id="ci-1", cardinality="low",
                    disable_buffering=False, disable_aggregation=False, disable_background_sender=False)
    statsd.increment("at.import")
    def handler(event, context):
        del used[:]
        print("printed")
        statsd.increment("page.views", tags=["a b:c"])
        statsd.gauge_with_timestamp("depth", 3, 1713804588)
        statsd.event("title", "two\\nlines", tags=["x:y"])
        statsd.service_check("db.up", DogStatsd.WARNING)
        with statsd.timed("block", use_ms=True):
            pass
        with DogStatsd() as batch:
            batch.gauge("g1", 1)
            batch.gauge("g2", 2)
        own.increment("own")
        own.set("users", "ann")
        own.flush()
        own.wait_for_pending()
        initialize(statsd_host="localhost", statsd_disable_buffering=False, statsd_disable_aggregation=False)
        statsd.increment("initialized")
        return {"used": used, "threads": [thread.name for thread in threading.enumerate()]}
"""
TOLD = [
    "page.views:1|c|#a_b:c",
    "depth:3|g|T1713804588",
    "block:0|ms",
    "g1:1|g",
    "g2:2|g",
    "claims.own:1|c|#k:v|c:ci-1|card:low",
    "claims.users:ann|s|#k:v|c:ci-1|card:low",
    "initialized:1|c",
]
AT_ONCE = ["_e{5,10}:title|two\\nlines|#x:y", "_sc|db.up|1"]


def agent_is_there() -> bool:
    """Something on this machine listens where an agent would: then clients are left alone, and rightly so."""
    return patch_datadog._has_agent()


pytestmark = pytest.mark.skipif(agent_is_there(), reason="somebody listens on UDP port 8125")


@pytest.mark.runtime
@pytest.mark.parametrize("log_format", ["Text", "JSON"])
def test_a_function_that_uses_statsd(run: Run, log_format: str) -> None:
    """Its datagrams are lines of its invocation's end, without a socket or a thread; events come at once."""
    variables = {"OBSERVE_METRICS_FORMAT": "emf", "AWS_LAMBDA_LOG_FORMAT": log_format}
    observed = run(APP, environment=variables)
    result = json.loads(observed(HTTP_EVENT).payload)
    messages = [line.strip() for line in observed.log.messages()]
    if log_format == "JSON":
        documents = [json.loads(line) for line in messages if '"metric"' in line]
        assert all(list(document) == ["timestamp", "level", "metric"] for document in documents)
        messages = [document["metric"] for document in documents]
    found = [line for line in messages if line in (*TOLD, *AT_ONCE, "at.import:1|c")]
    assert found == ["at.import:1|c", *AT_ONCE, *TOLD]
    assert result["used"] == []
    assert not [name for name in result["threads"] if "DogStatsd" in name]
    assert observed.said == []


@pytest.mark.runtime
def test_the_next_invocation_and_one_that_fails(run: Run) -> None:
    """Each invocation tells its own, a failed one too."""
    observed = run(
        """
        from datadog import statsd
        def handler(event, context):
            statsd.increment("calls")
            raise ValueError("no such claim")
        """
    )
    for _ in range(2):
        observed(HTTP_EVENT)
        assert [line.strip() for line in observed.log.messages()].count("calls:1|c") == 1


@pytest.mark.runtime
def test_where_there_is_an_agent_it_gets_everything(run: Run) -> None:
    """Whoever listens on the agent's port: the client is left alone."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as agent:
        agent.bind(("127.0.0.1", 8125))
        agent.settimeout(20)
        observed = run(
            """
            from datadog import statsd
            def handler(event, context):
                statsd.increment("calls")
            """
        )
        observed(HTTP_EVENT)
        assert agent.recv(1000).startswith(b"calls:1|c")
    assert not any("calls" in line for line in observed.log.messages())
    assert observed.said == []


@pytest.mark.runtime
@pytest.mark.parametrize("before", ["import datadog_lambda, datadog", "import datadog, datadog_lambda"])
def test_beside_datadogs_own_layer_the_client_is_left_alone(run: Run, before: str) -> None:
    """Whichever is imported first: that layer has an extension to send to."""
    observed = run(
        f"""
        {before}
        def handler(event, context):
            datadog.statsd.increment("calls")
        """,
        files={"datadog_lambda/__init__.py": ""},
    )
    observed(HTTP_EVENT)
    assert not any("calls" in line for line in observed.log.messages())


@pytest.mark.runtime
def test_an_unknown_version_is_left_alone_and_said(run: Run, tmp_path: Path) -> None:
    """A client of a later age may send by other ways: one warning, and the function works."""
    source = importlib.util.find_spec("datadog")
    assert source is not None
    assert source.origin is not None
    shutil.copytree(
        Path(source.origin).parent, tmp_path / "site/datadog", ignore=shutil.ignore_patterns("*.pyc")
    )
    (tmp_path / "site/datadog/version.py").write_text('__version__ = "1.0.0"\n')
    observed = run(
        """
        import datadog
        def handler(event, context):
            datadog.statsd.increment("calls")
            return datadog.__version__
        """,
        isolated_site=tmp_path / "site",
    )
    assert json.loads(observed(HTTP_EVENT).payload) == "1.0.0"
    assert not any("calls" in line for line in observed.log.messages())
    (said,) = observed.said
    assert "datadog 1.0.0 is outside 0.30 to 0.x; its metrics are not written" in said


@pytest.mark.runtime
def test_without_metrics_the_client_is_left_alone(run: Run) -> None:
    """OBSERVE_MODE=propagate writes none, of nobody."""
    observed = run(APP, environment={"OBSERVE_MODE": "propagate"})
    observed(HTTP_EVENT)
    assert not any(line.strip() in (*TOLD, *AT_ONCE) for line in observed.log.messages())


# --- In this process ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[Agent]:
    """A client that user code has given another port: patched as all are, and left alone."""
    hooks.install()
    made = Agent()
    yield made
    made.close()


CALLS = st.one_of(
    st.tuples(
        st.sampled_from(["increment", "decrement", "count", "gauge", "histogram", "distribution", "timing"]),
        st.tuples(NAMES, NUMBERS, TAGS, st.none(), CARDINALITIES),
    ),
    st.tuples(st.just("set"), st.tuples(NAMES, MEMBERS, TAGS)),
    st.tuples(st.just("gauge_with_timestamp"), st.tuples(NAMES, NUMBERS, st.integers(0, 2**32), TAGS)),
    st.tuples(st.just("event"), st.tuples(TEXT, TEXT)),
    st.tuples(st.just("service_check"), st.tuples(NAMES, st.integers(0, 3), TAGS)),
)


@given(st.lists(CALLS, min_size=1, max_size=8), st.booleans())
def test_the_lines_are_what_the_client_sends(elsewhere: Agent, calls: list[Any], buffered: bool) -> None:
    """Datagram for datagram, in their order, buffered or not; and no thread is begun."""
    configure()
    before = set(threading.enumerate())  # other tests of this process may have clients of their own
    ours = DogStatsd(disable_buffering=not buffered)
    assert patch_datadog._is_ours(ours)
    with capture() as lines:
        inside(lambda: [getattr(ours, method)(*args) for method, args in calls])
    for method, args in calls:
        getattr(elsewhere.client, method)(*args)
    sent = elsewhere.received()
    at_once = [datagram for datagram in sent if datagram.startswith("_")]
    assert lines.metrics == at_once + [datagram for datagram in sent if not datagram.startswith("_")]
    begun = set(threading.enumerate()) - before
    assert not [thread for thread in begun if "DogStatsd" in thread.name]


def test_a_client_that_is_sent_elsewhere_goes_there(elsewhere: Agent, lines: Lines, tmp_path: Path) -> None:
    """A port, a host or a socket path that user code has chosen is its own affair, and may change."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as unix:
        unix.bind(str(tmp_path / "dsd"))
        unix.settimeout(20)
        client = DogStatsd(socket_path=str(tmp_path / "dsd"), disable_telemetry=True)
        client.increment("by.path")
        assert unix.recv(1000).startswith(b"by.path:1|c")
        client.close_socket()
    moved = DogStatsd(disable_telemetry=True, origin_detection_enabled=False, disable_buffering=False)
    moved.increment("ours")
    moved.port = elsewhere.client.port
    moved.increment("moved")
    moved.flush()
    moved.close_socket()
    assert elsewhere.received() == ["moved:1|c"]
    assert lines.metrics == ["ours:1|c"]


@pytest.mark.parametrize(
    "environment",
    [
        {"DD_AGENT_HOST": "10.0.0.5"},
        {"DD_AGENT_HOST": "10.0.0.5", "DD_DOGSTATSD_PORT": "9125"},
        {"DD_DOGSTATSD_URL": "udp://10.0.0.5:9125"},
        {"DD_DOGSTATSD_URL": "unix:///var/run/datadog/dsd.socket"},
    ],
)
def test_a_place_of_the_environment_is_the_default(
    elsewhere: Agent, lines: Lines, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]
) -> None:
    """It is said for the whole deployment; user code has chosen nothing."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    DogStatsd().increment("a")
    assert lines.metrics == ["a:1|c"]
    assert not patch_datadog._is_ours(DogStatsd(host="10.0.0.6"))


MADE_BEFORE = """
    import threading
    from datadog import DogStatsd, statsd
    own = DogStatsd(disable_buffering=False, disable_aggregation=False, flush_interval=60)
    own.increment("held", 2)
    own.histogram("held.back", 3)
    import observe
    @observe.instrument
    def handler(event, context):
        own.increment("own")
        statsd.increment("default")
        assert own._flush_thread is None
    handler({}, None)
"""


def test_clients_made_before_are_taken_over() -> None:
    """A decorated handler comes after its imports: what a client holds by then is written, too."""
    ran = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(MADE_BEFORE)], check=True, capture_output=True, timeout=60
    )
    told = [line for line in ran.stdout.decode().splitlines() if not line.startswith("{")]
    # The client's own container, as it found it before anybody knew.
    assert [line.split("|c:")[0] for line in told] == ["held:2|c", "held.back:3|h", "own:1|c", "default:1|c"]
    assert b"observe.fault" not in ran.stdout


def test_a_datagram_too_large_for_a_line(elsewhere: Agent, lines: Lines) -> None:
    """No agent would get it either; it is said, and the next one is written."""
    client = DogStatsd()
    client.increment("a", tags=["x" * 300_000])
    client.increment("b")
    assert lines.metrics == ["b:1|c"]
    assert "are too many for a line" in lines.logs[0]["message"]
