import gc
from collections.abc import Iterator

import pytest

from regulars.garbage import keep_what_started, start_without_searching


@pytest.fixture(autouse=True)
def garbage_as_before() -> Iterator[None]:
    """Leave the process of the tests as it was."""
    yield
    gc.enable()


def test_a_start_searches_for_no_garbage_and_never_among_what_it_made() -> None:
    start_without_searching()
    during, kept = gc.isenabled(), gc.get_freeze_count()
    made: list[list[object]] = [[] for _ in range(1_000)]

    keep_what_started()

    assert (during, gc.isenabled()) == (False, True)
    assert gc.get_freeze_count() >= kept + len(made)
