"""Assignment: the one randomiser, which decides who takes part in what and in which arm, and never forgets it."""
