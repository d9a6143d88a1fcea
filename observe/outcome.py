"""How a span ended: what a reply is taken for, and what an exception tells."""

from __future__ import annotations

from observe import guard, semconv, wire

TYPE_CHECKING = False
if TYPE_CHECKING:
    from observe.source import Source

#: A stack longer than this keeps its end, where the fault is.
STACK_MAX = 16 * 1024
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
    import traceback  # the runtime has loaded it

    kind, message = type(error).__name__, guard.said(error)
    span.status, span.status_message = wire.STATUS_ERROR, message[:1024]
    span.attributes[semconv.ERROR_TYPE] = kind
    trace = error.__traceback__
    if trace is not None and trace.tb_frame.f_code.co_filename == OWN_FRAME:
        trace = trace.tb_next
    stack = "".join(traceback.format_exception(type(error), error, trace))
    exception = {
        semconv.EXCEPTION_TYPE: kind,
        semconv.EXCEPTION_MESSAGE: message,
        semconv.EXCEPTION_STACKTRACE: stack[-STACK_MAX:],
    }
    span.events.append(("exception", now, exception))
