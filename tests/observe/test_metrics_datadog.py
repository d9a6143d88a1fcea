"""Our datagrams are those of the datadog client, taken from a real socket; every format is read back."""

from __future__ import annotations

import functools
import inspect
import operator
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from datadog.dogstatsd.base import DogStatsd
from hypothesis import example, given
from hypothesis import strategies as st

from observe import metric_lines, metrics, settings
from observe.testing import Lines, capture
from subscribers.signals import Metric
from tests.observe.test_metrics import configure, inside
from tests.test_contract import read

#: As the client reads them, and as we do.
ENVIRONMENT = {
    "DATADOG_TAGS": "team:claims,cost centre:7",
    "DD_ENV": "prod",
    "DD_SERVICE": "claims",
    "DD_VERSION": "1.2.3",
}
NAMES = st.from_regex(r"[a-z][A-Za-z0-9_.]{0,19}", fullmatch=True)
TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
NUMBERS = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
TAGS = st.none() | st.lists(st.text(min_size=1, max_size=12), max_size=4)
CARDINALITIES = st.sampled_from([None, "none", "low", "orchestrator", "high"])
#: What would end the datagram is replaced by ours only: it is no datagram any more.
MEMBERS = TEXT.filter(lambda text: text and not set(text) & set("|\n\r")) | st.integers()
SIMPLE = {"count", "gauge", "histogram", "distribution", "timing"}


class Agent:
    """What a real client sends, by UDP as it does."""

    def __init__(self, **options: Any) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.setblocking(False)
        self.client = DogStatsd(
            host="127.0.0.1",
            port=self.socket.getsockname()[1],
            disable_telemetry=True,
            origin_detection_enabled=False,
            **options,
        )

    def received(self) -> list[str]:
        """The datagrams that have arrived; on the loopback that is before `send` returns."""
        found: list[str] = []
        while True:
            try:
                found += self.socket.recv(65_535).decode().rstrip("\n").split("\n")
            except BlockingIOError:
                return found

    def close(self) -> None:
        """Close both ends."""
        self.client.close_socket()
        self.socket.close()


