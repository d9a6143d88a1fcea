"""States of alarms: what would fire as rows with what it was judged by, the rest folded into short lists."""

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
#: In the order in which somebody wants to know them.
_FOLDED: tuple[State, ...] = ("no data", "ok", "unknown")
#: Rows of alarms that would fire, at most; more are folded too.
_MOST = 20


def verdicts_html(verdicts: Sequence[Verdict], page: Page, scene: Scene) -> str:
    """Return alarms by state: rows for those that would fire, then one folded list for each other state."""
    firing = [one for one in verdicts if one.state == "fires"]
    rows = "".join(_row(one, page, scene) for one in firing[:_MOST])
    table = f'<div class="wide"><table class="alarms"><tbody>{rows}</tbody></table></div>' if rows else ""
    quiet = f'<p class="calm">{_calm(verdicts)}</p>' if not firing else ""
    more = _folded(firing[_MOST:], "fires", page, scene)
    rest = "".join(
        _folded([one for one in verdicts if one.state == state], state, page, scene) for state in _FOLDED
    )
    return f"{quiet}{table}{more}{rest}"


def promises(page: Page, scene: Scene) -> list[Verdict]:
    """Return the promises that a page is about: its endpoint's, all of them on the system's page."""
    return [
        one
        for one in scene.verdicts.values()
        if one.is_promise and (page.kind == "system" or one.page == page.name)
    ]


def _calm(verdicts: Sequence[Verdict]) -> str:
    """That nothing fires, and of how many that can be said."""
    judged = sum(one.state == "ok" for one in verdicts)
    if not judged:
        size = len(verdicts)
        return (
            f"This data can judge none of {size} alarms." if size > 1 else "This data cannot judge its alarm."
        )
    if judged == 1:
        return "The one alarm that this data can judge would not fire."
    return f"None of the {judged} alarms that this data can judge would fire."


def _folded(some: Sequence[Verdict], state: State, page: Page, scene: Scene) -> str:
    if not some:
        return ""
    items = "".join(f"<li>{_item(one, page, scene)}</li>" for one in some)
    return (
        f'<details class="chips"><summary>{_state(state)} {len(some)} '
        f"{'alarm' if len(some) == 1 else 'alarms'}{_why(some, state)}</summary><ul>{items}</ul></details>"
    )


def _why(some: Sequence[Verdict], state: State) -> str:
    """What all of them have in common, where it is one reason."""
    reasons = {one.text for one in some}
    return f". {text(reasons.pop())}" if state == "unknown" and len(reasons) == 1 else ""


def _item(one: Verdict, page: Page, scene: Scene) -> str:
    told = " ".join(filter(None, (one.text, _facts(one))))
    return f'<span title="{text(told)}">{_title(one, page, scene)}</span>'


def _title(one: Verdict, page: Page, scene: Scene) -> str:
    href = scene.href_of_page(one.page) if one.page and one.page != page.name else ""
    return f'<a href="{href}">{text(one.title)}</a>' if href else text(one.title)


def _facts(one: Verdict) -> str:
    return ", ".join(filter(None, (one.severity, f"owner {one.owner}" if one.owner else "")))


def _state(state: State, is_promise: bool = False) -> str:
    word = "broken" if is_promise and state == "fires" else _SHOWN[state]
    return f'<span class="state {state.replace(" ", "-")}">{word}</span>'


def _row(one: Verdict, page: Page, scene: Scene) -> str:
    return (
        f"<tr><td>{_state(one.state, one.is_promise)}</td>"
        f"<td>{_title(one, page, scene)}<small>{text(one.text)}</small></td><td>{text(_facts(one))}</td></tr>"
    )
