"""Privacy: what is known about one person, gathered or erased everywhere."""
