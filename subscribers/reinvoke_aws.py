"""The edge of `observe reinvoke` to AWS: whose credentials these are, invocations, records in S3.

    ReinvokeError       what was asked of AWS was refused; `reason` is `no_credentials`, `not_read`

An invocation is synchronous: only those have a client context, the one place that marks a replay without
touching its event. The SDK's own retries are off, for it repeats what may have run; what Lambda says that it
did not run (429) is tried again here.

https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from subscribers.reinvoke import Answer, Decision, judge

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

#: A function may run for 900 s.
_READ_TIMEOUT_S = 930
_CONNECT_TIMEOUT_S = 5
#: How often an invocation is tried that Lambda refuses for now, and how long is waited at most, doubled.
_ATTEMPTS = 6
_WAIT_S = 0.5
#: The function was not run, and may be later.
_LATER = frozenset({"TooManyRequestsException", "ThrottlingException", "EC2ThrottledException"})


class ReinvokeError(Exception):
    """AWS refused what was asked. `reason` is low-cardinality, the text a sentence."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class Aws:
    """AWS with the credentials of the environment; clients are made on first use. Thread-safe once made."""

    def __init__(self, sleep: Callable[[float], None] = time.sleep) -> None:
        self._sleep = sleep
        self._clients: dict[tuple[str, str], Any] = {}

    def account(self, region: str) -> str:
        """Return the account of the credentials. Raises ReinvokeError."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return str(self._client("sts", region).get_caller_identity()["Account"])
        except (BotoCoreError, ClientError) as error:
            said = f"AWS does not say whose credentials these are: {error}"
            raise ReinvokeError("no_credentials", said) from error

    def prepare(self, regions: set[str]) -> None:
        """Make the clients that `invoke` needs: to make one is not thread-safe, to use it is."""
        for region in regions:
            self._client("lambda", region)

    def invoke(self, decision: Decision, client_context: str) -> Answer:
        """Run the function with the event, wait for its end, and return how it was: AWS's errors, too."""
        from botocore.exceptions import (
            BotoCoreError,
            ClientError,
            ConnectTimeoutError,
            EndpointConnectionError,
        )

        event = decision.failed.event
        if event is None:
            return Answer("not_invoked", detail="no event")
        params = {
            "FunctionName": decision.arn,
            "InvocationType": "RequestResponse",
            "ClientContext": client_context,
            "Payload": event.text.encode(),
            **({"Qualifier": decision.qualifier} if decision.qualifier else {}),
        }
        request_id = ""
        try:
            told = self._invoked(decision.region, params)
            request_id = str(told["ResponseMetadata"].get("RequestId", ""))
            payload = told["Payload"].read()
        except ClientError as error:
            return _refused(error)
        except (ConnectTimeoutError, EndpointConnectionError) as error:
            return Answer("not_invoked", detail=f"no connection ({type(error).__name__})")
        except (BotoCoreError, OSError) as error:
            return Answer("unknown", request_id, f"the connection was lost ({type(error).__name__})")
        state, detail = judge(event.text, payload, str(told.get("FunctionError") or ""))
        return Answer(state, request_id, detail)

    def _invoked(self, region: str, params: dict[str, Any]) -> dict[str, Any]:
        from botocore.exceptions import ClientError

        client = self._client("lambda", region)
        for attempt in range(_ATTEMPTS):
            try:
                answer: dict[str, Any] = client.invoke(**params)
            except ClientError as error:
                if not _is_for_now(error) or attempt == _ATTEMPTS - 1:
                    raise
            else:
                return answer
            self._sleep(random.uniform(0, _WAIT_S * 2**attempt))  # noqa: S311 - spreads calls, no secret
        raise AssertionError("the last attempt returns or raises")

    def objects(self, uri: str) -> Iterator[tuple[str, bytes]]:
        """Yield (name, bytes) of s3://bucket/key, or of all below s3://bucket/key/. Raises ReinvokeError."""
        from botocore.exceptions import BotoCoreError, ClientError

        bucket, _, key = uri.removeprefix("s3://").partition("/")
        client = self._client("s3", "")
        try:
            keys = [key]
            if not key or key.endswith("/"):
                pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=key)
                keys = [item["Key"] for page in pages for item in page.get("Contents", ())]
            for name in keys:
                yield f"s3://{bucket}/{name}", client.get_object(Bucket=bucket, Key=name)["Body"].read()
        except (BotoCoreError, ClientError, OSError) as error:
            raise ReinvokeError("not_read", f"{uri} cannot be read: {error}") from error

    def _client(self, service: str, region: str) -> Any:
        key = (service, region)
        if key not in self._clients:
            import boto3
            from botocore.config import Config
            from botocore.exceptions import BotoCoreError

            retries: Any = {"mode": "standard", "total_max_attempts": 1 if service == "lambda" else 4}
            config = Config(
                retries=retries,
                connect_timeout=_CONNECT_TIMEOUT_S,
                read_timeout=_READ_TIMEOUT_S if service == "lambda" else 20,
                tcp_keepalive=True,
                max_pool_connections=64,
            )
            client: Any = boto3.client  # its type has an overload a service
            try:
                self._clients[key] = client(service, region_name=region or None, config=config)
            except BotoCoreError as error:
                raise ReinvokeError("no_credentials", f"AWS cannot be called: {error}") from error
        return self._clients[key]


def _refused(error: ClientError) -> Answer:
    """What Lambda refused before it ran anything, or (5xx) at a moment that nobody knows."""
    is_unknown = _status(error) >= 500 and not _is_for_now(error)
    return Answer("unknown" if is_unknown else "not_invoked", detail=_code(error) or "refused")


def _is_for_now(error: ClientError) -> bool:
    """Whether the function was not run, and may be later."""
    return _status(error) == 429 or _code(error) in _LATER


def _status(error: ClientError) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))
