"""The growing network: a stem, frozen residual branches, and one gated head a task."""
