"""A plan of `observe reinvoke` on a terminal and for programs. Whatever came from a log is never markup."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from rich.console import Console
from rich.text import Text

from console.terminal import line
from console.words import counted, instant
from subscribers.config_problems import printable

if TYPE_CHECKING:
    from console.reinvoke import Ended
    from subscribers.reinvoke import Answer, Decision, Replay

#: Characters of what went wrong.
_WHY_MAX = 160
_STYLES = {"succeeded": "green", "failed": "bold red", "unknown": "yellow", "not_invoked": "yellow"}


def render(decisions: Sequence[Decision], console: Console) -> None:
    """Print what is to be done, a few rows each."""
    for one in decisions:
        _head(one, console)
        if one.reason:
            line(console, f"{one.reason}: {_said(one)}", "  refused   ", "yellow")
        else:
            as_what = f", as {one.qualifier}" if one.qualifier else ""
            line(console, f"{one.region}, account {one.account}{as_what}", "  invoke    ", "green")
        for note in one.notes:
            line(console, note, "  note      ")


def render_ended(decision: Decision, answer: Answer, console: Console) -> None:
    """Print how one ended."""
    _head(decision, console)
    as_what = f" as {answer.request_id}" if answer.request_id else ""
    detail = f": {answer.detail}" if answer.detail else ""
    ended = f"{answer.state.replace('_', ' ')}{as_what}{detail}"
    line(console, ended, "  ", _STYLES.get(answer.state, ""))


def summary(decisions: Sequence[Decision]) -> str:
    """Return how many are invoked and how many refused, by reason."""
    refused = Counter(one.reason for one in decisions if one.reason)
    reasons = ", ".join(f"{reason} {count:,}" for reason, count in refused.most_common())
    made = counted(len(decisions) - refused.total(), "invocation")
    told = f"{made} to make again, {refused.total():,} refused"
    return f"{told} ({reasons})" if reasons else told


def ends(ended: Sequence[Ended]) -> str:
    """Return how many ended how."""
    states = Counter(one.answer.state for one in ended)
    return (
        ", ".join(f"{count:,} {state.replace('_', ' ')}" for state, count in states.most_common())
        or "none made"
    )


def as_json(one: Decision, answer: Answer | None = None) -> dict[str, Any]:
    """Return a decision for programs, without its event.

    {"request_id", "function", "arn", "qualifier", "time_unix_nano", "why", "attempts", "event_bytes" or null,
    "verdict": "invoke" or "refused", "reason", "notes", "trace_id", "correlation_id", "replay_of",
    "replays": [{"of", "state", "request_id", "time_unix_nano", "detail"}], "answer": {"state", "request_id",
    "detail"} or null}
    """
    failed = one.failed
    return {
        "request_id": failed.request_id,
        "function": one.function,
        "arn": one.arn,
        "qualifier": one.qualifier,
        "time_unix_nano": failed.time_unix_nano,
        "why": failed.why,
        "attempts": failed.attempts,
        "event_bytes": len(failed.event.text.encode()) if failed.event else None,
        "verdict": "refused" if one.reason else "invoke",
        "reason": one.reason,
        "notes": list(one.notes),
        "trace_id": failed.trace_id,
        "correlation_id": failed.correlation_id,
        "replay_of": failed.replay_of,
        "replays": msgspec.to_builtins(failed.replays),
        "answer": msgspec.to_builtins(answer),
    }


def _head(one: Decision, console: Console) -> None:
    failed = one.failed
    when = instant(failed.time_unix_nano) if failed.time_unix_nano else "at an unknown time"
    head = Text(f"{when} ", "dim")
    head.append(f"{printable(one.function or failed.origin.log_group or '?')} ", "bold")
    head.append(printable(failed.request_id))
    console.print(head, highlight=False, soft_wrap=True)
    tried = f", tried {counted(failed.attempts, 'time')}" if failed.attempts > 1 else ""
    again = f", replay of {failed.replay_of}" if failed.replay_of else ""
    line(console, f"{failed.why[:_WHY_MAX]}{tried}{again}", "  failed    ", "red")


def _said(one: Decision) -> str:
    from subscribers.reinvoke import REASONS

    last = one.failed.replays[-1:] if one.reason == "already_replayed" else ()
    return "".join([REASONS[one.reason], *(f"; {_last(replay)}" for replay in last)])


def _last(replay: Replay) -> str:
    as_what = f" as {replay.request_id}" if replay.request_id else ""
    return f"last {instant(replay.time_unix_nano)}{as_what}: {replay.state.replace('_', ' ')}"
