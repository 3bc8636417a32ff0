"""The values of a search: the space it searches, and the trials it makes."""
