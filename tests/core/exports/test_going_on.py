import io
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import pytest

from regulars.access.actors import SYSTEM, Actor
from regulars.exports.plans import ExportPlan
from regulars.exports.service import ExportFailed, ExportState, FileExport

PLAN = ExportPlan("customers", "csv", ["displayName"], SYSTEM, page=2)


class Shop:
    """Answers with five customers, two at a time; breaks once, after so many pages."""

    def __init__(self, *, pages_before_breaking: int) -> None:
        self.pages_left = pages_before_breaking

    async def ask(self, _query: str, variables: Mapping[str, Any], _actor: Actor) -> Mapping[str, Any]:
        self.pages_left -= 1
        if self.pages_left == -1:
            return {"data": {"customers": None}, "errors": [{"message": "The database restarts."}]}
        at = int(variables["after"] or 0)
        some = list(range(5))[at : at + 2]
        nodes = [{"exportedId": str(UUID(int=number)), "displayName": f"C{number}"} for number in some]
        errors = [{"path": ["customers", "nodes", 0, "displayName"], "message": "Gone.", "extensions": {"code": "X"}}]
        page = {"hasNextPage": at + 2 < 5, "endCursor": str(at + 2)}
        return {"data": {"customers": {"nodes": nodes, "pageInfo": page}}, "errors": errors if at == 2 else []}


async def test_an_export_that_was_broken_off_goes_on_where_it_stopped() -> None:
    rows, problems, kept = io.BytesIO(), io.BytesIO(), list[Mapping[str, Any]]()

    async def keep(state: ExportState) -> None:
        kept.append(state.as_json())

    broken = FileExport(PLAN, Shop(pages_before_breaking=2).ask)
    with pytest.raises(ExportFailed):
        await broken.write(rows, problems, ExportState(), tell=keep)
    rows.write(b"half a row that was never told of")

    whole = FileExport(PLAN, Shop(pages_before_breaking=100).ask)
    state = await whole.write(rows, problems, ExportState.read(kept[0]), tell=keep)

    assert rows.getvalue()[: state.size] == b"displayName\r\nC0\r\nC1\r\nC2\r\nC3\r\nC4\r\n"
    assert (state.rows, state.problems) == (5, 1)
    assert problems.getvalue()[: state.problems_size].splitlines()[1] == (
        b"00000000-0000-0000-0000-000000000002,displayName,X,Gone."
    )
