"""Customer lifetime value for Regulars: profit, as a distribution, with its uncertainty."""
