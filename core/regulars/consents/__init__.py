"""Consents: the append-only ledger of what each customer allowed and withdrew."""
