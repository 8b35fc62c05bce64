"""A window against what is known: from outputs and labels to a drift report."""
