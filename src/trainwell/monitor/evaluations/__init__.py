"""The evaluations between the steps of a training: when they are made, their scores, and how their examples differ."""
