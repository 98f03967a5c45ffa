"""Notices: the texts under which customers consent, each version in each language as it was shown."""
