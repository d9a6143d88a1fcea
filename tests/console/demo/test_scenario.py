"""What the demo's clients send."""

from __future__ import annotations

from console.demo import scenario
from console.demo.report import is_layers
from console.local.weighted import Spread


def test_no_two_claims_have_the_same_number() -> None:
    """A claim is one claim: morning, noon, and whatever comes later."""
    sent = [*scenario.morning(), *scenario.noon(), scenario.submission(next(scenario.later))]
    numbers = [request.body["number"] for request in sent if request.body]
    assert len(set(numbers)) == len(numbers)
    assert len(sent) > 200


def test_the_claims_with_a_story_reach_the_new_implementation() -> None:
    """The front door gives three of four claims to it; those that tell a story are among them."""
    spread = Spread()
    new = [request for request in scenario.morning() if spread() < 75]
    numbers = {request.body["number"] for request in new if request.body}
    stories = {scenario.BOTH, scenario.FAILED, scenario.SLOW, scenario.NO_ADDRESS}
    assert stories | {scenario.FLOOD, scenario.SHIP} <= numbers
    assert len(new) < scenario.MORNING


def test_lines_of_the_layer_are_told_from_the_functions_own() -> None:
    """Span lines and what the layer says of itself count; what the handler asked for does not."""
    assert is_layers('{"resourceSpans":[]}')
    assert is_layers('{"timestamp":"2026-11-21T00:00:00.000Z","level":"INFO","resourceSpans":[]}')
    assert is_layers('{"level":"WARN","message":"hybrid-observe: off","event":"observe.off"}')
    assert not is_layers('{"level":"INFO","message":"observe.key","event":"observe.key","keys":[]}')
    assert not is_layers('{"message":"about \\"event\\":\\"observe.off\\"","event":"mine"}')
    assert not is_layers('{"event":"observe.off')
    assert not is_layers("accepted CLM-1")
