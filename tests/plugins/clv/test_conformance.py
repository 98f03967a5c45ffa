from regulars_clv.manifest import manifest

from regulars.testing.conformance import conformance

TestConformance = conformance(manifest)
