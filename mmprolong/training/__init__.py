"""The trainer: packed sequences, exact loss, schedules in tokens, checkpoints that resume bit for bit."""
