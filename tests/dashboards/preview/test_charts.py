"""Graphs: gaps stay gaps, bars stand on 0, lines far above the data are told in words."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from dashboards.panels import Line, Mark
from dashboards.preview.charts import Drawn, Graph, graph_html
from dashboards.preview.curves import area, bars, line, runs, stacked
from dashboards.preview.evaluate import Points
from dashboards.preview.window import NS_PER_S, Window

_WINDOW = Window(first_unix_nano=0, last_unix_nano=9 * NS_PER_S, step_s=1, base_s=1)
_POINTS = st.lists(st.none() | st.floats(0, 1e6), min_size=1, max_size=30)


def _graph(points: Points, lines: tuple[Line, ...] = (), marks: tuple[Mark, ...] = ()) -> str:
    drawn = Drawn(label="p95", points=points, unit="ms", colour="#123456")
    graph = Graph(
        title="Duration", kind="lines", unit="ms", right_unit="", series=(drawn,), lines=lines, marks=marks
    )
    return graph_html(graph, _WINDOW)


@given(_POINTS)
def test_a_gap_ends_a_curve_and_no_point_is_lost(points: Points) -> None:
    """Each stretch without a gap is a path of its own."""
    found = list(runs(points))

    assert [pair for run in found for pair in run] == [(i, v) for i, v in enumerate(points) if v is not None]
    assert line(points, 1e6).count("M") == len(found)
    assert area([0.0] * len(points), points, 1e6).count("Z") == len(found)
    assert bars(points, 1e6, 0, 1).count("Z") == sum(bool(v) for v in points)


@given(_POINTS, st.floats(1, 1e6))
def test_a_curve_stays_inside_of_its_graph(points: Points, top: float) -> None:
    """Even where a value is beyond the axis."""
    numbers = [float(n) for n in re.findall(r"-?[0-9.]+", line(points, top).replace("h0", ""))]

    assert all(0 <= n <= 1000 for n in numbers)


def test_areas_are_stacked_and_a_gap_adds_nothing() -> None:
    """The last row is the upper edge."""
    assert stacked([[1.0, None, 2.0], [1.0, 1.0, 1.0]]) == [[0, 0, 0], [1, 0, 2], [2, 1, 3]]


def test_a_line_near_the_data_is_drawn_and_one_far_above_is_told() -> None:
    """A timeout of 15 minutes would flatten 100 ms to nothing."""
    timeout = Line(label="Timeout", value=900_000, role="limit")
    baseline = Line(label="Baseline", value=120, role="baseline")

    made = _graph([100.0] * 10, (timeout, baseline))

    assert made.count('class="level"') == 1
    assert "Baseline 120 ms" in made
    assert "Timeout 15 min: far above, not drawn." in made


def test_a_mark_inside_of_the_time_is_drawn_and_others_are_told() -> None:
    """A cutover of last month has no place on a graph of ten seconds."""
    marks = (
        Mark(label="Now", at="1970-01-01T00:00:05Z"),
        Mark(label="Before", at="1969-12-31T06:00:00Z"),
        Mark(label="After", at="2026-10-01"),
        Mark(label="Never", at="soon"),
    )

    made = _graph([1.0] * 10, marks=marks)

    assert 'style="left:50.00%"><em>Now</em>' in made
    assert made.count('class="mark') == 1
    assert "Before 1969-12-31 06:00 UTC: before the time shown." in made
    assert "After 2026-10-01 00:00 UTC: after the time shown." in made
    assert "Never: `soon` is not a time." in made


def test_a_graph_is_told_to_those_who_do_not_see_it() -> None:
    """Newest and highest value of each series."""
    assert 'aria-label="Duration. p95: newest 100 ms, highest 250 ms."' in _graph([250.0, 100.0, None])


def test_labels_of_lines_that_are_close_do_not_cover_each_other() -> None:
    """One at the right, one at the left, and the third is named under the graph."""
    lines = tuple(
        Line(label=name, value=value, role="alarm") for name, value in (("a", 99), ("b", 100), ("c", 101))
    )

    made = _graph([100.0] * 10, lines)

    assert made.count('class="level"') == 3
    assert made.count('class="level-label') == 2
    assert "a 99 ms: drawn without its label." in made
