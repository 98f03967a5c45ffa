"""Let the engines of tests share what they compile: a thousand servers send the same statements."""

from sqlalchemy import Dialect
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.util import LRUCache

__all__ = ["SharedStatements"]

MOST_KEPT = 3_000


class SharedStatements:
    """Keeps what was compiled for one kind of database.

    A server compiles each statement once; where every test has a server of its own, that took a third of its time.
    """

    def __init__(self) -> None:
        self._dialects: list[Dialect] = []
        self._compiled: LRUCache[object, object] = LRUCache(MOST_KEPT)

    def share(self, engine: AsyncEngine) -> AsyncEngine:
        """Return the engine, which uses what was compiled for earlier ones, and leaves what it compiles to later ones.

        Statements are compiled for a dialect, which must have met the server.
        """
        own = engine.sync_engine
        own.update_execution_options(compiled_cache=self._compiled)
        met = [dialect for dialect in self._dialects if dialect.default_schema_name is not None]
        self._dialects = met[:1] or [*self._dialects, own.dialect]
        if met:
            own.dialect = met[0]
        return engine
