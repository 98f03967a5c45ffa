from regulars.testing.conformance import conformance
from regulars_loyalty_card.manifest import manifest

TestConformance = conformance(manifest)
