"""Rules on contacts: what customers prefer, which cases are open, and who is held out."""
