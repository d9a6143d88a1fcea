"""With the layer attached: clients that a function imports."""

from __future__ import annotations

import json

import pytest

from tests.observe.attached import HTTP_EVENT, Run
from tests.observe.http_echo import Server, sent_by

_FUNCTION = """
    import sys
    def handler(event, context):
        loaded = [name for name in sys.modules if name.startswith("observe.patch_")]
        {imports}
        return [loaded, {send}]
"""


_FUNCTIONS = {
    "requests": ("import requests", "requests.get(event['url']).json()"),
    "urllib3": (
        "import urllib3, json",
        "json.loads(urllib3.PoolManager().request('GET', event['url']).data)",
    ),
    "urllib": ("import urllib.request, json", "json.load(urllib.request.urlopen(event['url']))"),
    "httpx": ("import httpx", "httpx.get(event['url']).json()"),
}


@pytest.mark.runtime
@pytest.mark.parametrize("library", _FUNCTIONS)
def test_a_library_is_patched_when_it_is_imported(run: Run, server: Server, library: str) -> None:
    """Before the function imports it nothing of ours is loaded; the settings say what the host gets."""
    imports, send = _FUNCTIONS[library]
    observed = run(
        _FUNCTION.format(imports=imports, send=send),
        environment={"OBSERVE_DIALECTS": "127.0.0.1=b3,nonsense host=b3"},
    )
    loaded, sent = json.loads(observed({**HTTP_EVENT, "url": server.url}).payload)
    own, span = observed.spans
    assert loaded == []
    assert sent["traceparent"] == sent_by(span)
    assert sent["b3"] == f"{own['traceId']}-{span['spanId']}-1"
    assert len(observed.said) == 1
    assert "'nonsense host' is not a host" in observed.said[0]
