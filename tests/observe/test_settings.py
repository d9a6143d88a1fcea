"""The settings: names, precedence, defaults, and what happens to a value that cannot be used."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from observe.outbound import takes_baggage
from observe.settings import VARIABLES, Settings

ROOT = Path(__file__).parents[2]


@given(st.dictionaries(st.sampled_from(sorted(VARIABLES)), st.text(max_size=40)))
def test_settings_never_raise(environ: dict[str, str]) -> None:
    """Whatever the variables say, there are settings."""
    found = Settings(environ)
    assert found.service
    assert 0 <= found.sample_rate <= 1
    assert found.slow_ns >= 0


@pytest.mark.parametrize(
    ("environ", "service"),
    [
        ({}, "unknown_service"),
        ({"AWS_LAMBDA_FUNCTION_NAME": "f"}, "f"),
        ({"AWS_LAMBDA_FUNCTION_NAME": "f", "POWERTOOLS_SERVICE_NAME": "p"}, "p"),
        ({"POWERTOOLS_SERVICE_NAME": "p", "DD_SERVICE": "d"}, "d"),
        ({"DD_SERVICE": "d", "OTEL_RESOURCE_ATTRIBUTES": "a=b, service.name=r"}, "r"),
        ({"OTEL_RESOURCE_ATTRIBUTES": "service.name=r", "OTEL_SERVICE_NAME": "o"}, "o"),
        ({"OTEL_SERVICE_NAME": "o", "OBSERVE_SERVICE": "x"}, "x"),
    ],
)
def test_the_service_name_has_a_precedence(environ: dict[str, str], service: str) -> None:
    """Our own variable, the standard one, Datadog's, Powertools', the function's name."""
    assert Settings(environ).service == service


@pytest.mark.parametrize(
    ("environ", "rate"),
    [
        ({}, 1.0),
        ({"OTEL_TRACES_SAMPLER": "always_off"}, 0.0),
        ({"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.25"}, 0.25),
        ({"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "25%"}, 1.0),
        ({"OTEL_TRACES_SAMPLER": "jaeger_remote"}, 1.0),
    ],
)
def test_the_sampling_rate(environ: dict[str, str], rate: float) -> None:
    """The standard variables give the rate; what is not understood samples everything."""
    assert Settings(environ).sample_rate == rate


def test_lambdas_level_wins() -> None:
    """AWS_LAMBDA_LOG_LEVEL is before ours, and both spellings of a level are known."""
    assert Settings({"AWS_LAMBDA_LOG_LEVEL": "WARNING", "OBSERVE_LOG_LEVEL": "DEBUG"}).level == "WARN"
    assert Settings({"OBSERVE_LOG_LEVEL": "critical"}).level == "FATAL"


def test_baggage_hosts_are_exact_or_suffixes() -> None:
    """A name is that host; a name with a leading dot is every host below it."""
    found = Settings({"OBSERVE_BAGGAGE_HOSTS": "Legacy.local., .example.com, [::1]:8080, not a host"})
    assert takes_baggage("legacy.local", 80, found)
    assert takes_baggage("api.example.com", 443, found)
    assert takes_baggage("::1", 8080, found)
    assert not takes_baggage("::1", 80, found)
    assert not takes_baggage("example.com.evil.org", 80, found)
    assert not takes_baggage("notexample.com", 80, found)
    assert found.problems == ["OBSERVE_BAGGAGE_HOSTS: 'not a host' is not a host; it is ignored"]


def test_every_variable_is_documented_and_every_documented_one_exists() -> None:
    """docs/layer.md has a row for each variable the layer reads, and no other."""
    page = (ROOT / "docs" / "layer.md").read_text(encoding="utf-8")
    rows = set(re.findall(r"^\| `([A-Z][A-Z0-9_]+)`", page, re.MULTILINE))
    assert rows == {*VARIABLES, "AWS_LAMBDA_EXEC_WRAPPER"}


#: Of Lambda and Python themselves; nobody sets them for us.
INTERNAL = {"_HANDLER", "_X_AMZN_TRACE_ID", "LAMBDA_TASK_ROOT", "AWS_EXECUTION_ENV", "PYTHONPATH"}
NAME = re.compile(
    r"(?:OBSERVE|OTEL|DD|DATADOG|AWS_LAMBDA|POWERTOOLS|ELASTIC|NEW_RELIC)_[A-Z0-9_]+|_HANDLER|_X_AMZN_[A-Z_]+"
)


def _named(path: Path) -> set[str]:
    """The variables whose names are in a module's code; the table of them is no code."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    table = next(
        (
            node
            for node in tree.body
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "VARIABLES"
        ),
        None,
    )
    left_out = {id(node) for node in ast.walk(table)} if table is not None else set()
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and NAME.fullmatch(node.value)
        and id(node) not in left_out
    }


def test_every_variable_the_code_names_is_declared_and_each_of_those_is_named() -> None:
    """VARIABLES has what the layer's modules read, however they read it, and nothing that none reads."""
    named = set().union(*map(_named, (ROOT / "observe").rglob("*.py")))
    wrapper = (ROOT / "lambda_layer" / "observe-exec").read_text(encoding="utf-8")
    assert named - INTERNAL <= set(VARIABLES)
    assert set(VARIABLES) - named - {"OBSERVE_EXEC_WRAPPER"} == set()
    assert "OBSERVE_EXEC_WRAPPER" in wrapper


def test_every_variable_that_the_exec_wrapper_reads_is_documented() -> None:
    """On the page of settings, or where other layers are told of."""
    wrapper = (ROOT / "lambda_layer" / "observe-exec").read_text(encoding="utf-8")
    pages = "".join(
        (ROOT / "docs" / name).read_text(encoding="utf-8") for name in ("layer.md", "coexistence.md")
    )
    read = set(re.findall(r"\$\{?([A-Z_][A-Z0-9_]+)", wrapper))
    assert read
    assert {name for name in read if f"`{name}`" not in pages} <= INTERNAL


def test_a_switch_that_cannot_be_used_is_said() -> None:
    """OBSERVE_DISABLED is 1, true, yes or on, in any case; what is neither that nor its contrary is said."""
    assert all(Settings({"OBSERVE_DISABLED": text}).disabled for text in ("1", "true", "YES", "On"))
    assert not any(Settings({"OBSERVE_DISABLED": text}).disabled for text in ("", "0", "false", "off"))
    odd = Settings({"OBSERVE_DISABLED": "2"})
    assert not odd.disabled
    assert odd.problems == ["OBSERVE_DISABLED='2' is neither 1 nor 0; the layer is on"]
