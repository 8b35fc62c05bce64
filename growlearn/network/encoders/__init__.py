"""Frozen pretrained encoders: stored as plain operators and weights, without their library."""
