"""What rooms expect of one another: the contract of a task, forms of outputs, the moment that a probe sees."""
