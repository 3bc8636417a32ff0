"""Augmentation: random changes of training pictures that keep their labels true, and test-time crops."""
