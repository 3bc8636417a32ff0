"""Augmentation: random changes of training images that keep their labels true, and test-time crops."""
