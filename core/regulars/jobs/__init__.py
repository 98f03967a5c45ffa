"""Jobs: work in the background, claimed by lease and taken over when a worker dies."""
