"""Avalanche: its evaluation behind a port, and branch growth as one of its strategies."""
