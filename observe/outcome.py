"""How a span ended: what a reply is taken for, and what an exception tells."""

from __future__ import annotations

from observe import guard, semconv, wire

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any

    from observe.redaction import Redaction
    from observe.source import Source

#: A stack longer than this keeps its end, where the fault is.
STACK_MAX = 16 * 1024
#: Characters of an exception's text, and of a span's status.
MESSAGE_MAX, STATUS_MAX = 16 * 1024, 1024
#: A group of more exceptions is told without them.
GROUP_MAX = 100
_CHAIN_MAX = 8
#: The file name of our one frame in a handler's stack. The runtime drops leading frames of this name
#: from the stack it reports (awslambdaric/bootstrap.py, handle_event_request), and so do we.
OWN_FRAME = "observe/bootstrap.py"

TIMEOUT_MESSAGE = "ran into its timeout"


def _status(span: wire.Span, code: int) -> None:
    if code:
        span.attributes[semconv.HTTP_RESPONSE_STATUS_CODE] = code
    if code >= 500:
        span.status = wire.STATUS_ERROR
        span.attributes[semconv.ERROR_TYPE] = str(code)


def reply(span: wire.Span, source: Source, result: object) -> None:
    """Take from the handler's result what the service that called it will take it for."""
    if source.status is not None:
        _status(span, source.status(result))
    elif source.item is not None and isinstance(result, dict):
        _partial(span, result.get("batchItemFailures"))


def _partial(span: wire.Span, failed: object) -> None:
    """A reply that names failed records of its batch: the invocation succeeded, some of its work did not.

    https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html#services-sqs-batchfailurereporting
    """
    if not isinstance(failed, list) or not len(failed) or span.status == wire.STATUS_ERROR:
        return  # nothing failed, or what it was has been said: the one record's exception
    records = span.attributes.get(semconv.MESSAGING_BATCH_MESSAGE_COUNT, 1)
    count = min(len(failed), records) if isinstance(records, int) else len(failed)
    span.status = wire.STATUS_ERROR
    span.status_message = f"{count} of {records} records failed"
    span.attributes[semconv.ERROR_TYPE] = "batch_item_failures"


def fail(span: wire.Span, error: BaseException, now: int) -> None:
    """Mark `span` as failed by `error`, with the exception as a span event.

    https://opentelemetry.io/docs/specs/semconv/exceptions/exceptions-spans/
    """
    kind, message = type(error).__name__, message_of(error)
    span.status = wire.STATUS_ERROR
    span.status_message = (
        message if len(message) <= STATUS_MAX else _bounds().head(message, STATUS_MAX, _redaction())
    )
    span.attributes[semconv.ERROR_TYPE] = kind
    trace = error.__traceback__
    if trace is not None and trace.tb_frame.f_code.co_filename == OWN_FRAME:
        trace = trace.tb_next
    exception = {
        semconv.EXCEPTION_TYPE: kind,
        semconv.EXCEPTION_MESSAGE: message,
        semconv.EXCEPTION_STACKTRACE: stack_of(error, trace, message),
    }
    span.events.append(("exception", now, exception))


def message_of(error: BaseException) -> str:
    """Return the text of an exception, at most MESSAGE_MAX characters; what is cut is without secrets."""
    args = error.args
    if not args or (len(args) == 1 and type(args[0]) is str and len(args[0]) <= MESSAGE_MAX):
        text = guard.said(error)
    else:
        text = _bounds().text_of(error, MESSAGE_MAX)
    return text if len(text) <= MESSAGE_MAX else _bounds().head(text, MESSAGE_MAX, _redaction())


def stack_of(error: BaseException, trace: TracebackType | None, message: str) -> str:
    """Return the stack of an exception as Python tells it, at most STACK_MAX characters of its end.

    trace: where it begins; message: of `message_of`. One that is too large, or came from one that is, is told
    with this message and by itself.
    """
    import traceback  # the runtime has loaded it

    if len(message) < MESSAGE_MAX and not _is_large(error):
        stack = "".join(traceback.format_exception(type(error), error, trace))
    else:
        told = f"{type(error).__name__}: {message[:STATUS_MAX]}"
        stack = f"Traceback (most recent call last):\n{''.join(traceback.format_tb(trace))}{told}\n"
    return stack if len(stack) <= STACK_MAX else _bounds().tail(stack, STACK_MAX, _redaction())


def _is_large(error: BaseException) -> bool:
    """Whether it takes long to tell an exception, or one that it came from: by what they were given."""
    found: BaseException | None = error
    for _ in range(_CHAIN_MAX):
        if found is None:
            break
        args = found.args
        if any(type(one) is not str or len(one) > MESSAGE_MAX for one in args):
            if isinstance(found, BaseExceptionGroup) and len(found.exceptions) > GROUP_MAX:
                return True
            if _bounds().left(args, MESSAGE_MAX) < 0:
                return True
        found = found.__cause__ or (None if found.__suppress_context__ else found.__context__)
    return False


def _bounds() -> Any:
    """Loaded for what is too large, or may be: most exceptions are not."""
    from observe import redaction_bounds

    return redaction_bounds


def _redaction() -> Redaction:
    from observe import redaction

    return redaction.get()
