"""Lambda's Invoke and STS's GetCallerIdentity over HTTP; functions are local ones.

https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from console.local.invocation import InvokeResult
from tests.backends.server import Backend, Received, Reply

_PATH = re.compile(r"/2015-03-31/functions/([^/]+)/invocations")
#: Of both: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
_PAYLOAD_MAX, _CONTEXT_MAX = 6_291_456, 3_583
_IDENTITY = """<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
<GetCallerIdentityResult><Arn>arn:aws:iam::{0}:user/operator</Arn><UserId>A</UserId><Account>{0}</Account>
</GetCallerIdentityResult><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata>
</GetCallerIdentityResponse>"""

#: (event, client context as JSON text) -> how it ended
Function = Callable[[bytes, str | None], InvokeResult]


class InvokeApi(Backend):
    """Functions by ARN. `calls` has (ARN, qualifier, event, client context) of each that ran."""

    def __init__(self, functions: dict[str, Function], account: str, faults: Any = None) -> None:
        super().__init__(faults)
        self.functions = functions
        self.account = account
        self.calls: list[tuple[str, str, bytes, str | None]] = []

    def fault_reply(self, status: int) -> Reply:
        """What Lambda says where it throttles, or is ill itself."""
        return _refused(status, "TooManyRequestsException" if status == 429 else "ServiceException")

    def answer(self, request: Received) -> Reply:
        """Run a function, or say whose the credentials are."""
        if b"Action=GetCallerIdentity" in request.body:
            return Reply(200, _IDENTITY.format(self.account).encode(), {"Content-Type": "text/xml"})
        found = _PATH.fullmatch(unquote(request.path))
        if request.method != "POST" or found is None:
            return _refused(404, "ResourceNotFoundException")
        function = self.functions.get(found[1])
        if function is None:
            return _refused(404, "ResourceNotFoundException")
        told = request.headers.get("x-amz-client-context")
        if len(request.body) > _PAYLOAD_MAX or len(told or "") > _CONTEXT_MAX:
            return _refused(413, "RequestTooLargeException")
        assert request.headers.get("x-amz-invocation-type", "RequestResponse") == "RequestResponse"
        context = base64.b64decode(told, validate=True).decode() if told else None
        with self.lock:
            self.calls.append((found[1], request.query.get("Qualifier", ""), request.body, context))
        result = function(request.body, context)
        headers = {"x-amzn-RequestId": result.request_id, "X-Amz-Executed-Version": "$LATEST"}
        if result.status != "success":
            headers["X-Amz-Function-Error"] = "Unhandled"
        return Reply(200, result.payload, headers)


def _refused(status: int, kind: str) -> Reply:
    return Reply(status, {"Type": "User", "Message": kind}, {"x-amzn-ErrorType": kind})
