"""Rules on contacts that owners to come will bring: which cases are open, and who is held out."""
