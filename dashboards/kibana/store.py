"""What the documents of one sink are called: index patterns of its logs, traces, metrics and ledger."""

from __future__ import annotations

from typing import Literal

import msgspec

from dashboards.resources import Note, System
from subscribers.sinks.bulk import Names
from subscribers.sinks.elasticsearch import kinds_of, names_of, takes_ledger

#: Which documents: `all` where an expression needs several.
Index = Literal["logs", "traces", "metrics", "ledger", "all"]
Product = Literal["elasticsearch", "opensearch"]
INDICES: tuple[Index, ...] = ("all", "logs", "traces", "metrics", "ledger")


class Store(msgspec.Struct, frozen=True, kw_only=True):
    """Where the documents are. titles: index -> pattern; kinds: what is sent there."""

    titles: dict[Index, str]
    kinds: tuple[Index, ...]


def store_of(system: System, product: Product) -> tuple[Store, tuple[Note, ...]]:
    """Return the store of the first sink of a product, and what is worth knowing about it."""
    sinks = {name: sink for name, sink in system.config.sinks.items() if sink.get("type") == product}
    notes: list[Note] = []
    if not sinks:
        text = f"observe.yaml has no sink of type {product}: the panels read the default names, observe-*."
        notes.append(Note(level="warning", text=text))
    if len(sinks) > 1:
        first = next(iter(sinks))
        text = f"observe.yaml has {len(sinks)} sinks of type {product}: the panels read those of {first}."
        notes.append(Note(level="info", text=text, subject=first))
    settings = next(iter(sinks.values()), {})
    kinds: list[Index] = [{"log": "logs", "span": "traces"}.get(kind, "metrics") for kind in _kinds(settings)]  # type: ignore[misc]
    if takes_ledger(settings):
        kinds.append("ledger")
    return Store(titles=_titles(names_of(settings)), kinds=tuple(kinds)), tuple(notes)


def _kinds(settings: dict[str, object]) -> list[str]:
    return [str(kind).removesuffix("s") for kind in kinds_of(settings)]


def _titles(names: Names) -> dict[Index, str]:
    """Index patterns. The logs are every dataset that is none of the others."""
    if names.is_stream:
        part, space = names.part, names.namespace
        traces, metrics = f"traces-{part}-{space}", f"metrics-{part}-{space}"
        logs, ledger = f"logs-{part}.*-{space}", f"logs-{part}.ledger-{space}"
        return {
            "all": f"{logs},{traces},{metrics}",
            "logs": f"{logs},-{ledger}",
            "traces": traces,
            "metrics": metrics,
            "ledger": ledger,
        }
    every = f"{names.prefix}-*"
    traces, metrics, ledger = (f"{names.prefix}-{kind}-*" for kind in ("traces", "metrics", "ledger"))
    return {
        "all": every,
        "logs": f"{every},-{traces},-{metrics},-{ledger}",
        "traces": traces,
        "metrics": metrics,
        "ledger": ledger,
    }
