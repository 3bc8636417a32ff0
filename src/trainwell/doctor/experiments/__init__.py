"""Short trainings that answer one question: which learning rate, how much data, what to transfer."""
