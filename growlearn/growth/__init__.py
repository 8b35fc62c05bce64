"""From a verdict to a trained branch: plan, initialisation, cached features, training loop, distillation."""
