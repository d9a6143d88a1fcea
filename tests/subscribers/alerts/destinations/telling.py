"""What the tests of destinations share: messages of every kind, secrets, and a delivery over real sockets."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import strategies as st
from msgspec.structs import replace

from subscribers.alerts.destinations import DESTINATIONS, Destination
from subscribers.alerts.message import Message, message_of, surroundings_of
from subscribers.alerts.notice import Notice
from subscribers.config import EMPTY
from subscribers.delivery import Policy
from subscribers.http import Edge, Settings
from subscribers.secrets import SecretError
from subscribers.shipping import Shipper
from subscribers.sinks.channel import HttpRequest, Outcome, SecretReference
from tests.subscribers.alerts.test_message import FOUND, NASTY, around
from tests.subscribers.alerts.timelines import Timeline, policy, sample

POLICY = Policy(base_s=0.01, cap_s=0.02, timeout_s=0.3, attempts=3)
SETTINGS: dict[str, dict[str, Any]] = {
    "pagerduty": {"type": "pagerduty", "routing_key": "ssm:/routing"},
    "opsgenie": {"type": "opsgenie", "api_key": "ssm:/opsgenie", "responders": ["claims", "night"]},
    "slack": {"type": "slack", "webhook_url": "ssm:/slack"},
    "sns": {"type": "sns", "topic_arn": "arn:aws:sns:eu-west-1:123456789012:oncall"},
    "webhook": {"type": "webhook", "url": "http://hook.example/in", "signing_key": "ssm:/signing"},
}


class Known:
    """Secrets by reference; `refresh` changes one to what it is now."""

    def __init__(self, **known: str) -> None:
        self.known, self.now = known, dict(known)

    def get(self, reference: SecretReference) -> str:
        name = str(reference).removeprefix("ssm:/")
        if name not in self.known:
            raise SecretError("not_found", f"{reference}: there is none")
        return self.known[name]

    def refresh(self, reference: SecretReference) -> None:
        name = str(reference).removeprefix("ssm:/")
        self.known[name] = self.now[name]


def notices(*services: str, **settings: Any) -> list[Notice]:
    """A trigger, an update that is more urgent, and a resolve."""
    step = Timeline(policy(flapping_hold_s=0))
    some = [
        replace(FOUND, group={"service": name}, service=name, severity="warning", **settings)
        for name in services or ("claims",)
    ]
    step.step(*some)
    step.step(*(replace(one, severity="critical") for one in some))
    step.step(*(replace(one, verdict="ok") for one in some))
    return step.notices


def messages(*services: str, **settings: Any) -> list[Message]:
    return [message_of(notice, around()) for notice in notices(*services, **settings)]


def deliver(channel: Destination, some: list[Message], secrets: Known | None = None) -> Outcome:
    """Deliver messages one after the other, over real connections."""
    shipper = Shipper("destination.x", [channel], Edge(Settings(timeout_s=0.3), secrets), POLICY)
    total = Outcome()
    for message in some:
        one = shipper.deliver({channel.name: channel.told(message)})
        total.delivered += one.delivered
        total.retry.setdefault("notices", []).extend(one.retry.get("notices", []))
        total.rejected.setdefault("notices", []).extend(one.rejected.get("notices", []))
    return total


def reasons(outcome: Outcome) -> list[str]:
    """Why items were not taken."""
    found = [*outcome.retry.get("notices", ()), *outcome.rejected.get("notices", ())]
    return [leftover.refusal.reason for leftover in found]


def tree(channel: Destination, message: Message) -> Any:
    """The body of the one request of a message, as JSON."""
    request = channel.request(channel.told(message)[:1])
    assert isinstance(request, HttpRequest)
    return msgspec.json.decode(request.body)


def made(kind: str, **settings: Any) -> Destination:
    return DESTINATIONS[kind]({**SETTINGS[kind], **settings})


def hostile_messages() -> list[Message]:
    """The worst that signals can hold, in every place, of sixty groups."""
    bad = [sample(correlation_id=f"{n}{NASTY * 50}", text=NASTY * 600, service=NASTY) for n in range(9)]
    found = replace(
        FOUND,
        said=NASTY * 700,
        service=NASTY,
        endpoint=NASTY * 3,
        samples=tuple(bad),
        details={NASTY[:30] + str(n): NASTY * 90 for n in range(40)},
    )
    step = Timeline(policy(flapping_hold_s=0))
    some = [replace(found, group={NASTY: f"{n}"}) for n in range(60)]
    for verdict, severity in (("breach", "warning"), ("breach", "critical"), ("ok", "critical")):
        step.step(*(replace(one, verdict=verdict, severity=severity) for one in some))
    surroundings = replace(
        around(),
        links={f"l{n}": "https://x.example/{correlation_id}/{service}|<>&?t={trace_id}" for n in range(20)}
        | {f"e{n}": "https://x.example/{service}/{endpoint}" for n in range(20)},
    )
    return [message_of(notice, surroundings) for notice in step.notices]


texts = st.one_of(st.text(st.characters(), max_size=80), st.just(NASTY), st.just("😀" * 20_000))


@st.composite
def any_messages(draw: st.DrawFn) -> Message:
    """A message of signals that hold anything."""
    found = replace(
        FOUND,
        said=draw(texts),
        service=draw(texts),
        endpoint=draw(texts),
        group=draw(st.dictionaries(texts, texts, max_size=3)),
        samples=tuple(
            sample(correlation_id=draw(texts), text=draw(texts), service=draw(texts)) for _ in range(2)
        ),
        details=draw(st.dictionaries(texts, texts, max_size=3)),
    )
    step = Timeline(policy(flapping_hold_s=0))
    step.step(found)
    step.step(replace(found, severity="info", verdict="ok"))
    chosen = draw(st.sampled_from(step.notices))
    return message_of(chosen, draw(st.sampled_from([around(), surroundings_of(EMPTY, [])])))
