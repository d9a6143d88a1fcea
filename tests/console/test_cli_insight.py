"""`observe insight`: every question on every store, sentences for wrong use, tables that can be read."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from console.cli import cli
from console.insight_tables import number
from console.insight_view import as_json, render
from subscribers.insight import INSIGHTS
from subscribers.insight.answer import Answer, Column, Finding, Table
from subscribers.store import Store
from tests.console.test_trace import request as story
from tests.subscribers.insight.invoked import invoked, served
from tests.subscribers.samples import log, metric, span


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store with a request of each side, and an invocation with its price."""
    path = tmp_path / "store"
    Store(path).append([*story(), *invoked("submit", 1), served("submit", 1, 1)])
    return path


def run(*arguments: object, **options: Any) -> Result:
    """Run `observe insight` as a user would."""
    return CliRunner().invoke(cli, ["insight", *map(str, arguments)], **options)


def test_list() -> None:
    """Without a name the questions are listed, each with what it tells; as JSON, too."""
    lines = run().stdout.splitlines()
    assert [line.split()[0] for line in lines] == list(INSIGHTS)
    told = json.loads(run("--json").stdout)
    assert {one["name"]: one["tells"] for one in told} == {
        name: tells for name, (_, tells) in INSIGHTS.items()
    }


@pytest.mark.parametrize("name", INSIGHTS)
def test_every_insight_answers(store: Path, name: str) -> None:
    """Each answers for people and for programs, and its JSON has a row as an object of its columns."""
    result = run(name, "--store", store)
    assert result.exit_code == 0, result.output
    assert result.stdout
    told = json.loads(run(name, "--store", store, "--json").stdout)
    assert told["name"] == name
    for table in told["tables"]:
        names = {column["name"] for column in table["columns"]}
        assert all(set(row) == names for row in table["rows"])


@pytest.mark.parametrize("name", INSIGHTS)
def test_odd_stores(tmp_path: Path, name: str) -> None:
    """Times at the ends of 64 bits, no numbers, and texts of terminals end in no traceback."""
    path = tmp_path / "odd"
    odd = "\x1b[31m\u202e'\"[red]\x00"
    Store(path).append(
        [
            log(
                "a",
                message=odd,
                time_unix_nano=-(1 << 63),
                error_type=odd,
                request_id=odd,
                attributes={odd: odd},
            ),
            log("b", service=odd, side="serverless", time_unix_nano=(1 << 63) - 1),
            metric("aws.lambda.invocations", float("nan"), request_id="r"),
            metric("aws.lambda.billed_duration", float("inf"), request_id="r"),
            span("s", 5, 1, odd, "serverless", start_unix_nano=-5, attributes={"http.route": {"x": [1]}}),
            span("t", service=odd, correlation_id=odd, kind="consumer", trace_id=odd, request_id=odd),
        ]
    )
    for more in ([], ["--json"]):
        result = run(name, "--store", path, "--by", odd, *more)
        assert result.exit_code in (0, 1), result.output
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        assert "\x1b" not in result.output


@pytest.mark.parametrize("name", INSIGHTS)
def test_empty_store(tmp_path: Path, name: str) -> None:
    """An empty store is a sentence and exit code 1."""
    Store(tmp_path / "store").record([])
    result = run(name, "--store", tmp_path / "store")
    assert result.exit_code == 1
    assert "is empty: nothing can be answered" in result.stderr


def test_no_store_and_garbage(tmp_path: Path) -> None:
    """A store that is not there, or that is something else, is a sentence."""
    missing = run("loss", "--store", tmp_path / "none")
    assert (missing.exit_code, "there is no store" in missing.stderr) == (1, True)
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "manifest.json").write_text("{", encoding="utf-8")
    broken = run("cost", "--store", tmp_path / "bad")
    assert broken.exit_code == 1
    assert broken.stderr.startswith("Error: ")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["costs"], "did you mean cost?"),
        (["nothing"], "there are parity, progress"),
        (["cost", "--from", "yesterday"], "--from"),
        (["cost", "--to", "?"], "--to"),
        (["cost", "--last", "soon"], "is no duration such as"),
        (["cost", "--last", "0s"], "is no duration such as"),
        (["cost", "--last", "1h", "--from", "2h"], "one of the two"),
        (["cost", "--from", "1h", "--to", "2h"], "does not lie after --from"),
        (["cost", "--most", "0"], "--most"),
    ],
)
def test_wrong_use(store: Path, arguments: list[str], said: str) -> None:
    """What cannot be meant is told, exit code 2."""
    result = run(*arguments, "--store", store)
    assert result.exit_code == 2
    assert said in result.stderr


