"""Which columns a query can speak of, so that no others are read.

DuckDB's own parser says what the query is made of. Where there is anything in it that can stand for
columns that it doesn't name (a star, a row as a whole, a join by all that two views share), or that
isn't known here, it may speak of all.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import duckdb

_PARTS = frozenset(
    {
        *("SELECT_NODE", "BASE_TABLE", "JOIN", "SUBQUERY", "EMPTY"),
        *("COLUMN_REF", "VALUE_CONSTANT", "FUNCTION", "CASE_EXPR", "OPERATOR_CAST"),
        *("COMPARE_EQUAL", "COMPARE_NOTEQUAL", "COMPARE_LESSTHAN", "COMPARE_GREATERTHAN"),
        *("COMPARE_LESSTHANOREQUALTO", "COMPARE_GREATERTHANOREQUALTO", "COMPARE_BETWEEN"),
        *("COMPARE_IN", "COMPARE_NOT_IN", "OPERATOR_NOT", "OPERATOR_COALESCE"),
        *("OPERATOR_IS_NULL", "OPERATOR_IS_NOT_NULL", "CONJUNCTION_AND", "CONJUNCTION_OR"),
        *("ORDER_MODIFIER", "LIMIT_MODIFIER", "DISTINCT_MODIFIER"),
        *("ORDER_DEFAULT", "ASCENDING", "DESCENDING"),
        *("WINDOW_AGGREGATE", "WINDOW_ROW_NUMBER", "WINDOW_RANK"),
    }
)
"""What names all columns that it speaks of."""


def columns_in(connection: duckdb.DuckDBPyConnection, sql: str) -> frozenset[str] | None:
    """Return what the query names, in small letters, its columns among it; None where it may speak
    of all columns.
    """
    import duckdb

    try:
        (told,) = connection.execute("SELECT json_serialize_sql(?)", [sql]).fetchall()[0]
        tree = json.loads(told)
        nodes = list(_nodes_of(tree))
    except (duckdb.Error, RecursionError):  # the answer says what is wrong with it
        return None
    if tree["error"] or any(map(_may_be_of_all, nodes)):
        return None
    views = [node for node in nodes if node.get("type") in ("BASE_TABLE", "SUBQUERY")]
    rows = {node[key].lower() for node in views for key in ("table_name", "alias") if key in node}
    for node in nodes:
        if node.get("type") == "COLUMN_REF" and node["column_names"][-1].lower() in rows:
            return None  # which may be a whole row
    return frozenset(text.lower() for node in nodes for text in _texts_of(node))


def _nodes_of(tree: Any) -> Iterator[dict[str, Any]]:
    """Give every object in a tree of JSON."""
    if isinstance(tree, dict):
        yield tree
    if isinstance(tree, dict | list):
        for below in tree.values() if isinstance(tree, dict) else tree:
            yield from _nodes_of(below)


def _may_be_of_all(node: dict[str, Any]) -> bool:
    kind = node.get("type", "EMPTY")
    if isinstance(kind, str) and kind not in _PARTS:
        return True
    # a view's columns may be named anew by their places
    return node.get("ref_type", "REGULAR") != "REGULAR" or bool(node.get("column_name_alias"))


def _texts_of(node: dict[str, Any]) -> Iterator[str]:
    """Give the texts that stand in an object, by themselves or in its lists."""
    for value in node.values():
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, str):
                yield each
