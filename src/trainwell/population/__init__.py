"""Many networks trained as one program. Knows nothing of searching."""
