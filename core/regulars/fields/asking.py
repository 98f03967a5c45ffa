"""Ask the API from the inside, as somebody, so that they see what they may see and nothing else."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from regulars.access.actors import Actor

__all__ = ["Ask"]

Ask = Callable[[str, Mapping[str, Any], Actor], Awaitable[Mapping[str, Any]]]
"""Answers a GraphQL operation of somebody: data and errors, as a client gets them."""
