"""Many networks trained as one program, independent of the search."""
