"""`observe dashboards`: dashboards and alarms from the team's own template, for four tools."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec
from click.core import ParameterSource

from console import dashboards_said as said
from console.cli_parse import config_of
from console.store_config import config_of_store
from console.terminal import config_option, json_option, output, quoted, sentences

if TYPE_CHECKING:
    from dashboards.made import Made
    from subscribers.config import Config

#: Grafana's data sources; what `all` means is Options.source == "".
_SOURCES = ("cloudwatch", "prometheus", "elasticsearch", "all")

_Command = Callable[..., Any]


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What every command is given: which templates, and where they are deployed."""

    templates: tuple[Path, ...]
    config: Path | None
    stack: str
    region: str
    account: str
    parameters: tuple[str, ...]
    names: Path | None


def _options(command: _Command) -> _Command:
    """The options that all commands share."""
    file = click.Path(path_type=Path)
    for add in (
        click.option(
            "--names",
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            help="JSON of aws cloudformation describe-stack-resources: the names of what is deployed.",
        ),
        click.option(
            "--parameter",
            "parameters",
            multiple=True,
            metavar="KEY=VALUE",
            help="A parameter of the templates where its default does not hold; repeatable.",
        ),
        click.option("--account", default="", metavar="ID", help="Its AWS account."),
        click.option("--region", envvar="AWS_REGION", default="", metavar="NAME", help="Its Region."),
        click.option("--stack", default="", metavar="NAME", help="Name of the deployed stack."),
        config_option("services, endpoints, overrides; ./observe.yaml, or that beside the template"),
        click.argument("templates", nargs=-1, type=file, metavar="[TEMPLATE]..."),
    ):
        command = add(command)
    return command


@click.group()
def dashboards() -> None:
    """Dashboards and alarms from SAM and CloudFormation templates, and observe.yaml."""


@dashboards.command()
@_options
@json_option
def model(as_json: bool, **asked: Any) -> None:
    """Print what was understood of the templates, what was not, and why."""
    from console import dashboards_model_view as view

    with _said():
        made = _made(Asked(**asked))
        told = msgspec.structs.replace(made.system, notes=made.notes)
        if as_json:
            click.echo(json.dumps(view.as_json(told), ensure_ascii=False, indent=1))
        else:
            view.render(told, output())
        # Its errors are in the list itself.
        said.fail_for(made.notes)


@dashboards.command()
@_options
@json_option
def alarms(as_json: bool, **asked: Any) -> None:
    """List the alarms before they are deployed: thresholds, reasons, what they cost a month."""
    from console import alarm_list_view as view
    from dashboards import output as folder
    from dashboards.priced import bill_of
    from dashboards.rendered import Options

    with _said():
        made = _made(Asked(**asked))
        bill = bill_of(made.system, made.alarms, folder.render(made, "cloudwatch", Options()))
        if as_json:
            tree = view.as_json(made.system, made.alarms, bill)
            click.echo(json.dumps(tree, ensure_ascii=False, indent=1))
        else:
            view.render(made.system, made.alarms, bill, output())
        said.end(made.notes)


@dashboards.command()
@_options
@click.option(
    "--target",
    "targets",
    multiple=True,
    metavar="NAME",
    help="cloudwatch, datadog, kibana, opensearch, grafana or all; repeatable.  [default: all]",
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("observe-dashboards"),
    show_default=True,
    help="Folder that gets a folder a target.",
)
@click.option(
    "--source",
    type=click.Choice(_SOURCES),
    default=_SOURCES[0],
    show_default=True,
    help="Grafana's data source; all: dashboards and alarms of each of the three.",
)
@click.option("--check", is_flag=True, help="Write nothing; exit 1 where the folder would change: for CI.")
def generate(targets: tuple[str, ...], out: Path, source: str, check: bool, **asked: Any) -> None:
    """Write dashboards and alarms as files that are ready to deploy."""
    from dashboards import output as folder
    from dashboards.rendered import Options

    chosen = _targets(targets, folder.TARGETS)
    is_given = click.get_current_context().get_parameter_source("source") is not ParameterSource.DEFAULT
    if is_given and "grafana" not in chosen:
        click.echo(f"--source {source} changes nothing: Grafana is none of the targets", err=True)
    with _said():
        made = _made(Asked(**asked))
        files, notes = folder.render_all(made, chosen, Options(source="" if source == "all" else source))
        if check:
            found = folder.difference(out, files, chosen)
            said.tell_difference(out, found)
        else:
            found = folder.write(out, files, chosen)
            said.tell_written(out, files, found)
        # What a target leaves out is in its NOTES.md; only its errors are for whoever runs this.
        wrong = [note for note in notes if note.level == "error"]
        said.end((*made.notes, *wrong), is_failed=check and bool(found))


