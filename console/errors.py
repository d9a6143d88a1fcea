"""What the command can tell a user in a sentence.

ConsoleError            any of these; `reason` is a low-cardinality word, the text a sentence
  DemoFailedError       console.demo.run: the demo did not do what it should have
  NotStartedError       console.demo.system: a part of the demo's system did not start
  PayloadFailedError    console.demo.subscribe: the subscriber failed on a payload
  LogsNotWrittenError   console.local.cloudwatch: lines could not be written to CloudWatch Logs
"""

from __future__ import annotations


class ConsoleError(Exception):
    """The command cannot do what was asked."""

    reason = "console"
