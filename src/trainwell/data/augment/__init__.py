"""Random changes of training pictures that leave labels true, and test-time crops."""
