"""The values that cross borders and the few shared tools; everything may import this, and it imports nothing."""
