"""Chaos: a stream that redelivers, a subscriber that is killed, backends that fail; then a count of all."""
