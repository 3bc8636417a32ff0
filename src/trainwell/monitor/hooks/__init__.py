"""Hooks into PyTorch that every training passes by."""
