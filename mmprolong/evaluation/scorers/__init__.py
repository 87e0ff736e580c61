"""One file a scorer, found by its name. Each defines `VERSION` and `score(reply, target) -> (value, parsed)`."""
