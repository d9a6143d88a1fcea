"""The `observe` command, its views and the local Lambda that the demo runs on."""
