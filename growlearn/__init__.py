"""GrowLearn keeps a deployed classifier up to date by growing it, one frozen branch at a time."""

__version__ = "0.1.0"
