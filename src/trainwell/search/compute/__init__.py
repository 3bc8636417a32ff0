"""Where and how the configurations of a search train: which engine, in which processes."""
