"""Finished steps on disk, their identities and what they were made with."""
