"""Champion to predictions, and known tasks' outputs for the drift stage."""
