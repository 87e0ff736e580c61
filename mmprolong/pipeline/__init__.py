"""The graph of steps, and how one step runs."""
