"""Runs on disk: the registry, the ledger, the journals, and the locks for them."""
