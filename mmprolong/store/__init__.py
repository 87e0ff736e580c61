"""Finished steps on disk, their identities, code and environment."""
