"""Before training: the data and the network tested in seconds, on copies."""
