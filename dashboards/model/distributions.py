"""CloudFront: origins, and the behaviours that lead past every gateway of the templates to the legacy side.

A function at viewer requests may choose another origin: then a behaviour has both sides.
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/helper-functions-origin-modification.html
"""

from __future__ import annotations

import re
from typing import Any

from dashboards.model.draft import Draft
from dashboards.model.pointers import pattern, text
from dashboards.resources import Place, Route
from dashboards.template.values import Item
from subscribers.config_tree import at, items

_CHOSEN = re.compile(r"selectRequestOriginById\(\s*['\"]([^'\"]+)['\"]")
#: How long CloudFront waits for an origin that says nothing.
_LIMIT_S = 30.0
_BUCKET_HOST = re.compile(r"(.+)\.s3(?:[.-][a-z0-9*-]+)*\.amazonaws\.com(?:\.cn)?")
_API_HOST = re.compile(r"execute-api\.|\.lambda-url\.|\.s3[.-]|\.amazonaws\.com")


def connect(draft: Draft) -> None:
    """Add what the behaviours of distributions lead to."""
    for item in draft.items_of("AWS::CloudFront::Distribution"):
        config = at(item.properties, "DistributionConfig")
        origins = {text(at(one, "Id")): one for _, one in items(at(config, "Origins"))}
        for _, one in items(at(config, "OriginGroups", "Items")):
            # The first of a group answers, the others where it fails.
            first = text(at(one, "Members", "Items", 0, "OriginId"))
            origins.setdefault(text(at(one, "Id")), origins.get(first))
        for path, behaviour in _behaviours(config):
            for name in _origins_of(behaviour, draft):
                _lead(item, path, origins.get(name), draft)


def _behaviours(config: Any) -> list[tuple[str, Any]]:
    found = [(text(at(one, "PathPattern")), one) for _, one in items(at(config, "CacheBehaviors"))]
    return [*found, ("/*", at(config, "DefaultCacheBehavior"))]


def _origins_of(behaviour: Any, draft: Draft) -> list[str]:
    """The IDs of a behaviour's origins: its own, and those that its function chooses."""
    names = [text(at(behaviour, "TargetOriginId"))]
    for _, one in items(at(behaviour, "FunctionAssociations")):
        function = draft.item_named(at(one, "FunctionARN"), "AWS::CloudFront::Function")
        names += _CHOSEN.findall(_code(function)) if function else []
    return [name for name in dict.fromkeys(names) if name]


def _code(function: Item) -> str:
    code = function.properties.get("FunctionCode")
    sub = at(code, "Fn::Sub")
    return text(sub) or text(at(sub, 0)) or text(code)


def _lead(item: Item, path: str, origin: Any, draft: Draft) -> None:
    domain = at(origin, "DomainName")
    if domain is None or not path:
        return
    distribution = draft.of_item(item)
    target = draft.id(domain) or _bucket_of(domain, draft)
    if target:
        draft.edge(distribution, target, "fronts", path)
        return
    host = pattern(domain)
    if _API_HOST.search(host):
        said = f"{distribution} leads {path} to {host}, which is in none of the templates."
        draft.note("info", said, item.place, distribution)
        return
    draft.route(_route(distribution, path, host, item.place))


def _bucket_of(domain: Any, draft: Draft) -> str:
    """The bucket whose address is written out, its name known or not: `docs.*.s3.amazonaws.com`."""
    match = _BUCKET_HOST.fullmatch(pattern(domain))
    return draft.id(f"arn:aws:s3:::{match[1]}", "bucket") if match else ""


def _route(distribution: str, path: str, host: str, place: Place) -> Route:
    shown = path if path.startswith("/") else f"/{path}"
    known = host if host.strip("*.") else ""
    return Route(
        id=f"{distribution}/ANY {shown}",
        api=distribution,
        method="ANY",
        path=shown,
        side="legacy",
        url=f"https://{known}" if known else "",
        limit_s=_LIMIT_S,
        place=place,
    )
