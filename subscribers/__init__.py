"""Lambda functions that turn the lines of both sides into logs, metrics and spans."""
