"""Ablations: ways to combine and train parallel branches, this project's and those it is compared with."""
