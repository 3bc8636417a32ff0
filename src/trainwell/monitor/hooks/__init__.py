"""Hooks into PyTorch that report what every training passes through, and change nothing of it."""
