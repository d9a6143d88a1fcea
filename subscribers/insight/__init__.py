"""Questions that the store answers: each a module with `answer(source, question) -> Answer`.

Each has a library function beside `answer` whose values are typed; `console` shows an Answer as tables or
JSON, and dashboards draw its panels. Nothing here reads a clock or the environment.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from subscribers.insight.answer import Answer, Question, Source

#: Name of an insight -> module of this package, and what it tells.
INSIGHTS: dict[str, tuple[str, str]] = {
    "parity": ("parity", "Is the new implementation as good as the old? Endpoint by endpoint."),
    "progress": ("progress", "How far the migration is, and what remains."),
    "chains": ("chains", "Who calls whom, how deep, in circles, and what waiting costs."),
    "time": ("spent", "Where the time of requests goes, by hop and side; and against before."),
    "timeouts": ("timeouts", "How near each function comes to its limit and its gateway's."),
    "cold-starts": ("cold_starts", "How often functions start cold, and what that costs their callers."),
    "cost": ("cost", "What functions, endpoints, retries, timeouts and log lines cost."),
    "loss": ("loss", "What came in, and what became of it: received, delivered, stored, dropped."),
}


def ask(name: str, source: Source, question: Question) -> Answer:
    """Return an insight's answer. Raises KeyError for a name that is none, and what the source raises."""
    module, _ = INSIGHTS[name]
    answer: Callable[[Source, Question], Answer] = import_module(f"{__name__}.{module}").answer
    return answer(source, question)
