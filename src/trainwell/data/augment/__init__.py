"""Augmentation: random label-preserving transforms of training images, and test-time crops."""
