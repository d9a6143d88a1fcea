"""What the layer has to say of itself: each once a process, as one WARN line."""

from __future__ import annotations

from observe import stdout, wire

NOTES = {
    "batch_not_entered": "observe.records: no record was entered (`with record:`): all are given back",
    "batch_not_partial": "observe.records(partial=True): Lambda heeds no partial reply for this event "
    "source, so an exception of a record fails the whole event",
    "correlation_id_replaced": "an inbound correlation ID was not usable and is replaced by its derived ID",
    "durable_replay_unknown": "a replay of a durable execution cannot be followed with this SDK: its lines "
    "are told again",
    "key_secret_missing": "OBSERVE_KEY_SECRET is not set: business keys are marked without a secret, and "
    "whoever reads the logs can guess them",
    "traceparent_invalid": "an inbound traceparent is not valid and is ignored",
}
_said: set[str] = set()


def say_once(note: str) -> None:
    """Say one of NOTES once a process: a public caller must not be able to fill the log."""
    if note in _said:
        return
    _said.add(note)
    line = {
        "timestamp": wire.timestamp(stdout.now()),
        "level": "WARN",
        "message": f"hybrid-observe: {NOTES.get(note, note)} (said once a process)",
        "event": f"observe.{note}",
    }
    stdout.write(wire.log_line(line))
