"""Is the new implementation as good as the old? Endpoint by endpoint, with the statistics of the verdict."""

from __future__ import annotations

from subscribers.insight.answer import Answer, Question, Source
from subscribers.insight.parity_answer import told
from subscribers.insight.parity_compared import Parity, report


def parity(source: Source, question: Question) -> list[Parity]:
    """Return a comparison for each endpoint asked for, and for routes that both sides serve undeclared.

    Raises what the source raises.
    """
    return list(report(source, question).items)


def answer(source: Source, question: Question) -> Answer:
    """Return parity as tables and findings. Raises what the source raises."""
    return told(report(source, question), question)
