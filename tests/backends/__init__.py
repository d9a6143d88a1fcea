"""Backends for tests: strict ones of our own over real sockets, and the faults that networks have."""
