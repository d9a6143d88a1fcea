"""`observe demo`: run it once, keep it running, break it."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import click
from rich.console import Console

from console.terminal import json_option, output, sentences, store_option


@click.group(invoke_without_command=True)
@store_option
@click.option("--serve", is_flag=True, help="Keep it running, with traffic, until Ctrl-C.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="The front door's; 0 for a free one.")
@click.pass_context
def demo(context: click.Context, store: Path, serve: bool, port: int) -> None:
    """Run the example's hybrid system on this machine, drive it, and show what went wrong where.

    With --serve it goes on, and `observe demo break` breaks it on request.
    """
    if context.invoked_subcommand is not None:
        context.obj = store
        return
    from console.demo import run

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    with sentences():
        run.run(store, output(), Console(stderr=True), serve=serve, port=port)


def _interrupt(*_: object) -> None:
    """Being ended by a signal is like Ctrl-C: what runs is stopped in order."""
    raise KeyboardInterrupt


_FAULTS = ("legacy-slow", "function-fails", "sink-down", "layer-broken")


@demo.command("break")
@click.argument("fault", type=click.Choice(_FAULTS))
@store_option
@json_option
@click.pass_context
def break_(context: click.Context, fault: str, store: Path, as_json: bool) -> None:
    """Break a running demo (`observe demo --serve`), show what the tool then shows, and repair it.

    \b
    legacy-slow     the nightly job of the legacy system locks a table
    function-fails  a bad deployment: submit-claim gets the URL of a queue that does not exist
    sink-down       the store cannot be written
    layer-broken    a file of the layer is missing
    """
    from console.demo import client

    given = context.get_parameter_source("store")
    store = context.obj if given is click.core.ParameterSource.DEFAULT else store
    with sentences():
        told = client.break_it(store, fault)
        if as_json:
            import msgspec

            click.echo(json.dumps(msgspec.to_builtins(told), indent=1))
        else:
            client.show(store, told, output())
