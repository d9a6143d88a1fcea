"""For tests of functions that use the layer: what it wrote.

with observe.testing.capture() as lines:
    handler(event, context)
assert lines.logs[0]["message"] == "claim accepted"

And what it sent: `calls` tells whether the context went with each outbound call. Events to call handlers
with are built by `events`, which is loaded at first use. docs/testing.md
"""

from __future__ import annotations

import json

from observe import event_line, stdout, watched
from observe.source import LOST

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from observe.context import Context
    from observe.testing import events

__all__ = ["Call", "LambdaContext", "Lines", "calls", "capture", "events"]


def __getattr__(name: str) -> Any:
    """Load the builders at first use (PEP 562): `observe explain` and the layer's own tests need none."""
    if name != "events":
        raise AttributeError(f"module 'observe.testing' has no attribute {name!r}")
    from importlib import import_module

    return import_module("observe.testing.events")


class Lines:
    """The lines of ours, as bytes in `raw` and decoded by kind."""

    def __init__(self) -> None:
        self.raw: list[bytes] = []

    @property
    def _json(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.raw if line.startswith(b"{")]

    @property
    def logs(self) -> list[dict[str, Any]]:
        """Log lines as dictionaries; the events of failed invocations are in `failed_events`."""
        return [line for line in self._lines if line.get("event") != event_line.EVENT]

    @property
    def failed_events(self) -> list[dict[str, Any]]:
        """The lines that tell the event of a failed invocation, as dictionaries."""
        return [line for line in self._lines if line.get("event") == event_line.EVENT]

    @property
    def _lines(self) -> list[dict[str, Any]]:
        return [
            line
            for line in self._json
            if "message" in line and "resourceSpans" not in line and not _is_metric(line)
        ]

    @property
    def metrics(self) -> list[str]:
        """Metric lines as text, in the format that they were written in; out of Lambda's JSON mode again."""
        found = []
        for raw in self.raw:
            line = json.loads(raw) if raw.startswith(b"{") else None
            if line is None or _is_metric(line):
                found.append(raw.decode().rstrip("\n"))
            elif "metric" in line and "message" not in line:
                found.append(line["metric"])
        return found

    @property
    def spans(self) -> list[dict[str, Any]]:
        """Spans as OTLP/JSON dictionaries, with their attributes as a plain dictionary in `attributes`."""
        found = []
        for line in self._json:
            for resource in line.get("resourceSpans", ()):
                for scope in resource["scopeSpans"]:
                    found += [{**span, "attributes": _plain(span)} for span in scope["spans"]]
        return found


#: The members of a metric in the `datadog` format: docs/spec/lines.md.
_DATADOG = frozenset("mvet")


def _is_metric(line: dict[str, Any]) -> bool:
    """Whether a JSON line is a metric by itself: CloudWatch's embedded format, or Datadog's."""
    return "_aws" in line or (_DATADOG.issubset(line) and "message" not in line)


def _plain(span: dict[str, Any]) -> dict[str, Any]:
    return {pair["key"]: next(iter(pair["value"].values())) for pair in span.get("attributes", ())}


class capture:  # noqa: N801  # a context manager, named like a function as the standard library's are
    """Collect the lines written inside a `with` block instead of writing them to stdout."""

    def __enter__(self) -> Lines:
        lines = Lines()
        self._before: Callable[[bytes], None] = stdout.redirect(lines.raw.append)
        return lines

    def __exit__(self, *exc: object) -> None:
        stdout.redirect(self._before)


class Call:
    """One outbound call. name: `sqs.SendMessage`, or `http HOST`. lost: "" if the context went with it whole,
    else why not: one of `observe.source.LOST`, or `not_forwarded`."""

    __slots__ = ("lost", "name")

    def __init__(self, name: str, lost: str) -> None:
        self.name = name
        self.lost = lost

    def __repr__(self) -> str:
        return f"{self.name}: {self.lost or 'carried'}"


class calls:  # noqa: N801  # a context manager, named like a function as the standard library's are
    """Watch what a handler sends: does the context go with each call?

        with observe.testing.calls() as sent:
            handler(event, LambdaContext())
        sent.assert_carried()

    The calls go where the test lets them go: to moto, a stub, a local server. made: in order.
    """

    def __init__(self) -> None:
        self.made: list[Call] = []

    def __enter__(self) -> calls:
        from observe import hooks

        hooks.install()
        self._before = watched.listener
        watched.listener = self._tell
        return self

    def _tell(self, name: str, lost: str) -> None:
        self.made.append(Call(name, lost))

    def __exit__(self, *exc: object) -> None:
        watched.listener = self._before

    def assert_carried(self, *, except_for: Iterable[str] = ()) -> None:
        """Raise AssertionError unless the context went whole with every call, those in `except_for` apart.

        except_for: names of calls, or one name. It also fails where nothing was sent, or nothing of such a
        name: a test that watches nothing proves nothing.
        """
        apart = {except_for} if isinstance(except_for, str) else {*except_for}
        lost = [call for call in self.made if call.lost and call.name not in apart]
        if lost:
            raise AssertionError("the context did not go whole with " + "; ".join(map(_why, lost)))
        if not self.made:
            raise AssertionError(
                "no outbound call was seen: is the handler decorated, is what it calls a stub?"
            )
        absent = apart.difference(call.name for call in self.made)
        if absent:
            made = ", ".join(sorted({call.name for call in self.made}))
            unseen = ", ".join(sorted(map(str, absent)))
            raise AssertionError(f"except_for names what was not called: {unseen}; called were {made}")


def _why(call: Call) -> str:
    return f"{call.name} ({call.lost}: {LOST.get(call.lost, 'its host gets no headers of ours')})"


#: The request ID of every invocation that a test does not name itself.
REQUEST_ID = "00000000-0000-4000-8000-000000000001"


class LambdaContext:
    """A runtime context object as handlers get it: request ID, function name, time left.

    custom: what a synchronous caller put into the client context's `custom`; `invoked_by` is for a caller
    that has a context.
    """

    def __init__(
        self,
        aws_request_id: str = REQUEST_ID,
        *,
        function_name: str = "function",
        remaining_ms: int = 3000,
        custom: dict[str, Any] | None = None,
    ) -> None:
        self.aws_request_id = aws_request_id
        self.function_name = function_name
        self.function_version = "$LATEST"
        self.memory_limit_in_mb = "128"
        self.invoked_function_arn = f"arn:aws:lambda:eu-west-1:123456789012:function:{function_name}"
        self.log_group_name = f"/aws/lambda/{function_name}"
        self.log_stream_name = "2026/01/02/[$LATEST]0123456789abcdef0123456789abcdef"
        self.client_context = _ClientContext(custom) if custom is not None else None
        self.identity = None
        self._remaining_ms = remaining_ms

    @classmethod
    def invoked_by(
        cls,
        context: Context,
        aws_request_id: str = REQUEST_ID,
        *,
        function_name: str = "function",
        remaining_ms: int = 3000,
        custom: dict[str, Any] | None = None,
    ) -> LambdaContext:
        """Return what a handler gets that is called synchronously inside `context`: by Invoke's own carrier.

        custom: what the caller put in itself. Raises ValueError where the context has no room beside it.
        """
        from observe.testing.carrying import client_context

        told = client_context(context, custom or {}, "LambdaContext.invoked_by")
        return cls(aws_request_id, function_name=function_name, remaining_ms=remaining_ms, custom=told)

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the timeout."""
        return self._remaining_ms


class _ClientContext:
    def __init__(self, custom: dict[str, Any]) -> None:
        self.custom = custom
        self.env: dict[str, Any] = {}
        self.client = None
