"""New rows become validated, fingerprinted windows; bad rows and files go to quarantine with a reason."""
