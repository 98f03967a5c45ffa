"""What the tests of the documentation share."""

import sys

from tests.docs.pages import ROOT

sys.path.insert(0, str(ROOT / "tests" / "third_party" / "loyalty_card"))
