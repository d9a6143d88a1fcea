"""The application log, laid out as it has always been:

    log4j.rootLogger=INFO, file
    log4j.appender.file=org.apache.log4j.FileAppender
    log4j.appender.file.File=application.log
    log4j.appender.file.ImmediateFlush=true
    log4j.appender.file.layout=org.apache.log4j.PatternLayout
    log4j.appender.file.layout.ConversionPattern=%d{yyyy-MM-dd HH:mm:ss,SSS} %-5p [%t] %c{1} [%X{correlationId}] - %m%n

Times are UTC. The stack trace of an exception follows on lines of its own.
"""

import logging
import os
import threading
import time
import unicodedata

LAYOUT = "%(asctime)s %(levelname)-5s [%(threadName)s] %(name)s [%(correlation_id)s] - %(message)s"

_mdc = threading.local()


def configure(folder):
    """Append what is logged from now on to application.log in `folder`."""
    logging.addLevelName(logging.WARNING, "WARN")
    logging.addLevelName(logging.CRITICAL, "FATAL")
    handler = logging.FileHandler(
        os.path.join(folder, "application.log"), encoding="utf-8", errors="backslashreplace"
    )
    handler.setFormatter(Layout(LAYOUT))
    logging.basicConfig(level=logging.INFO, handlers=[handler])


def set_correlation_id(header):
    """Put the request's X-Correlation-ID into the lines this thread logs from now on."""
    clean = "".join(c for c in header if c != "]" and unicodedata.category(c) != "Cc")
    _mdc.correlation_id = clean.strip()[:128]


class Layout(logging.Formatter):
    """What the conversion pattern above says, in the terms of Python's logging."""

    converter = time.gmtime

    def formatMessage(self, record):  # noqa: N802
        record.message = "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in record.message)
        values = {
            **record.__dict__,
            "name": record.name.rpartition(".")[2],
            "correlation_id": getattr(_mdc, "correlation_id", ""),
        }
        return LAYOUT % values
