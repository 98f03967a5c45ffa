"""The page on which customers choose: its frame, its sections, and the ways in."""
