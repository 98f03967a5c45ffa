from regulars.testing.conformance import conformance
from regulars_clv.manifest import manifest

TestConformance = conformance(manifest)
