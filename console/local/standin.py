"""A stand-in for awslambdaric where its native client cannot be had: the same loop in pure Python.

Run by `bootstrap.py` in the function's process; imports the standard library only. Error documents
and text log lines are awslambdaric's; the JSON log format has its main fields.
"""

import http.client
import importlib
import io
import json
import logging
import os
import sys
import time
import traceback
from typing import Any, NoReturn

_PREFIX = "/2018-06-01/runtime"
_TEXT_FRAMES = {"default": 0xA55A0003, "error": 0xA55A0017}
_JSON_FRAMES = {10: 0xA55A000A, 20: 0xA55A000E, 30: 0xA55A0012, 40: 0xA55A0016, 50: 0xA55A001A}


class _FaultError(Exception):
    """An error of the runtime itself; `kind` is its errorType."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class _Context:
    """The handler's second argument."""

    def __init__(self, headers: Any) -> None:
        self.aws_request_id = headers["Lambda-Runtime-Aws-Request-Id"]
        self.invoked_function_arn = headers["Lambda-Runtime-Invoked-Function-Arn"]
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
        self.memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.log_group_name = os.environ["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
        self.tenant_id = None
        self.identity = _Namespace({}, ("cognito_identity_id", "cognito_identity_pool_id"))
        self.client_context = _client_context(headers["Lambda-Runtime-Client-Context"])
        self._deadline_ms = int(headers["Lambda-Runtime-Deadline-Ms"])

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the function's timeout, never negative."""
        return max(0, self._deadline_ms - int(time.time() * 1000))

    def log(self, message: object) -> None:
        """Write to the log as it is."""
        sys.stdout.write(str(message))


class _Namespace:
    def __init__(self, values: dict[str, Any], names: tuple[str, ...]) -> None:
        for name in names:
            setattr(self, name, values.get(name))


def _client_context(text: str | None) -> _Namespace | None:
    if not text:
        return None
    try:
        return _Namespace(json.loads(text), ("custom", "env", "client"))
    except ValueError as error:
        raise _FaultError(
            "Runtime.LambdaContextUnmarshalError", f"Unable to parse Client Context JSON: {error}"
        ) from error


class _Log(logging.Handler):
    """Writes records and errors as telemetry frames, one event each."""

    def __init__(self, fd: int | None, json_format: bool) -> None:
        super().__init__()
        self.fd = fd
        self.json_format = json_format
        self.request_id = ""

    def emit(self, record: logging.LogRecord) -> None:
        record.aws_request_id = self.request_id
        if self.json_format:
            kind = _JSON_FRAMES.get(record.levelno // 10 * 10, 0xA55A0002)
            self.write(kind, self._json(record) + "\n")
        else:
            self.write(_TEXT_FRAMES["default"], self.format(record))

    def write_error(self, document: dict[str, Any]) -> None:
        """Write an error document as awslambdaric does."""
        if self.json_format:
            head = {"timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "level": "ERROR"}
            self.write(_JSON_FRAMES[40], json.dumps({**head, **document}))
            return
        stack = "".join(document["stackTrace"]).splitlines()
        lines = [f"[ERROR] {document['errorType']}: {document['errorMessage']}"]
        indented = [_indent(line) for line in stack]
        self.write(
            _TEXT_FRAMES["error"], "\n".join([*lines, "Traceback (most recent call last):", *indented])
        )

    def write(self, kind: int, text: str) -> None:
        """Write one event: a frame, or a line where no descriptor for frames was given."""
        if self.fd is None:
            sys.stdout.write(text.rstrip("\n").replace("\n", "\r") + "\n")
            return
        raw = text.encode()
        head = kind.to_bytes(4, "big") + len(raw).to_bytes(4, "big")
        frame = head + (time.time_ns() // 1000).to_bytes(8, "big") + raw
        while frame:
            frame = frame[os.write(self.fd, frame) :]

    def _json(self, record: logging.LogRecord) -> str:
        fields = {
            "timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created)),
            "level": record.levelname,
            "message": record.getMessage(),
            "logger": record.name,
            "requestId": self.request_id,
        }
        if record.exc_info and record.exc_info[0] is not None:
            fields["errorType"] = record.exc_info[0].__name__
            fields["errorMessage"] = str(record.exc_info[1])
        return json.dumps(fields, ensure_ascii=False, default=str)


def _indent(line: str) -> str:
    text = line.lstrip(" ")
    return "\u00a0" * (len(line) - len(text)) + text  # CloudWatch's console would trim plain spaces


def _log_handler() -> _Log:
    fd = os.environ.pop("_LAMBDA_TELEMETRY_LOG_FD", None)
    json_format = os.environ.get("AWS_LAMBDA_LOG_FORMAT", "").upper() == "JSON"
    log = _Log(int(fd) if fd else None, json_format)
    logging.Formatter.converter = time.gmtime
    layout = "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s\n"
    log.setFormatter(logging.Formatter(layout, "%Y-%m-%dT%H:%M:%S"))
    root = logging.getLogger()
    root.addHandler(log)
    level = os.environ.get("AWS_LAMBDA_LOG_LEVEL", "").upper()
    if level in logging.getLevelNamesMapping():
        root.setLevel(level)
    return log


def _load(handler: str) -> Any:
    module_name, dot, function_name = handler.rpartition(".")
    if not dot:
        raise _FaultError("Runtime.MalformedHandlerName", f"Bad handler '{handler}': no module")
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as error:
        text = f"Unable to import module '{module_name}': {error}"
        raise _FaultError("Runtime.ImportModuleError", text) from error
    except SyntaxError as error:
        text = f"Syntax error in module '{module_name}': {error}"
        raise _FaultError("Runtime.UserCodeSyntaxError", text) from error
    try:
        return getattr(module, function_name)
    except AttributeError as error:
        text = f"Handler '{function_name}' missing on module '{module_name}'"
        raise _FaultError("Runtime.HandlerNotFound", text) from error


def _document(error: Exception, request_id: str) -> dict[str, Any]:
    kind = error.kind if isinstance(error, _FaultError) else type(error).__name__
    frames = [] if isinstance(error, _FaultError) else traceback.extract_tb(error.__traceback__)
    # As tuples: awslambdaric's stack traces have no markers under the columns.
    own = [
        (frame.filename, frame.lineno or 0, frame.name, frame.line)
        for frame in frames
        if frame.filename != __file__
    ]
    return {
        "errorMessage": str(error),
        "errorType": kind,
        "requestId": request_id,
        "stackTrace": traceback.format_list(own),
    }


def _encode(reply: object) -> bytes:
    if isinstance(reply, bytes):
        return reply
    try:
        return json.dumps(reply).encode()
    except (TypeError, ValueError) as error:
        raise _FaultError("Runtime.MarshalError", f"Unable to marshal response: {error}") from error


def _decode(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError as error:
        raise _FaultError("Runtime.UnmarshalError", f"Unable to unmarshal input: {error}") from error


def _post(connection: http.client.HTTPConnection, path: str, body: bytes, kind: str | None = None) -> None:
    headers = {"Lambda-Runtime-Function-Error-Type": kind} if kind else {}
    connection.request("POST", _PREFIX + path, body, headers)
    reply = connection.getresponse()
    reply.read()
    if reply.status != http.HTTPStatus.ACCEPTED:
        raise SystemExit(f"LAMBDA_RUNTIME Failed to post. Http response code: {reply.status}.")


def _serve(connection: http.client.HTTPConnection, handler: Any, log: _Log) -> None:
    connection.request("GET", _PREFIX + "/invocation/next")
    reply = connection.getresponse()
    body = reply.read()
    request_id = log.request_id = reply.headers["Lambda-Runtime-Aws-Request-Id"]
    os.environ["_X_AMZN_TRACE_ID"] = reply.headers["Lambda-Runtime-Trace-Id"]
    try:
        answer = _encode(handler(_decode(body), _Context(reply.headers)))
    except Exception as error:  # noqa: BLE001 - whatever a handler raises is its answer
        document = _document(error, request_id)
        log.write_error(document)
        _post(connection, f"/invocation/{request_id}/error", json.dumps(document).encode())
    else:
        _post(connection, f"/invocation/{request_id}/response", answer)


def _unbuffered(fd: int) -> io.TextIOWrapper:
    return io.TextIOWrapper(
        io.FileIO(fd, "w", closefd=False), "utf-8", "backslashreplace", write_through=True
    )


def run(handler_name: str, address: str) -> NoReturn:
    """Serve invocations from the Runtime API at `address` (host:port) until the process is ended."""
    sys.stdout, sys.stderr = _unbuffered(1), _unbuffered(2)
    log = _log_handler()
    connection = http.client.HTTPConnection(address)
    try:
        handler = _load(handler_name)
    except Exception as error:  # noqa: BLE001 - whatever a module raises is its initialisation error
        document = _document(error, "")
        log.write_error(document)
        _post(connection, "/init/error", json.dumps(document).encode(), document["errorType"])
        sys.exit(1)
    while True:
        _serve(connection, handler, log)
