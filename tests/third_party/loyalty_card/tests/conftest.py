from collections.abc import Sequence

import pytest

from regulars import PluginManifest
from regulars_loyalty_card.manifest import manifest


@pytest.fixture
def plugins() -> Sequence[PluginManifest]:
    return [manifest]
