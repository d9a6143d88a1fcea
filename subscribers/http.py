"""The edge to other machines: one request sent, one response, whatever happens on the way.

Connections are kept between invocations. TLS is verified unless a sink says otherwise, redirections are not
followed, and proxies are those of HTTPS_PROXY, HTTP_PROXY and NO_PROXY. Secrets are put in here, at the last
moment; what is said of a failure never holds one. Nothing is retried: that is `delivery`'s.

https://urllib3.readthedocs.io/en/stable/reference/urllib3.connectionpool.html
"""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable
from email.utils import formatdate
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import msgspec

from subscribers import clients
from subscribers.http_faults import AuthoritiesError, failed, lowered, refused, sdk_fault
from subscribers.http_secrets import UnfitSecretError, filled, references, without
from subscribers.secrets import SecretError
from subscribers.sinks.channel import (
    AwsCall,
    HttpRequest,
    Request,
    Response,
    SecretReference,
    SigV4,
)

if TYPE_CHECKING:
    import urllib3

#: Of a response's body; verdicts of the largest batches are smaller.
RESPONSE_MAX_BYTES = 32 * 1024 * 1024
_CONNECT_TIMEOUT_S = 3.0
_PIECE_BYTES = 256 * 1024
#: How long an idle connection is believed in: what the other side has closed meanwhile says so only when a
#: request is on it, of which then nobody knows whether it was taken. Servers keep theirs for 5 s and more.
_IDLE_S = 4.0


class SecretSource(Protocol):
    """Where secrets come from; `secrets.Secrets` is one."""

    def get(self, reference: SecretReference) -> str:
        """Return the secret. Raises an exception with a `reason`."""

    def refresh(self, reference: SecretReference) -> object:
        """Ask for it anew the next time."""


class Settings(msgspec.Struct, frozen=True):
    """How a sink is spoken to. timeout_s: of a request, connecting included."""

    timeout_s: float = 10.0
    verify_tls: bool = True
    ca_file: str = ""
    #: Connections of one host that are kept.
    connections: int = 4


class HttpEdge:
    """Sends requests of one sink. Thread safe."""

    def __init__(
        self,
        settings: Settings | None = None,
        secrets: SecretSource | None = None,
    ) -> None:
        """secrets: without them a request that names one fails as `secret_unavailable`."""
        self._settings = settings or Settings()
        self._secrets = secrets
        self._lock = threading.Lock()
        self._pools: dict[str, urllib3.PoolManager] = {}
        self._signer: _Signer | None = None
        #: When a request was sent last, by the wall clock: the other one stands still in a frozen process.
        self._used_s = 0.0

    def send(self, request: HttpRequest, timeout_s: float | None = None) -> Response:
        """Send one request and return what came of it; never raises for anything the network does.

        timeout_s: less than the settings', where time runs out.
        """
        import urllib3

        limit = self._settings.timeout_s if timeout_s is None else min(timeout_s, self._settings.timeout_s)
        try:
            made = filled(request, self._secret, time.time())
            headers = self._signed(request, made.headers)
        except UnfitSecretError as error:
            return Response(fault="unsendable", detail=str(error))
        except SecretError as error:  # whose text has the reference, never the secret
            return Response(fault="secret_unavailable", detail=str(error))
        except Exception as error:  # noqa: BLE001 - whatever a secret's source raises; its text may hold one
            reason = getattr(error, "reason", "") or type(error).__name__
            return Response(fault="secret_unavailable", detail=f"no secret or credentials: {reason}")
        try:
            pool = self._pool(made.url)
            told = pool.request(
                request.method,
                made.url,
                body=made.body,
                headers=headers,
                retries=False,
                redirect=False,
                preload_content=False,
                timeout=urllib3.Timeout(connect=min(_CONNECT_TIMEOUT_S, limit), read=limit),
            )
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            return failed(error)
        finally:
            self._used_s = time.time()
        return without(made.used, _received(told, time.monotonic() + limit))

    def refresh(self, request: HttpRequest) -> None:
        """Ask for the request's secrets anew: the other side did not believe them."""
        if self._secrets is None:
            return
        for reference in references(request):
            self._secrets.refresh(reference)

    def _signed(self, request: HttpRequest, headers: dict[str, str]) -> dict[str, str]:
        """Return the headers with AWS's signature, where one is wanted."""
        if not isinstance(request.auth, SigV4):
            return headers
        with self._lock:
            self._signer = self._signer or _Signer()
        return self._signer.signed(request, headers, request.auth)

    def _secret(self, reference: SecretReference) -> str:
        if self._secrets is None:
            raise LookupError("no source of secrets")
        return self._secrets.get(reference)

    def _pool(self, url: str) -> urllib3.PoolManager:
        from subscribers.http_pool import manager

        parts = urlsplit(url)
        proxy = _proxy_of(parts.scheme, parts.netloc.rpartition("@")[2])
        with self._lock:
            if time.time() - self._used_s > _IDLE_S:
                for kept in self._pools.values():
                    kept.clear()
            pool = self._pools.get(proxy)
            if pool is None:
                known: dict[str, Any] = {"maxsize": self._settings.connections, "block": False, **self._tls()}
                pool = manager(proxy, known, _proxy_headers(proxy) if proxy else {})
                self._pools[proxy] = pool
        return pool

    def _tls(self) -> dict[str, Any]:
        context = ssl.create_default_context()
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self._settings.ca_file:
            try:
                context.load_verify_locations(self._settings.ca_file)
            except OSError as error:  # ssl.SSLError is one
                raise AuthoritiesError(f"ca_file: {type(error).__name__}") from error
        if not self._settings.verify_tls:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return {"ssl_context": context}


