"""Statistics fitted on the training rows, which kinds of examples are prepared with."""
