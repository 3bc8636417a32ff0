"""The trainings that a process holds: their steps, samples, evaluations and records."""
