"""The secret of business keys, as far as this machine knows it.

KeySecretError      the store's file with the secret cannot be read
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from console.errors import ConsoleError

VARIABLE = "OBSERVE_KEY_SECRET"
#: In the folder of an embedded store: who can read the store may search it.
FILE = "key-secret"


class KeySecretError(ConsoleError):
    """The file with the secret cannot be read. `reason` is `key_secret_unreadable`."""

    reason = "key_secret_unreadable"


def secret_of(store: Path, environ: Mapping[str, str]) -> str:
    """Return OBSERVE_KEY_SECRET, else what the store's own file says, else "". Raises KeySecretError."""
    if environ.get(VARIABLE):
        return environ[VARIABLE]
    path = store / FILE
    try:
        return path.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise KeySecretError(f"{path} cannot be read: {error}") from error


def keep(store: Path, secret: str) -> None:
    """Write the secret into the folder of a store, for its owner only."""
    path = store / FILE
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "w", encoding="utf-8") as file:
        file.write(secret + "\n")
