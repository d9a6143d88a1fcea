"""Every HTTP client that the layer patches, as parameters of a test; httpx's spans are OpenTelemetry's."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.observe.http_echo import by_aiohttp, by_httpx, by_httpx_async, by_requests, by_urllib, by_urllib3

Send = Callable[..., int]
LIGHT = [by_requests, by_urllib3, by_urllib, by_aiohttp]
EVERY = [*LIGHT, by_httpx, by_httpx_async]
every = pytest.mark.parametrize("send", EVERY, ids=lambda send: send.__name__[3:])
light = pytest.mark.parametrize("send", LIGHT, ids=lambda send: send.__name__[3:])
