"""`observe`: the command's entry point, with a sentence where its libraries are not installed."""

from __future__ import annotations

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
        ):
            raise
        sys.stderr.write(
            f"observe: the library {missing.name} is not installed; "
            "the command needs them all: pip install 'hybrid-observe[console]'\n"
        )
        sys.exit(2)
    cli(prog_name="observe")


if __name__ == "__main__":
    main()
