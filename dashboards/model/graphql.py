"""AppSync: which resolvers lead to which functions, tables and buses.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-appsync-datasource.html
"""

from __future__ import annotations

from typing import Any

from dashboards.model.draft import Draft
from dashboards.model.integrations import host_of
from dashboards.model.pointers import pattern, text
from dashboards.template.values import Item
from subscribers.config_tree import at

_SOURCE = "AWS::AppSync::DataSource"
#: What a data source leads to: one of these paths in its properties.
_TARGETS = (
    ("LambdaConfig", "LambdaFunctionArn"),
    ("DynamoDBConfig", "TableName"),
    ("EventBridgeConfig", "EventBusArn"),
    ("RelationalDatabaseConfig", "RdsHttpEndpointConfig", "DbClusterIdentifier"),
    ("HttpConfig", "Endpoint"),
)


def connect(draft: Draft) -> None:
    """Add what the data sources and resolvers of GraphQL APIs lead to."""
    sources = list(draft.items_of(_SOURCE))
    for item in sources:
        api = draft.id(item.properties.get("ApiId"), "graphql")
        target = _target(item, draft)
        _say_address(item, api, target, draft)
        draft.edge(api, target, "routes")
    for item in draft.items_of("AWS::AppSync::Resolver"):
        api = draft.id(item.properties.get("ApiId"), "graphql")
        label = f"{pattern(item.properties.get('TypeName'))}.{pattern(item.properties.get('FieldName'))}"
        for source in _sources(item, sources, draft):
            draft.edge(api, _target(source, draft), "routes", label)


def _target(item: Item, draft: Draft) -> str:
    values = (at(item.properties, *path) for path in _TARGETS)
    table = text(at(item.properties, "DynamoDBConfig", "TableName"))
    return next((found for one in values if (found := draft.id(one))), "") or draft.by_name("table", table)


def _say_address(item: Item, api: str, target: str, draft: Draft) -> None:
    address = pattern(at(item.properties, "HttpConfig", "Endpoint"))
    if api and address and not target:
        said = f"{api} asks {host_of(address) or 'an address'} by HTTP, which is outside of the templates."
        draft.note("info", said, item.place, api)


def _sources(resolver: Item, sources: list[Item], draft: Draft) -> list[Item]:
    """The data sources of a resolver: its own, or those of the functions of its pipeline."""
    names: list[Any] = [resolver.properties.get("DataSourceName")]
    functions = at(resolver.properties, "PipelineConfig", "Functions")
    for one in functions if isinstance(functions, list) else ():
        step = draft.item_named(one, "AWS::AppSync::FunctionConfiguration")
        names.append(step.properties.get("DataSourceName") if step else None)
    found = [_source(name, sources, draft) for name in names if name is not None]
    return [item for item in found if item is not None]


def _source(name: Any, sources: list[Item], draft: Draft) -> Item | None:
    own = draft.item_named(name, _SOURCE)
    called = (item for item in sources if text(name) and text(item.properties.get("Name")) == text(name))
    return own or next(called, None)
