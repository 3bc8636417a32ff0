"""Texts as numbers: ragged arrays, tokens and vocabularies."""