@dashboards.command()
@_options
@click.option(
    "--store",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="OBSERVE_STORE",
    default=Path(".observe"),
    show_default=True,
    help="Folder of the embedded store.",
)
@click.option("--last", metavar="TIME", help="The last 30m, 24h or 7d; all that the store has where missing.")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("preview"),
    show_default=True,
    help="Folder of the pages; open its index.html.",
)
def preview(store: Path, last: str | None, out: Path, **asked: Any) -> None:
    """Write every page as HTML with what the store has: before anything is deployed."""
    from console.dashboards_preview import write_preview

    with _said():
        made = _made(Asked(**asked), store)
        index = write_preview(made, store, last, out)
        click.echo(f"{index}")
        said.end(made.notes)


def _made(asked: Asked, store: Path | None = None) -> Made:
    """Return what is rendered. Raises TemplateError, UsageError and ClickException.

    store: whose own observe.yaml is taken where neither this folder nor the template's has one.
    """
    from dashboards.made import made_of
    from dashboards.template.values import Deployment

    file = _config_file(asked, store)
    config = config_of(file)
    templates = asked.templates or _of_config(file, config)
    if not templates:
        raise click.UsageError("give a template, or name it under 'templates' of observe.yaml")
    if file is None:
        click.echo(
            "There is no observe.yaml: endpoints and services are those of the templates, without SLOs, "
            "baselines and a legacy side that no template has.",
            err=True,
        )
    deployment = Deployment(
        region=asked.region,
        account=asked.account,
        stack=asked.stack,
        parameters=dict(_pairs(asked.parameters)),
        names=_names(asked.names),
    )
    return made_of(templates, config, deployment)


def _config_file(asked: Asked, store: Path | None) -> Path | None:
    """observe.yaml: as given, of this folder, of the first template's, or that which filled the store."""
    if asked.config:
        return asked.config
    folders = [Path(), *(template.parent for template in asked.templates[:1])]
    found = (folder / "observe.yaml" for folder in folders if (folder / "observe.yaml").is_file())
    return next(found, None) or (config_of_store(store, None) if store else None)


def _of_config(file: Path | None, config: Config) -> tuple[Path, ...]:
    folder = file.parent if file else Path()
    return tuple(folder / template for template in config.templates)


def _pairs(given: Iterable[str]) -> Iterator[tuple[str, str]]:
    for pair in given:
        key, sign, value = pair.partition("=")
        if not sign or not re.fullmatch(r"[A-Za-z0-9]{1,255}", key):
            raise click.BadParameter(f"{quoted(pair)} is not KEY=VALUE", param_hint="--parameter")
        yield key, value


def _names(path: Path | None) -> dict[str, str]:
    """Names of what is deployed, by logical ID: as AWS's command prints them, or as {logical ID: name}."""
    if path is None:
        return {}
    try:
        tree = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise click.BadParameter(f"{path} is no JSON: {error}", param_hint="--names") from error
    if isinstance(tree, dict):
        tree = _listed(tree.get("StackResources", tree.get("StackResourceSummaries"))) or tree
    if not isinstance(tree, dict) or not all(isinstance(value, str) for value in tree.values()):
        raise click.BadParameter(
            f"{path} is neither what describe-stack-resources prints nor an object of names by logical ID",
            param_hint="--names",
        )
    return {name: value for name, value in tree.items() if value}


def _listed(resources: Any) -> dict[str, Any]:
    """Names by logical ID, of what AWS's commands list; {} where it is no such list."""
    return {
        item["LogicalResourceId"]: item.get("PhysicalResourceId", "")
        for item in (resources if isinstance(resources, list) else ())
        if isinstance(item, dict) and isinstance(item.get("LogicalResourceId"), str)
    }


def _targets(given: tuple[str, ...], known: Iterable[str]) -> tuple[str, ...]:
    names = tuple(known)
    wanted = [name for text in given or ("all",) for name in text.split(",")]
    for name in wanted:
        if name != "all" and name not in names:
            raise click.BadParameter(
                f"{quoted(name)} is none of {', '.join(names)}, all", param_hint="--target"
            )
    return names if "all" in wanted else tuple(name for name in names if name in wanted)


@contextmanager
def _said() -> Iterator[None]:
    """What is known to go wrong with templates and folders ends in a sentence."""
    from dashboards.output import FolderError
    from dashboards.template.values import TemplateError

    with sentences():
        try:
            yield
        except (TemplateError, FolderError) as error:
            raise click.ClickException(str(error)) from error
