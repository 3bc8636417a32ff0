"""The user's own code: lines, names, and what an exception says about them."""
