"""A Lambda on this machine: the real runtime client, processes, logs, pollers, a front door."""
