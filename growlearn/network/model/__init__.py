"""The growing network: stems, frozen residual branches, and one gated head per task."""
