"""Avalanche's benchmark and evaluation machinery; its names are translated here and go no further."""
