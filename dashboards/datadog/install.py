"""How the files get to Datadog, as markdown: by CloudFormation, or by its API."""

from __future__ import annotations

from collections.abc import Sequence

from dashboards.datadog.searches import site, system_tag
from dashboards.resources import System, slug

_HEAD = """# {title}: Datadog

Made by `observe dashboards`; change observe.yaml or the template, not these files. Take one of the two ways,
not both: each creates everything.

Needed at Datadog: the AWS integration with metrics of the services that are shown, an API key, and an
application key that may write dashboards, monitors and SLOs.
"""
_STACK = """
## With CloudFormation

Once per account and Region, activate Datadog's three types. `$ROLE` is a role that CloudFormation may assume
(`resources.cloudformation.amazonaws.com`); the keys stay in a secret that has `api` and `app`.

```sh
for type in {types}; do
  arn=$(aws cloudformation list-types --visibility PUBLIC --type RESOURCE \\
    --filters Category=THIRD_PARTY,TypeNamePrefix="$type" \\
    --query "TypeSummaries[?TypeName=='$type'].PublicTypeArn | [0]" --output text)
  aws cloudformation activate-type --public-type-arn "$arn" --execution-role-arn "$ROLE"
  aws cloudformation set-type-configuration --type RESOURCE --type-name "$type" --configuration \\
    '{{"DatadogCredentials": {{
      "ApiKey": "{{{{resolve:secretsmanager:datadog:SecretString:api}}}}",
      "ApplicationKey": "{{{{resolve:secretsmanager:datadog:SecretString:app}}}}",
      "ApiURL": "{api}"}}}}'
done
```

Then deploy; CloudFormation creates SLOs and the parts of composites first, for what names them refers to
them.

```sh
{deploys}
```

A template above 51,200 bytes has to be in S3: `--s3-bucket` puts it there.
"""
_API = """
## With the API

In this order: a monitor names SLOs and other monitors by their IDs, which Datadog gives when they are
created. In the files `${{slo:NAME}}` and `${{monitor:NAME}}` stand for them; the loop fills them in (needs
`bash` and `jq`). Running it again creates everything again: delete the monitors and SLOs with the tags
`managed_by:hybrid_observe` and `{tag}` first, the dashboards whose titles begin with `{title}`, and
the folder `ids`.

```sh
export DD_API_KEY=... DD_APP_KEY=...
mkdir -p ids
create() {{ # folder, name, path of the API, where its answer has the ID
  body=$(cat "$1/$2.json")
  for id in ids/*; do
    [ -e "$id" ] && body=${{body//"\\${{$(basename "$id")}}"/$(cat "$id")}}
  done
  curl --fail-with-body -sS -X POST "{api}/api/v1/$3" -H 'Content-Type: application/json' \\
    -H "DD-API-KEY: $DD_API_KEY" -H "DD-APPLICATION-KEY: $DD_APP_KEY" --data "$body" | jq -r "$4"
}}
{creates}
```
"""
_EVENTS = """
## Cutovers and deployments

Graphs have no vertical lines of their own; events are laid over them that have the tag `{tag}`, and
`cutover` with `endpoint:NAME` or `deployment` with `service:NAME` (`service:all` is on all pages). Let CI
post one with these tags when it deploys.
"""
_POST = """
Datadog takes an event of the last 18 hours or the next two: post each of these on its day. An older cutover
is told in the help of its graphs.

```sh
for event in {files}; do
  curl --fail-with-body -X POST "{api}/api/v1/events" -H 'Content-Type: application/json' \\
    -H "DD-API-KEY: $DD_API_KEY" --data @"$event"
done
```
"""
_TYPES = "Datadog::SLOs::SLO Datadog::Monitors::Monitor Datadog::Dashboards::Dashboard"


def install_text(
    system: System,
    templates: Sequence[str],
    boards: Sequence[str],
    monitors: Sequence[str],
    slos: Sequence[str],
    events: Sequence[str],
) -> str:
    """Return install.md. templates: files; the others: names, monitors in the order in which they exist."""
    api = f"https://api.{site(system)}"
    system_slug, tag = slug(system.title), system_tag(system)
    stacks = [_stack(system_slug, name) for name in templates]
    deploys = [
        f"aws cloudformation deploy --stack-name {stack} --template-file {name} --s3-bucket BUCKET"
        for stack, name in zip(stacks, templates, strict=True)
    ]
    creates = [
        _loop("slos", "slo", slos, "slo", ".data[0].id"),
        _loop("monitors", "monitor", monitors, "monitor", ".id"),
    ]
    if boards:
        creates.append(
            "for name in dashboards/*.json\n"
            'do create dashboards "$(basename "$name" .json)" dashboard .url; done'
        )
    parts = [
        _HEAD.format(title=system.title),
        _STACK.format(types=_TYPES, api=api, deploys="\n".join(deploys)),
        _API.format(api=api, tag=tag, title=system.title, creates="\n".join(one for one in creates if one)),
        _EVENTS.format(tag=tag) if boards else "",
        _POST.format(api=api, files="events/*.json") if events else "",
    ]
    return "".join(parts)


def _stack(system: str, template: str) -> str:
    """A name of at most 128 characters, of this system alone: `hybrid-observe-claims-datadog-2`."""
    return f"hybrid-observe-{system[:90]}-{template.removesuffix('.yaml').replace('template', 'datadog')}"


def _loop(folder: str, kind: str, names: Sequence[str], path: str, answer: str) -> str:
    if not names:
        return ""
    listed = " \\\n  ".join(names)
    return f'for name in \\\n  {listed}\ndo create {folder} "$name" {path} {answer} >"ids/{kind}:$name"; done'


def in_order(monitors: dict[str, dict[str, object]]) -> list[str]:
    """Return the names of monitors: those that name no other first."""
    return sorted(monitors, key=lambda name: (monitors[name]["type"] == "composite", name))
