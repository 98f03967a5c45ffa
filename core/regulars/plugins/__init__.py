"""Plugins: finding, checking, running and containing them."""
