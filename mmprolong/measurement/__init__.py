"""Exact tokens of every conversation, for one backbone and one view of the pages."""
