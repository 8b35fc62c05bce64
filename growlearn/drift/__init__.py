"""Compare a window with the known tasks: from outputs and labels to a drift report."""
