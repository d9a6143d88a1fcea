"""When something is not as it should be the bare handler runs, and one line says why."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from lambda_layer import build
from tests.observe import runtimes
from tests.observe.attached import APP, HTTP_EVENT, Run

pytestmark = pytest.mark.runtime


def _broken(opt: Path, tmp_path: Path, change: Callable[[Path], object]) -> Path:
    copy = tmp_path / "broken-opt"
    shutil.copytree(opt, copy)
    for path in [copy, *copy.rglob("*")]:
        path.chmod(0o755)
    change(copy)
    for cached in (copy / "python").rglob("__pycache__"):
        shutil.rmtree(cached)
    return copy


def _entered(python: Path, task: Path, opt: Path, code: str) -> str:
    """What `code` prints on that Python, with the layer's entry module importable and a handler to wrap."""
    done = subprocess.run(
        [str(python), "-c", code],
        # /opt is read-only on Lambda; -c puts the current folder first.
        env={
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONPATH": f"{task}:{opt}/python",
            "OBSERVE_HANDLER": "app.handler",
        },
        cwd=task,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


@pytest.mark.parametrize(
    "change",
    [
        lambda opt: (opt / "python/observe/handler.py").write_text("this is not Python"),
        lambda opt: (opt / "python/observe/settings.py").write_text("1/0"),
        lambda opt: (opt / "python/observe/wire.py").unlink(),
        lambda opt: (opt / "python/observe/services/__init__.py").write_text("raise MemoryError"),
        lambda opt: shutil.rmtree(opt / "python/observe"),
    ],
    ids=["syntax", "raises", "missing", "memory", "gone"],
)
def test_a_broken_layer_runs_the_bare_handler(
    run: Run, opt: Path, tmp_path: Path, change: Callable[[Path], object]
) -> None:
    """Whatever is broken in the layer, the handler's result is what it would have been."""
    observed = run(APP, opt=_broken(opt, tmp_path, change))
    assert json.loads(observed(HTTP_EVENT).payload)["statusCode"] == 201
    assert len(observed.said) == 1
    assert "bare handler runs" in observed.said[0]


def test_a_fault_in_an_invocation_of_ours_is_said_once(run: Run, opt: Path, tmp_path: Path) -> None:
    """A fault while capturing leaves every invocation as it would have been."""

    def change(folder: Path) -> None:
        path = folder / "python/observe/services/http.py"
        path.write_text(path.read_text().replace("def records(event", "def records(event, unexpected"))

    observed = run(APP, opt=_broken(opt, tmp_path, change))
    assert json.loads(observed(HTTP_EVENT).payload)["statusCode"] == 201
    assert len(observed.said) == 1
    assert json.loads(observed(HTTP_EVENT).payload)["statusCode"] == 201
    assert observed.said == []


def test_a_function_with_its_own_module_of_our_name_runs_bare(run: Run) -> None:
    """A function's own `observe` is found first; the layer steps aside and says so."""
    source = "import observe\ndef handler(event, context):\n    return observe.MINE\n"
    observed = run(source, files={"observe.py": "MINE = 1\n"})
    assert json.loads(observed({}).payload) == 1
    assert "is a module of that name" in observed.said[0]


@pytest.mark.parametrize("place", ["src/observe.py", "src/observe/__init__.py"])
def test_a_module_of_our_name_on_the_pythonpath(run: Run, tmp_path: Path, place: str) -> None:
    """What PYTHONPATH finds before ours makes the layer step aside, not fail."""
    (tmp_path / place).parent.mkdir(parents=True)
    (tmp_path / place).write_text("MINE = 1\n")
    observed = run(APP, environment={"PYTHONPATH": f"/nowhere:{tmp_path}/src"})
    assert json.loads(observed(HTTP_EVENT).payload)["statusCode"] == 201
    assert "is a module of that name" in observed.said[0]


def test_a_folder_of_our_name_without_python_is_no_module(run: Run) -> None:
    """A data folder named observe does not turn the layer off."""
    observed = run(APP, files={"observe/readme.txt": "data"})
    assert json.loads(observed(HTTP_EVENT).payload)["statusCode"] == 201
    assert len(observed.spans) == 1


def test_a_function_that_sets_pythonpath(run: Run) -> None:
    """Lambda leaves /opt/python out where PYTHONPATH is set; the wrapper adds it."""
    observed = run(APP, environment={"PYTHONPATH": "/var/task/lib"})
    assert json.loads(observed(HTTP_EVENT).payload)["statusCode"] == 201
    assert len(observed.spans) == 1


@pytest.mark.parametrize("version", ["3.7", "3.8", "3.9", "3.10"])
def test_an_unsupported_python_runs_the_bare_handler(opt: Path, tmp_path: Path, version: str) -> None:
    """On an older Python the entry module hands over the function's own handler."""
    python = runtimes.find(version)
    (tmp_path / "app.py").write_text("def handler(event, context):\n    return 'bare'\n")
    code = "import observe.entry as e; print(e.handler({}, None), e.handler.__module__)"
    printed = _entered(python, tmp_path, opt, code)
    assert "bare app" in printed
    assert "is older than 3.11" in printed


@pytest.mark.parametrize("version", build.VERSIONS)
def test_every_supported_python(opt: Path, tmp_path: Path, version: str) -> None:
    """The zip's own libraries work on each Python that Lambda offers, where the machine has it."""
    python = runtimes.find(version)
    (tmp_path / "app.py").write_text(
        "import observe\ndef handler(event, context):\n    observe.log.info('told', n=1)\n    return 'done'\n"
    )
    code = "import observe.entry as e, observe.testing as t; print(e.handler({}, t.LambdaContext()))"
    printed = _entered(python, tmp_path, opt, code)
    log, span, result = printed.splitlines()
    assert json.loads(log)["message"] == "told"
    assert (
        json.loads(log)["span_id"]
        == json.loads(span)["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["spanId"]
    )
    assert result == "done"


def _executed(wrapper: Path, *command: str, **environment: str) -> dict[str, str]:
    """Run the wrapper as Lambda does, with a command that prints its arguments and its environment."""
    script = 'for one; do printf "%s\\0" "$one"; done; printf "\\n"; env -0'
    done = subprocess.run(
        [str(wrapper), "/bin/sh", "-c", script, "sh", *command],
        env={
            "PATH": "/usr/bin:/bin",
            "LAMBDA_TASK_ROOT": "/nowhere",
            "_HANDLER": "app.handler",
            **environment,
        },
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    *said, passed, variables = done.stdout.split("\n", 2) if "\n" in done.stdout else ("", done.stdout)
    found = dict(one.split("=", 1) for one in variables.split("\0") if "=" in one)
    return {**found, "passed": passed, "said": "".join(said)}


@pytest.mark.parametrize("arguments", [[], ["a b", "*", "", "$HOME", "'", '"', "ë"]])
def test_the_command_line_is_handed_on_as_it_is(opt: Path, arguments: list[str]) -> None:
    """Spaces, quotes and patterns reach the runtime unchanged."""
    found = _executed(opt / "observe-exec", *arguments)
    assert found["passed"] == "".join(f"{argument}\0" for argument in arguments)
    assert (found["_HANDLER"], found["OBSERVE_HANDLER"]) == ("observe.entry.handler", "app.handler")


def test_a_layer_in_a_folder_with_spaces(opt: Path, tmp_path: Path) -> None:
    """Folders are taken as they are named, in PYTHONPATH, too, where patterns are none."""
    folder = tmp_path / "my opt"
    shutil.copytree(opt, folder, symlinks=True)
    found = _executed(folder / "observe-exec", PYTHONPATH=f"/x y:*::{tmp_path}")
    assert found["PYTHONPATH"] == f"/x y:*::{tmp_path}:{folder}/python"
    assert found["_HANDLER"] == "observe.entry.handler"
    found = _executed(folder / "observe-exec", PYTHONPATH=found["PYTHONPATH"])
    assert found["PYTHONPATH"].count("my opt") == 1


def test_a_reason_is_valid_json_whatever_the_folders_are_called(opt: Path, tmp_path: Path) -> None:
    """Quotes and backslashes in a path do not break the line that tells of it."""
    task = tmp_path / 'a"b\\c'
    task.mkdir()
    (task / "observe.py").touch()
    found = _executed(opt / "observe-exec", LAMBDA_TASK_ROOT=str(task))
    assert json.loads(found["said"])["event"] == "observe.off"
    assert found["_HANDLER"] == "app.handler"


@pytest.mark.parametrize("version", ["python2.7", "python3.6", "python3.9", "python3.10"])
def test_a_python_that_is_too_old_is_left_alone(opt: Path, version: str) -> None:
    """Where Lambda tells the version nothing of ours is started at all."""
    found = _executed(opt / "observe-exec", AWS_EXECUTION_ENV=f"AWS_Lambda_{version}")
    assert found["_HANDLER"] == "app.handler"
    assert f"{version} is older than 3.11" in found["said"]


@pytest.mark.parametrize("version", ["python3.11", "python3.14", "Image"])
def test_a_python_that_is_new_enough(opt: Path, version: str) -> None:
    """From 3.11 on, and where the version is not told."""
    found = _executed(opt / "observe-exec", AWS_EXECUTION_ENV=f"AWS_Lambda_{version}")
    assert found["_HANDLER"] == "observe.entry.handler"


@pytest.mark.parametrize("value", ["1", "true", "TRUE", "True"])
def test_switched_off_nothing_changes(opt: Path, value: str) -> None:
    """OBSERVE_DISABLED leaves the environment as it was."""
    found = _executed(opt / "observe-exec", OBSERVE_DISABLED=value, PYTHONPATH="/x")
    assert (found["_HANDLER"], found["PYTHONPATH"]) == ("app.handler", "/x")
    assert "OBSERVE_HANDLER" not in found
    assert found["said"] == ""


def test_a_function_without_a_handlers_name(opt: Path) -> None:
    """An image function whose entry point is not Lambda's: the command runs, and the reason is said."""
    found = _executed(opt / "observe-exec", _HANDLER="")
    assert "two other ways" in found["said"]
    assert "OBSERVE_HANDLER" not in found


@pytest.mark.parametrize(
    ("handler", "variable"),
    [
        ("datadog_lambda.handler.handler", "DD_LAMBDA_HANDLER"),
        ("elasticapm_handler.lambda_handler", "ELASTICAPM_ORIGINAL_HANDLER"),
        ("newrelic_lambda_wrapper.handler", "NEW_RELIC_LAMBDA_HANDLER"),
        ("otel_wrapper.lambda_handler", "ORIG_HANDLER"),
    ],
)
def test_a_redirected_handler(opt: Path, handler: str, variable: str) -> None:
    """Ours goes between the other's handler and the function's; where that is not named, around it."""
    found = _executed(opt / "observe-exec", **{"_HANDLER": handler, variable: "src/app.handler"})
    assert (found["_HANDLER"], found[variable]) == (handler, "observe.entry.handler")
    assert found["OBSERVE_HANDLER"] == "src/app.handler"
    found = _executed(opt / "observe-exec", _HANDLER=handler)
    assert (found["_HANDLER"], found["OBSERVE_HANDLER"]) == ("observe.entry.handler", handler)
    assert variable not in found


def test_the_handler_redirect_of_our_own(run: Run, opt: Path) -> None:
    """Without the exec wrapper: the handler is ours by name, and OBSERVE_HANDLER is the function's."""
    observed = run(
        APP,
        handler="observe.entry.handler",
        environment={"AWS_LAMBDA_EXEC_WRAPPER": "", "OBSERVE_HANDLER": "app.handler"},
    )
    reply = json.loads(observed(HTTP_EVENT).payload)
    assert (reply["statusCode"], reply["handler"]) == (201, "app.handler")
    assert observed.spans[0]["attributes"]["correlation_id"] == "CLM-1"
    both = run(APP, handler="observe.entry.handler", environment={"OBSERVE_HANDLER": "app.handler"})
    assert json.loads(both(HTTP_EVENT).payload)["statusCode"] == 201


def test_an_error_at_import_is_reported_without_a_frame_of_ours(run: Run) -> None:
    """Type, message and stack of what fails in the function's module are what they are without us."""
    source = "def failing():\n    raise RuntimeError('at import')\nfailing()\n"
    replies = [run(source, layer=layer)({}).payload.decode() for layer in (False, True)]
    assert replies[0].replace("task0", "task1") == replies[1]
    assert "failing" in replies[1]


@pytest.mark.runtime
@pytest.mark.parametrize("disabled", ["", "1"])
def test_decorated_only_the_layers_libraries_are_there(run: Run, tmp_path: Path, disabled: str) -> None:
    """Without the exec wrapper, with nothing else installed: structlog and OpenTelemetry are the layer's."""
    (tmp_path / "site").mkdir()
    observed = run(
        """
        import observe
        from opentelemetry import trace
        @observe.instrument
        def handler(event, context):
            with trace.get_tracer("app").start_as_current_span("priced"):
                observe.log.bind(n=1).info("told")
            return type(observe.log).__name__
        """,
        environment={"AWS_LAMBDA_EXEC_WRAPPER": "", "OBSERVE_DISABLED": disabled},
        isolated_site=tmp_path / "site",
    )
    result = observed(HTTP_EVENT)
    assert json.loads(result.payload) == "StructuredLogger"
    messages = observed.log.messages()
    assert not [line for line in messages if "hybrid-observe" in line]
    assert sum('"told"' in line for line in messages) == 1
    assert sum('"priced"' in line for line in messages) == (0 if disabled else 1)