def test_names_of_the_configuration(store: Path, tmp_path: Path) -> None:
    """Endpoints and services are those of observe.yaml; a wrong one is told with the nearest."""
    file = tmp_path / "observe.yaml"
    file.write_text("version: 1\nservices: {submit: {side: serverless}}\n", encoding="utf-8")
    wrong = run("cost", "--store", store, "--config", file, "--service", "submits")
    assert (wrong.exit_code, "did you mean submit?" in wrong.stderr) == (2, True)
    assert run("cost", "--store", store, "--config", file, "--service", "submit").exit_code == 0
    none = run("cost", "--store", store, "--config", file, "--endpoint", "x")
    assert (none.exit_code, "there are none at all" in none.stderr) == (2, True)
    assert run("cost", "--store", store, "--service", "anything").exit_code == 0
    file.write_text("version: 2\n", encoding="utf-8")
    assert run("cost", "--store", store, "--config", file).exit_code == 1


def test_observe_yaml_here(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without --config the observe.yaml of the working directory is read, where there is one."""
    (tmp_path / "observe.yaml").write_text(
        "version: 1\nservices: {submit: {side: serverless, price: {usd_per_gb_second: 1}}}\n",
        encoding="utf-8",
    )
    monkeypatch.chdir(tmp_path)
    told = json.loads(run("cost", "--store", store, "--json").stdout)
    (functions,) = (table for table in told["tables"] if table["name"] == "functions")
    assert functions["rows"][0]["usd"] == pytest.approx(1, rel=1e-3)


def test_times(store: Path) -> None:
    """--from and --to bound the time of events; where the store has nothing of it, that is said."""
    begin, end = "2026-11-21T03:29:00Z", "2026-11-21T03:31:00Z"
    told = json.loads(run("cost", "--store", store, "--from", begin, "--to", end, "--json").stdout)
    assert told["tables"][0]["rows"][0]["invocations"] == 1
    nothing = run("cost", "--store", store, "--to", "2001-01-01")
    assert (nothing.exit_code, "nothing of this time" in nothing.stderr) == (0, True)


def test_corrupt_files(store: Path) -> None:
    """A table file that cannot be read is left out, and said; the rest is answered."""
    broken = next(store.glob("tables/logs/*/*.parquet"))
    broken.write_bytes(broken.read_bytes()[:-9])
    result = run("cost", "--store", store)
    assert result.exit_code == 0
    assert "1 file of the store cannot be read" in result.stderr


def test_documents() -> None:
    """docs/insight.md names every question and every option."""
    text = (Path(__file__).parents[2] / "docs" / "insight.md").read_text(encoding="utf-8")
    options = [
        option for one in cli.commands["insight"].params for option in one.opts if option.startswith("--")
    ]
    assert [name for name in INSIGHTS if f"| `{name}` |" not in text] == []
    assert [option for option in options if f"`{option}" not in text] == []


# --- The view ---------------------------------------------------------------------------------


def shown(answer: Answer, width: int = 80) -> str:
    """An answer as it is printed on so many columns."""
    out = io.StringIO()
    render(answer, Console(file=out, width=width, color_system=None))
    return out.getvalue()


TABLE = Table(
    name="t",
    title="Functions",
    columns=(
        Column("function", "function"),
        Column("usd", "cost", "{USD}", is_estimate=True),
        Column("share", "of all", "%"),
        Column("bytes", "bytes", "By"),
        Column("none", "never"),
    ),
    rows=(("submit", 0.000123, 12.34, 1_234_567, None), ("x", None, float("nan"), 7, None)),
    more=3,
)


def test_view() -> None:
    """Findings, tables and notes; numbers to the right with their units, estimates with ~, nothing as -."""
    findings = (
        Finding(level="bad", text="It broke.", correlation_ids=("c-1", "c-2", "c-3", "c-4")),
        Finding(level="info", text="It costs.", basis="estimated"),
    )
    text = shown(Answer(name="a", title="Cost", findings=findings, tables=(TABLE,), notes=("Read this.",)))
    assert text == (
        "Cost\n"
        "bad      It broke.\n"
        "         such as c-1, c-2, c-3 and 1 more\n"
        "info     It costs. (estimated)\n"
        "\n"
        "Functions\n"
        "  function  cost USD  of all %   bytes\n"
        "  submit    ~0.00012      12.3  1.2 MB\n"
        "  x                -         -     7 B\n"
        "  and 3 rows more: --most shows more\n"
        "\n"
        "- Read this.\n"
    )


def laid(columns: tuple[Column, ...], *rows: tuple[Any, ...], width: int = 80) -> list[str]:
    """The lines of a table on so many columns, without its title."""
    table = Table(name="t", title="T", columns=columns, rows=rows)
    return shown(Answer(name="a", title="A", tables=(table,)), width).splitlines()[3:]


NUMBERS = tuple(Column(f"c{n}", f"column {n}", "1") for n in range(3))
EDGES = (Column("side", "side"), Column("caller", "caller"), Column("side_2", "side"), Column("to", "callee"))


def test_titles_are_folded_first() -> None:
    """Where whole titles do not fit they stand on several lines; what is free goes to the longest of them."""
    columns = (Column("name", "name"), *NUMBERS)
    assert laid(columns, ("a", 1, 22, 333), width=34) == [
        "                            column",
        "  name  column 0  column 1       2",
        "  a            1        22     333",
    ]
    assert laid(columns, ("a", 1, 22, 333), width=30)[0].split() == ["column", "column", "column"]


def test_rows_below_their_names() -> None:
    """What does not fit stands below all that names its row; the same name is not said twice."""
    columns = (Column("name", "name"), Column("which", "which"), *NUMBERS)
    assert laid(columns, ("n" * 60, "all", 1, 22, 333), ("n" * 60, "slow", 4, 5, None)) == [
        "  name: " + "n" * 60,
        "  which  column 0  column 1  column 2",
        "  all           1        22       333",
        "  slow          4         5         -",
    ]
    rows = (("n" * 60, "all", 1, 22, 333), ("n" * 60, "slow", 4, 5, 6), ("m", "all", 7, 8, 9))
    assert laid(columns, *rows) == [
        "  name",
        "   which  column 0  column 1  column 2",
        "  " + "n" * 60,
        "   all           1        22       333",
        "   slow          4         5         6",
        "  m",
        "   all           7         8         9",
    ]


def test_rows_keep_all_their_names() -> None:
    """Rows that differ in one of several names are told apart, whatever the width; the same is said once."""
    columns = (*EDGES, Column("n", "n", "1"))
    rows = (("s", "x" * 30, "s", "y" * 30, 1), ("s", "x" * 30, "l", "z" * 30, 2))
    assert laid(columns, *rows, width=41) == [
        "  side (caller): s; caller: " + "x" * 30,
        "  side  callee                          n",
        "  s     " + "y" * 30 + "  1",
        "  l     " + "z" * 30 + "  2",
    ]
    assert laid(columns, ("s", "x" * 20, "l", "x" * 20, 1), ("t", "y" * 20, "l", "y" * 20, 2), width=40) == [
        "  side (callee): l; callee: as caller",
        "  side  caller                n",
        "  s     " + "x" * 20 + "  1",
        "  t     " + "y" * 20 + "  2",
    ]


def test_blocks_and_pairs() -> None:
    """Each block of columns has the whole name; where that takes most of the room, titles stand by cells."""
    columns = (Column("name", "name"), *NUMBERS)
    assert laid(columns, ("a", 10**9, 22, 333), ("b", 4, 5, 6), width=24) == [
        "  name       column 0",
        "  a     1,000,000,000",
        "  b                 4",
        "",
        "                  column",
        "  name  column 1       2",
        "  a           22     333",
        "  b            5       6",
    ]
    assert laid(columns, ("n" * 60, 10**9, None, 333), ("b", 4, 5, 6), width=24) == [
        "  " + "n" * 60,
        "   column 0",
        "   1,000,000,000; column",
        "   2 333",
        "  b",
        "   column 0 4; column 1",
        "   5; column 2 6",
    ]


@given(
    st.lists(st.text("ab ", min_size=1, max_size=40), min_size=1, max_size=4, unique=True),
    st.lists(st.integers(0, 10**12), min_size=1, max_size=8),
    st.integers(20, 160),
)
def test_every_row_can_be_told(names: list[str], values: list[int], width: int) -> None:
    """On any width all names and all numbers of all rows are there."""
    columns = (Column("k", "k"), *(Column(f"n{i}", f"number {i}", "1") for i, _ in enumerate(values)))
    text = "\n".join(laid(columns, *((name, *values) for name in names), width=width))
    assert all(text.count(f"{value:,}") >= len(names) for value in values)
    assert all(" ".join(name.split()) in " ".join(text.split()) for name in names)


def test_long_texts() -> None:
    """A name of a megabyte is cut wherever it stands, on a terminal; not in JSON."""
    name = "x" * 1_000_000
    answer = Answer(
        name="a",
        title="A",
        findings=(Finding(level="bad", text=f"{name} broke.", correlation_ids=(name,)),),
        tables=(
            Table(
                name="t",
                title=f"By {name}",
                columns=(Column("k", name), Column("n", "n", "1")),
                rows=((name, 1), ("\x00" * 1_000_000, 2)),
            ),
        ),
        notes=(name,),
    )
    assert len(shown(answer)) < 10_000
    assert "x… broke." in shown(answer)
    assert as_json(answer)["tables"][0]["rows"][0]["k"] == name


def test_view_of_nothing() -> None:
    """A table without rows says why."""
    empty = Table(name="t", title="T", columns=(Column("a", "a"),), empty="Nobody came.")
    assert "  Nobody came." in shown(Answer(name="a", title="A", tables=(empty,)))


@given(
    st.lists(
        st.lists(
            st.one_of(st.none(), st.text(), st.floats(), st.integers(), st.booleans()), min_size=3, max_size=3
        )
    )
)
def test_any_cells(rows: list[list[Any]]) -> None:
    """Whatever cells hold, an answer is shown without control characters, and as JSON that is JSON."""
    columns = (Column("a", "a"), Column("b", "b", "%", True), Column("c", "c", "By"))
    table = Table(name="t", title="t", columns=columns, rows=tuple(tuple(row) for row in rows), empty="x")
    text = shown(Answer(name="a", title="a", tables=(table,)))
    assert all(character.isprintable() or character == "\n" for character in text)
    told = as_json(Answer(name="a", title="a", tables=(table,)))
    assert len(told["tables"][0]["rows"]) == len(rows)
    json.dumps(told, allow_nan=False)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers(value: float) -> None:
    """A number is short, and within a twentieth of what it stands for."""
    told = number(value)
    assert float(told.replace(",", "")) == pytest.approx(value, rel=0.05, abs=1e-11)
    assert cell_len(number(min(abs(value), 1e15), "By")) <= 10


def test_numbers_in_words() -> None:
    """Digits as people need them."""
    told = {1234: "1,234", 12.34: "12.3", 1.234: "1.23", 0.00012345: "0.00012", 0: "0", 123.4: "123"}
    assert {value: number(value) for value in told} == told
    assert [number(value, "By") for value in (7, 1500, 2.5e9)] == ["7 B", "1.5 kB", "2.5 GB"]
