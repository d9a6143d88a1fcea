"""structlog at its true cost: its bound logger without its import, and structlog as if we were not there."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from observe import logs

ROOT = Path(__file__).parents[2]


def told(source: str, *folders: Path) -> Any:
    """What a new process prints as JSON; folders come first on its path."""
    path = [str(folder) for folder in (*folders, ROOT)]
    lead = f"import sys, json; sys.path[:0] = {path!r}\n"
    done = subprocess.run(
        [sys.executable, "-c", lead + textwrap.dedent(source)], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


HEAVY = ("structlog", "asyncio", "typing", "dataclasses", "inspect", "datetime", "structlog._base")


def test_a_line_of_the_bound_logger_loads_no_structlog() -> None:
    """observe.log binds by structlog's own class, and structlog's import is not paid for."""
    found = told(
        f"""
        import observe
        observe.log.bind(a=1).info("told")
        name = repr(type(observe.log).__mro__[2])
        print(json.dumps([name, [m for m in {HEAVY!r} if m in sys.modules]]))
        """
    )
    assert found == ["<class 'structlog._base.BoundLoggerBase'>", []]


def test_structlog_is_imported_by_user_code_as_ever() -> None:
    """Before and after observe.log is used it is the same: every module, every name, reload and pickles."""
    source = """
        {first}
        import importlib, pickle, types
        import structlog.stdlib
        from structlog.testing import capture_logs
        import structlog
        loaded = sorted(name for name in sys.modules if name.startswith("structlog"))
        names = sorted(set(dir(structlog)))
        log = structlog.get_logger().bind(a=1)
        with capture_logs() as caught:
            log.info("told")
        same = structlog._base.BoundLoggerBase is structlog.BoundLoggerBase
        print(json.dumps([loaded, names, caught, same, type(structlog) is types.ModuleType,
            pickle.loads(pickle.dumps(structlog.stdlib.BoundLogger)) is structlog.stdlib.BoundLogger,
            importlib.reload(structlog) is structlog]))
    """
    alone = told(source.format(first="pass"))
    assert alone == told(source.format(first='import observe; observe.log.info("ours")'))


def test_a_structlog_that_is_loaded_already_is_the_one() -> None:
    """Then nothing is saved by another copy, and `isinstance` holds."""
    source = (
        "import structlog, observe\nprint(json.dumps(isinstance(observe.log, structlog.BoundLoggerBase)))"
    )
    assert told(source) is True


@pytest.mark.parametrize("first", ["observe.structured", "observe.logs", "observe.log_records", "structlog"])
def test_it_is_the_same_logger_whatever_is_imported_first(first: str) -> None:
    """Neither our own modules nor structlog's make it the one without structlog, and nothing is said."""
    source = f"""
        import {first}
        import observe
        from observe import guard, logs, structured
        print(json.dumps([observe.log is structured.log, logs.log is structured.log, guard.faults]))
    """
    assert told(source) == [True, True, {}]


def test_a_broken_structlog_costs_one_warning_and_no_line(tmp_path: Path) -> None:
    """Where the function's own cannot be imported, the lines are the same without it."""
    folder = tmp_path / "structlog"
    folder.mkdir()
    (folder / "__init__.py").write_text("raise RuntimeError('broken')\n")
    source = """
        import observe
        from observe import logs, stdout
        lines = []
        stdout.redirect(lines.append)
        observe.log.bind(a=1).info("told")
        logs.log.info("again")
        found = [json.loads(line) for line in lines]
        said = [line.get("event", line["message"]) for line in found]
        print(json.dumps([type(observe.log).__name__, said]))
    """
    assert told(source, tmp_path) == ["PlainLogger", ["observe.fault", "told", "again"]]


def test_a_name_that_is_none_of_logs_is_said_so() -> None:
    """The logger is made when it is asked for, and nothing else is."""
    with pytest.raises(AttributeError, match=r"'observe\.logs' has no attribute 'no_such'"):
        logs.no_such  # noqa: B018


def test_threads_that_race_for_it_get_what_they_ask_for() -> None:
    """One thread uses observe.log first while others import structlog: nobody gets half of it."""
    source = """
        import threading, observe
        sys.setswitchinterval(1e-6)
        start, wrong = threading.Barrier(6), []
        def ours():
            start.wait(); observe.log.bind(a=1).info("ours")
        def theirs():
            start.wait()
            import structlog
            try: structlog.get_logger, structlog.stdlib.BoundLogger, structlog.DropEvent
            except AttributeError as error: wrong.append(str(error))
        threads = [threading.Thread(target=target) for target in [ours, theirs] * 3]
        [thread.start() for thread in threads]; [thread.join() for thread in threads]
        print(json.dumps(wrong))
    """
    assert told(source) == []


EXCEPTIONS = "from __future__ import annotations\nclass DropEvent(BaseException): pass\n"
BASE = """
from __future__ import annotations
{imports}
class BoundLoggerBase:
    def __init__(self, logger, processors, context):
        self._logger, self._processors, self._context = logger, processors, context
    def bind(self, **new):
        return type(self)(self._logger, self._processors, {{**self._context, **new}})
    unbind = try_unbind = new = bind
"""


@pytest.mark.parametrize(
    "imports",
    [
        "from structlog import processors",
        "from ._compat import x",
        "from typing import Any; Any[int]",
        "import no_such",
    ],
)
def test_a_structlog_of_another_layout_is_imported_as_usual(tmp_path: Path, imports: str) -> None:
    """Whatever its files ask for that we do not know, the ordinary import decides."""
    folder = tmp_path / "structlog"
    folder.mkdir()
    (folder / "exceptions.py").write_text(EXCEPTIONS)
    (folder / "_base.py").write_text(BASE.format(imports=imports))
    plain = BASE.format(imports="mark = 'usual'").replace(
        "class BoundLoggerBase:", "class BoundLoggerBase:\n    mark = 1"
    )
    (folder / "__init__.py").write_text(plain.lstrip())
    source = """
        import observe
        observe.log.bind(claim="C-1").info("told")
        print(json.dumps(["structlog" in sys.modules, getattr(observe.log, "mark", None)]))
    """
    assert told(source, tmp_path) == [True, 1]


def test_a_structlog_of_the_layout_that_we_know_is_not_imported(tmp_path: Path) -> None:
    """The same files with the imports of the real ones: what the test above rests on."""
    folder = tmp_path / "structlog"
    folder.mkdir()
    (folder / "__init__.py").write_text("raise ImportError('not to be imported')\n")
    (folder / "exceptions.py").write_text(EXCEPTIONS)
    imports = (
        "from typing import Any\nfrom structlog.exceptions import DropEvent\nfrom .typing import Context"
    )
    (folder / "_base.py").write_text(BASE.format(imports=imports))
    source = "import observe\nprint(json.dumps(type(observe.log.bind(a=1)).__name__))"
    assert told(source, tmp_path) == "StructuredLogger"
