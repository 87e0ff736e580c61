"""Questions, replies, scores: one record an item, so that every number can be taken apart again."""
