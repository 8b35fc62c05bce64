"""Verdict to trained branch: plan, newborn, cached features, the plain training loop."""
