"""The demo: real purchases, invented people around them, and a server that shows both."""
