"""Pages for staff: signing in, the start page, and the frame that plugins' pages stand in."""
