"""The user's own code: source lines, variable names, and what an exception says about them."""
