"""An in-memory implementation of each port, and the clocks."""
