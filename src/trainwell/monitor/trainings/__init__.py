"""The trainings of one process: their optimizers, networks, evaluations and measurements."""