class AwsEdge:
    """Calls AWS by boto3, with the SDK's own retries off. Thread safe; clients are kept."""

    def __init__(self, settings: Settings | None = None) -> None:
        self._settings = settings or Settings()
        self._lock = threading.Lock()
        self._clients: dict[tuple[str, str], Any] = {}
        self._used_s = 0.0

    def send(self, call: AwsCall, timeout_s: float | None = None) -> Response:  # noqa: ARG002 - as HttpEdge's
        """Make one call and return what came of it; never raises for anything AWS or the network does."""
        from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError, ParamValidationError

        try:
            client = self._client(call.service, call.region)
            result: dict[str, Any] = getattr(client, call.operation)(**call.parameters)
        except ClientError as error:
            return refused(error)
        except ParamValidationError as error:
            return Response(status=400, error_code=type(error).__name__, detail="the SDK refused it")
        except (BotoCoreError, HTTPClientError, OSError) as error:
            return Response(fault=sdk_fault(error), detail=type(error).__name__)
        except Exception as error:  # noqa: BLE001 - the SDK reads bodies that it takes for AWS's own
            return Response(fault="half_response", detail=f"{type(error).__name__} in the SDK")
        told = result.pop("ResponseMetadata", {})
        headers = lowered(told.get("HTTPHeaders", {}))
        return Response(status=int(told.get("HTTPStatusCode", 200)), headers=headers, result=result)

    def refresh(self, call: AwsCall) -> None:
        """Make the client anew, and with it ask for credentials."""
        with self._lock:
            self._clients.pop((call.service, call.region), None)

    def _client(self, service: str, region: str) -> Any:
        with self._lock:
            found = self._clients.get((service, region))
            if found is not None and time.time() - self._used_s > _IDLE_S:
                found.close()  # its connections; it makes new ones
            self._used_s = time.time()
            if found is None:
                found = self._clients[service, region] = clients.client(
                    service,
                    region,
                    attempts=1,
                    read_timeout_s=self._settings.timeout_s,
                    connections=max(1, self._settings.connections),
                )
        return found


class Edge:
    """Sends whatever a channel asks for."""

    def __init__(self, settings: Settings | None = None, secrets: SecretSource | None = None) -> None:
        self._http, self._aws = HttpEdge(settings, secrets), AwsEdge(settings)

    def send(self, request: Request, timeout_s: float | None = None) -> Response:
        """See HttpEdge.send and AwsEdge.send."""
        if isinstance(request, HttpRequest):
            return self._http.send(request, timeout_s)
        return self._aws.send(request, timeout_s)

    def refresh(self, request: Request) -> None:
        """Ask for the secrets or credentials of a request anew."""
        if isinstance(request, HttpRequest):
            self._http.refresh(request)
        else:
            self._aws.refresh(request)


class _Signer:
    """Signs with the credentials of the environment, which rotate by themselves."""

    def __init__(self) -> None:
        import botocore.session

        self._session = botocore.session.get_session()

    def signed(self, request: HttpRequest, headers: dict[str, str], auth: SigV4) -> dict[str, str]:
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.exceptions import NoCredentialsError

        credentials = self._session.get_credentials()
        if credentials is None:
            raise NoCredentialsError
        made = AWSRequest(method=request.method, url=request.url, data=request.body, headers=headers)
        # OpenSearch Serverless wants it, and the others do not mind.
        made.headers["X-Amz-Content-SHA256"] = _sha256(request.body)
        SigV4Auth(credentials.get_frozen_credentials(), auth.service, auth.region).add_auth(made)
        return dict(made.headers.items())


def _sha256(body: bytes) -> str:
    from hashlib import sha256

    return sha256(body).hexdigest()


def _proxy_of(scheme: str, host: str) -> str:
    """The proxy of a host by the standard variables, "" for none."""
    proxies = getproxies()
    proxy = proxies.get(scheme) or proxies.get("all") or ""
    if not proxy or proxy_bypass(host):
        return ""
    return proxy if "://" in proxy else f"http://{proxy}"


def _proxy_headers(proxy: str) -> dict[str, Any]:
    """User and password of a proxy's address, which urllib3 does not read."""
    import urllib3

    user = urlsplit(proxy).netloc.rpartition("@")[0]
    return {"proxy_headers": urllib3.make_headers(proxy_basic_auth=user)} if user else {}


def _received(told: urllib3.BaseHTTPResponse, until: float) -> Response:
    """Read a response to its end, within bounds. until: of time.monotonic(); a body may dribble for ever."""
    import urllib3

    pieces, size = [], 0
    try:
        # A read returns what is there; only one that returns nothing has seen the end.
        while piece := told.read1(_PIECE_BYTES, decode_content=True):
            pieces.append(piece)
            size += len(piece)
            if size > RESPONSE_MAX_BYTES or time.monotonic() > until:
                why = "more than is read" if size > RESPONSE_MAX_BYTES else "too slowly"
                told.close()
                return Response(fault="half_response", detail=f"status {told.status}, then {why}")
    except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
        told.close()
        return Response(fault="half_response", detail=f"status {told.status}, then {type(error).__name__}")
    told.release_conn()
    body = b"".join(pieces)
    if (
        not body
        and told.status == 200
        and not ({"content-length", "transfer-encoding"} & {*map(str.lower, told.headers)})
    ):
        # Nobody says that nothing comes: its headers may have been cut.
        return Response(fault="half_response", detail="status 200, then nothing, not even its length")
    # When it came, where it does not say: https://www.rfc-editor.org/rfc/rfc9110#section-6.6.1
    headers = {"date": formatdate(usegmt=True), **lowered(dict(told.headers.items()))}
    return Response(status=told.status, headers=headers, body=body)


#: What sends a request; a thread of the driver's calls it.
Send = Callable[[Request, float | None], Response]