@pytest.fixture(scope="module")
def agent() -> Iterator[Agent]:
    """A client with constant tags from the environment."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        made = Agent()
    yield made
    made.close()


def both(agent: Agent, method: str, *args: Any, **kwargs: Any) -> tuple[list[str], list[str]]:
    """What the client sends and what we write for one call; a sampled one is repeated until it is kept."""
    settings.replace(settings.Settings({**ENVIRONMENT, "OBSERVE_METRICS_FORMAT": "dogstatsd"}))
    theirs: list[str] = []
    while not theirs:
        getattr(agent.client, method)(*args, **kwargs)
        theirs = agent.received()
    with capture() as lines:
        while not lines.raw:
            getattr(metrics, method)(*args, **kwargs)
    return theirs, lines.metrics


@given(
    method=st.sampled_from(
        ["increment", "decrement", "count", "gauge", "histogram", "distribution", "timing"]
    ),
    name=NAMES,
    value=NUMBERS,
    tags=TAGS,
    rate=st.sampled_from([None, 1, 0.5, 0.9]),
    cardinality=CARDINALITIES,
)
@example(method="decrement", name="a", value=0.0, tags=[], rate=None, cardinality=None)
def test_numbers(
    agent: Agent, method: str, name: str, value: float, tags: Any, rate: Any, cardinality: Any
) -> None:
    """Every method that takes a number, with tags, sampling and cardinality, positional and by name."""
    theirs, ours = both(agent, method, name, value, tags, rate, cardinality)
    assert ours == theirs
    theirs, ours = both(
        agent, method, metric=name, value=value, tags=tags, sample_rate=rate, cardinality=cardinality
    )
    assert ours == theirs


@given(name=NAMES, value=MEMBERS, tags=TAGS)
def test_sets(agent: Agent, name: str, value: Any, tags: Any) -> None:
    """Members with colons and blanks, too."""
    theirs, ours = both(agent, "set", name, value, tags)
    assert ours == theirs


@pytest.mark.parametrize("method", ["count_with_timestamp", "gauge_with_timestamp"])
@given(name=NAMES, value=NUMBERS, timestamp=st.integers(-5, 2**32), tags=TAGS)
def test_timestamps(agent: Agent, method: str, name: str, value: float, timestamp: int, tags: Any) -> None:
    """A time before the epoch is none."""
    theirs, ours = both(agent, method, name, value, timestamp, tags)
    assert ours == theirs


@given(
    title=TEXT,
    message=TEXT,
    fields=st.fixed_dictionaries(
        {},
        optional={
            "alert_type": st.sampled_from(["error", "warning", "info", "success"]),
            "aggregation_key": NAMES,
            "source_type_name": NAMES,
            "date_happened": st.integers(0, 2**32),
            "priority": st.sampled_from(["normal", "low"]),
            "tags": TAGS,
            "hostname": NAMES,
            "cardinality": CARDINALITIES,
        },
    ),
)
def test_events(agent: Agent, title: str, message: str, fields: dict[str, Any]) -> None:
    """Every field, the lengths in bytes, line breaks escaped."""
    theirs, ours = both(agent, "event", title, message, **fields)
    assert ours == theirs


@given(
    name=NAMES,
    status=st.sampled_from([DogStatsd.OK, DogStatsd.WARNING, DogStatsd.CRITICAL, DogStatsd.UNKNOWN]),
    fields=st.fixed_dictionaries(
        {},
        optional={
            "tags": TAGS,
            "timestamp": st.integers(0, 2**32),
            "cardinality": CARDINALITIES,
            "hostname": NAMES,
            "message": TEXT | st.just("m: and m:\nm:"),
        },
    ),
)
def test_service_checks(agent: Agent, name: str, status: int, fields: dict[str, Any]) -> None:
    """Every status and field, the message escaped."""
    theirs, ours = both(agent, "service_check", name, status, **fields)
    assert ours == theirs


def test_the_statuses_and_the_methods_are_the_clients() -> None:
    """Whoever moves from one to the other finds what they had, with its parameters in their order."""
    assert (metrics.OK, metrics.WARNING, metrics.CRITICAL, metrics.UNKNOWN) == (
        DogStatsd.OK,
        DogStatsd.WARNING,
        DogStatsd.CRITICAL,
        DogStatsd.UNKNOWN,
    )
    for name in metrics.__all__:
        if name.islower():
            _, *theirs = inspect.signature(getattr(DogStatsd, name)).parameters.values()
            ours = inspect.signature(getattr(metrics, name)).parameters.values()
            assert [(p.name, p.default) for p in ours] == [(p.name, p.default) for p in theirs], name


CLEAN = st.lists(st.from_regex(r"[a-z]{1,3}:[a-z]{1,3}", fullmatch=True), max_size=2)
CALLS = st.lists(
    st.tuples(
        st.sampled_from(["increment", "decrement", "gauge", "set"]),
        st.sampled_from(["a", "b"]),
        st.integers(-9, 9),
        CLEAN,
    ),
    max_size=12,
)


@given(CALLS)
def test_an_invocation_is_aggregated_as_the_client_aggregates(calls: list[tuple[str, str, int, Any]]) -> None:
    """The datagrams of an invocation's end are those of the client's aggregation when it is flushed."""
    agent = Agent(disable_aggregation=False, flush_interval=0)
    try:
        for method, name, value, tags in calls:
            getattr(agent.client, method)(name, value, tags)
        agent.client.flush_aggregated_metrics()
        theirs = agent.received()
    finally:
        agent.close()
    configure(OBSERVE_METRICS_FORMAT="dogstatsd")
    with capture() as lines:
        inside(lambda: [getattr(metrics, method)(name, value, tags) for method, name, value, tags in calls])
    assert sorted(lines.metrics) == sorted(theirs)


# --- Read back ------------------------------------------------------------------------------

#: How each method's values are told by an invocation.
TOLD: dict[str, Callable[[list[Any]], list[Any]]] = {
    "count": lambda values: [functools.reduce(operator.add, values)],  # sum makes 0.0 of -0.0
    "gauge": lambda values: values[-1:],
    "histogram": list,
    "distribution": list,
    "timing": list,
    "set": lambda values: list(dict.fromkeys(map(str, values))),
}


@pytest.mark.parametrize("json_mode", ["", "JSON"])
@pytest.mark.parametrize("form", metric_lines.METRIC_FORMATS)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(sorted(TOLD)),
            # A name has one kind in EMF's fields and in a tag's: what readers must agree on.
            st.sampled_from(["claims.a", "claims.b"]),
            st.integers(-(2**40), 2**40) | st.floats(-1e9, 1e9, width=32),
            st.dictionaries(st.sampled_from(["product", "step"]), st.sampled_from(["motor", "a:b"])),
        ),
        min_size=1,
        max_size=15,
    )
)
def test_what_an_invocation_measures_is_read_back(form: str, json_mode: str, calls: list[Any]) -> None:
    """In every format, in text and in JSON mode, as far as the format tells kinds apart."""
    configure(OBSERVE_METRICS_FORMAT=form, AWS_LAMBDA_LOG_FORMAT=json_mode, OBSERVE_SERVICE="claims")
    expected: dict[tuple[str, str, tuple[tuple[str, str], ...]], list[Any]] = {}
    for kind, name, value, tags in calls:
        expected.setdefault((kind, name, tuple(tags.items())), []).append(value)
    with capture() as lines:
        inside(lambda: [getattr(metrics, kind)(name, value, tags) for kind, name, value, tags in calls])
    found = [signal for signal in read(*lines.raw) if isinstance(signal, Metric)]
    assert sorted(map(point, found)) == sorted(
        (shown(form, kind), name, value, tuple(sorted({**namespace(form, kind), **dict(tags)}.items())))
        for (kind, name, tags), values in expected.items()
        for value in map(text(kind), TOLD[kind](values))
    )


def point(metric: Metric) -> tuple[Any, ...]:
    """(kind, name, value, tags) as they are compared."""
    value = metric.set_member if metric.kind == "set" else repr(metric.value)
    return metric.kind, metric.name, value, tuple(sorted(metric.tags.items()))


def text(kind: str) -> Callable[[Any], str]:
    """A value as text, for members and numbers are sorted together."""
    return str if kind == "set" else lambda value: repr(float(value))


def shown(form: str, kind: str) -> str:
    """What a reader can tell of a kind."""
    if kind == "set" or form in ("monitoring", "dogstatsd"):
        return kind
    return kind if form == "emf" and kind in ("count", "timing") else "distribution"


def namespace(form: str, kind: str) -> dict[str, str]:
    """The reader adds CloudWatch's namespace."""
    return {"namespace": "claims"} if form == "emf" and kind != "set" else {}


def test_a_metric_of_the_layer_is_a_datagram_in_between(lines: Lines) -> None:
    """A set, an event and a check are datagrams whatever the format is."""
    for form in metric_lines.METRIC_FORMATS:
        configure(OBSERVE_METRICS_FORMAT=form)
        metrics.set("users", "ann")
        metrics.event("t", "m")
        metrics.service_check("c", metrics.OK)
    assert lines.metrics == ["users:ann|s", "_e{1,1}:t|m", "_sc|c|0"] * len(metric_lines.METRIC_FORMATS)
