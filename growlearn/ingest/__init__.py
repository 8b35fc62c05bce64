"""Ingest new rows as validated, fingerprinted windows; quarantine bad rows and files with a reason."""
