"""What libraries alone take for as many tables and types as a server has, without a line of the server's own.

The libraries that a server loads are imported. Then SQLAlchemy maps plain classes with the columns of all tables, and
strawberry builds a plain schema with the names, types, arguments and descriptions of all fields, without resolvers.
That bounds what a start can take and what a process can hold, and is told beside it. All plugins of ours are enabled.

    ROUNDS=5 python benchmarks/same_size.py
"""

import asyncio
import enum
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any, ForwardRef

from start_up import LIBRARIES, ROUNDS, import_all, prepared, resident_mib, told_by

TYPES = "plain_types"
"""The name of the module in which strawberry looks for types that come later."""


async def tell_sizes(path: Path) -> None:
    """Write down which libraries, types and tables a server has."""
    from graphql import introspection_from_schema

    from regulars.settings import Settings
    from regulars.tables import Table
    from regulars.web.application import create_app

    server = create_app(Settings(worker=False)).state.server
    async with server.running():
        loaded = [name for name in sys.modules if not name.startswith(("regulars", "__"))]
        schema = introspection_from_schema((await server.executor()).schema.graphql)["__schema"]
    columns = {
        table.name: [
            {
                "name": column.name,
                "type": type(column.type).__name__,
                "optional": bool(column.nullable),
                "key": column.primary_key,
                "index": bool(column.index),
                "of": [key.target_fullname for key in column.foreign_keys],
            }
            for column in table.columns
        ]
        for table in Table.metadata.sorted_tables
    }
    path.write_text(json.dumps({"libraries": loaded, "types": schema["types"], "tables": columns}))


def map_tables(tables: dict[str, list[dict[str, Any]]]) -> None:
    """Map a class to each table."""
    import sqlalchemy
    from sqlalchemy.orm import DeclarativeBase, configure_mappers, mapped_column

    class Plain(DeclarativeBase):
        pass

    for name, columns in tables.items():
        made = {
            column["name"]: mapped_column(
                getattr(sqlalchemy, column["type"], sqlalchemy.String),
                *(sqlalchemy.ForeignKey(key) for key in column["of"]),
                nullable=column["optional"],
                primary_key=column["key"],
                index=column["index"] or None,
            )
            for column in columns
        }
        type(name, (Plain,), {"__tablename__": name, **made})
    configure_mappers()


def build_types(types: list[dict[str, Any]]) -> None:
    """Build a schema of these types, which are told as introspection tells them."""
    import strawberry
    from strawberry.annotation import StrawberryAnnotation
    from strawberry.types.arguments import StrawberryArgument

    module = sys.modules[TYPES] = ModuleType(TYPES)
    scalars: dict[str, Any] = {"Int": int, "Float": float, "Boolean": bool, "ID": strawberry.ID}

    def required(told: dict[str, Any]) -> Any:
        if told["kind"] == "LIST":
            return list[annotation(told["ofType"])]  # type: ignore[misc]
        if told["kind"] == "SCALAR":
            return scalars.get(told["name"], str)
        later = ForwardRef(told["name"])
        return Annotated[later, strawberry.lazy(TYPES)]

    def annotation(told: dict[str, Any]) -> Any:
        return required(told["ofType"]) if told["kind"] == "NON_NULL" else required(told) | None

    def made(field: dict[str, Any]) -> Any:
        shown = strawberry.field(name=field["name"], description=field["description"])
        if field.get("args"):
            shown.arguments = [
                StrawberryArgument(
                    one["name"],
                    one["name"],
                    StrawberryAnnotation(annotation(one["type"])),
                    description=one["description"],
                )
                for one in field["args"]
            ]
        return shown

    decorators: dict[str, Any] = {
        "INTERFACE": strawberry.interface,
        "INPUT_OBJECT": strawberry.input,
        "OBJECT": strawberry.type,
    }
    for told in types:
        if told["kind"] == "ENUM" and not told["name"].startswith("__"):
            values: Any = enum.Enum(told["name"], [value["name"] for value in told["enumValues"]])
            setattr(module, told["name"], strawberry.enum(values))
    for kind, decorate in decorators.items():
        for told in types:
            if told["kind"] != kind or told["name"].startswith("__"):
                continue
            fields = {f"{field['name']}_": field for field in told["fields"] or told["inputFields"]}
            inside: dict[str, Any] = {name: made(field) for name, field in fields.items()}
            inside["__annotations__"] = {name: annotation(field["type"]) for name, field in fields.items()}
            inside["__module__"] = TYPES
            above = tuple(getattr(module, one["name"]) for one in told["interfaces"] or ())
            found = decorate(name=told["name"], description=told["description"])(type(told["name"], above, inside))
            setattr(module, told["name"], found)
    strawberry.Schema(module.Query, mutation=module.Mutation)


def tell_same_size(path: Path, libraries: str) -> None:
    """Import ``libraries``, build what ``path`` tells with them, and tell what was taken and is held after each step.

    What reading ``path`` takes is left out, since a server does not do that.
    """
    from regulars.garbage import start_without_searching

    start_without_searching()
    import_all(libraries)
    seconds, mib = time.process_time(), resident_mib()
    told = {"its libraries": (seconds, mib)}
    sizes = json.loads(path.read_text())
    seconds, mib = time.process_time() - seconds, resident_mib() - mib
    map_tables(sizes["tables"])
    told["and its tables"] = (time.process_time() - seconds, resident_mib() - mib)
    build_types(sizes["types"])
    told["and its types"] = (time.process_time() - seconds, resident_mib() - mib)
    print(json.dumps(told))


def main() -> None:
    me = str(Path(__file__).resolve())
    with tempfile.TemporaryDirectory() as folder:
        environment, sizes = prepared(Path(folder)), f"{folder}/sizes.json"
        subprocess.run([sys.executable, me, "sizes", sizes], env=environment, check=True)
        libraries = " ".join(json.loads(Path(sizes).read_text())["libraries"])
        told_by([me, "same", sizes, libraries], environment)
        rounds = [
            {
                "bare": told_by([str(Path(__file__).with_name("start_up.py")), "bare"], environment),
                "imports": told_by(["-c", LIBRARIES], environment),
                **told_by([me, "same", sizes, libraries], environment),
            }
            for _ in range(ROUNDS)
        ]
    seconds = statistics.median(each["imports"]["whole"] for each in rounds)
    held = statistics.median(each["bare"]["idle"] for each in rounds)
    print(f"bare imports {seconds:.2f} s, bare process {held:.0f} MiB, medians of {ROUNDS}")
    for step in ("its libraries", "and its tables", "and its types"):
        took = statistics.median(each[step][0] for each in rounds)
        holds = statistics.median(each[step][1] for each in rounds)
        print(f"{step}: {took:.2f} s, {holds:.0f} MiB; ratios {took / seconds:.2f}, {holds / held:.2f}")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["sizes", path]:
            asyncio.run(tell_sizes(Path(path)))
        case ["same", path, libraries]:
            tell_same_size(Path(path), libraries)
        case _:
            main()
