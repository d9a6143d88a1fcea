"""`observe`: the command's entry point, with a sentence where its libraries are not installed."""

from __future__ import annotations

import io
import sys


def main() -> None:
    """Run the command; without the console's libraries say how to install them and exit with 2."""
    try:
        from console.cli import cli
    except ModuleNotFoundError as missing:
        if missing.name and missing.name.split(".")[0] in (
            "console",
            "observe",
            "subscribers",
            "lambda_layer",
            "dashboards",
        ):
            raise
        sys.stderr.write(
            f"observe: the library {missing.name} is not installed; "
            "the command needs them all: pip install 'hybrid-observe[console]'\n"
        )
        sys.exit(2)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # Text of any script is data: where the terminal's character set lacks it, it is an escape.
            stream.reconfigure(errors="backslashreplace")
    cli(prog_name="observe")


if __name__ == "__main__":
    main()
