"""What the command can tell a user in a sentence.

ConsoleError            any of these; `reason` is a low-cardinality word, the text a sentence
  DemoFailedError       console.demo.session: the demo did not do what it should have
  NoDemoError           console.demo.client: no running demo can be asked
  SinkError             console.sinks: what is asked for cannot be done with that sink
  NotStartedError       console.demo.example: a part of the demo's system did not start
  NotJsonError          console.explain: what is to be explained is no JSON
  ParseError            console.parse: what is asked for does not fit observe.yaml
  KeySecretError        console.key_secret: the store's file with the keys' secret cannot be read
  NotProfiledError      console.layer_profile: the function whose imports are asked for does not start
  LogsNotWrittenError   console.local.cloudwatch: lines could not be written to CloudWatch Logs
  TemplateError         console.local.template_source: a SAM template cannot be read
  NotDeployedError      console.local.resources: a stack could not be made, or has no such part
"""

from __future__ import annotations


class ConsoleError(Exception):
    """The command cannot do what was asked."""

    reason = "console"
