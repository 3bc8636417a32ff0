"""What the autograd graph of a loss tells. Functions here only read a graph; they know nothing of trainings."""
