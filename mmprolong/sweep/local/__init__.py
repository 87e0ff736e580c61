"""Steps on this machine: a launcher, and the worker processes that it keeps busy."""
