"""Runs from the store, W&B, its offline files or a snapshot, and whether they may be compared."""
