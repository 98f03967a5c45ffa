"""Say what an export asks for, and turn what comes back into rows; pure."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

from regulars.errors import InvalidInput, UnknownValue

__all__ = ["DEFAULT_COLUMNS", "FORMATS", "ID_ALIAS", "KINDS", "ExportFormat", "ExportKind", "document", "row_of"]

ExportKind = Literal["customers", "touchpoints"]
ExportFormat = Literal["csv", "jsonl"]

KINDS: tuple[str, ...] = get_args(ExportKind)
FORMATS: tuple[str, ...] = get_args(ExportFormat)
MOST_COLUMNS = 60
WHERE_TYPES = {"customers": "CustomerWhere", "touchpoints": "TouchpointWhere"}

DEFAULT_COLUMNS: Mapping[str, Sequence[str]] = {
    "customers": (
        "id",
        "displayName",
        "language",
        "timeZone",
        "jurisdiction",
        "status",
        "age",
        "createdAt",
        "identities.kind",
        "identities.source",
        "identities.value",
    ),
    "touchpoints": (
        "id",
        "customer.id",
        "type",
        "channel",
        "occurredAt",
        "receivedAt",
        "amount.amount",
        "amount.currency",
        "source",
        "externalId",
        "payload",
    ),
}
"""What is exported of each kind unless somebody says otherwise."""

ID_ALIAS = "exportedId"


def document(kind: str, columns: Sequence[str], *, page: int) -> str:
    """Return the GraphQL query for one page of an export; ``columns`` are paths such as ``amount.currency``.

    Raises ``UnknownValue`` for another kind, and ``InvalidInput`` for what is no path of fields.
    """
    if kind not in KINDS:
        raise UnknownValue("kind of export", kind, KINDS, path=("kind",))
    if not 0 < len(columns) <= MOST_COLUMNS:
        raise InvalidInput(f"An export has 1 to {MOST_COLUMNS} columns, not {len(columns)}.", path=("columns",))
    tree: dict[str, Any] = {}
    for column in columns:
        level = tree
        for name in column.split("."):
            if not (name.isascii() and name.isidentifier() and not name.startswith("__")):
                raise InvalidInput(f"{column!r} is no path of fields, such as amount.currency.", path=("columns",))
            level = level.setdefault(name, {})
    return (
        f"query Export($after: String, $where: {WHERE_TYPES[kind]}) {{"
        f" {kind}(first: {page}, after: $after, where: $where) {{"
        f" nodes {{ {ID_ALIAS}: databaseId {_selection(tree)} }} pageInfo {{ hasNextPage endCursor }} }} }}"
    )


def row_of(node: Mapping[str, Any], columns: Sequence[str]) -> list[Any]:
    """Return the values of a row's columns, in order; of a list of things, the list of their values."""
    return [_value(node, column.split(".")) for column in columns]


def _selection(tree: Mapping[str, Any]) -> str:
    return " ".join(f"{name} {{ {_selection(inner)} }}" if inner else name for name, inner in tree.items())


def _value(node: Any, path: Sequence[str]) -> Any:
    if not path or node is None:
        return node
    if isinstance(node, list):
        return [_value(each, path) for each in node]
    return _value(node.get(path[0]), path[1:])
