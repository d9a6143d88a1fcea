"""States of alarms as a table: what each would say of the data, and why."""

from __future__ import annotations

from collections.abc import Sequence

from dashboards.panels import Page
from dashboards.preview.escape import text
from dashboards.preview.judge import State, Verdict
from dashboards.preview.scene import Scene

_SHOWN: dict[State, str] = {
    "fires": "would fire",
    "ok": "ok",
    "no data": "no data",
    "unknown": "not known",
}
_ORDER: tuple[State, ...] = ("fires", "ok", "no data", "unknown")
#: Longer lists show what fires or is ok, and the rest as a number.
_MOST = 40


def verdicts_html(verdicts: Sequence[Verdict], page: Page, scene: Scene) -> str:
    """Return alarms as rows: those that would fire first."""
    ordered = sorted(verdicts, key=lambda one: _ORDER.index(one.state))
    shown = ordered[:_MOST]
    rows = "".join(_row(one, page, scene) for one in shown)
    more = f'<p class="words">And {len(ordered) - _MOST} more.</p>' if len(ordered) > _MOST else ""
    return f'<div class="wide"><table class="alarms"><tbody>{rows}</tbody></table></div>{more}'


def _row(one: Verdict, page: Page, scene: Scene) -> str:
    href = scene.href_of_page(one.page) if one.page and one.page != page.name else ""
    title = f'<a href="{href}">{text(one.title)}</a>' if href else text(one.title)
    facts = ", ".join(filter(None, (one.severity, f"owner {one.owner}" if one.owner else "")))
    return (
        f'<tr><td><span class="state {one.state.replace(" ", "-")}">{_SHOWN[one.state]}</span></td>'
        f"<td>{title}<small>{text(one.text)}</small></td><td>{text(facts)}</td></tr>"
    )
