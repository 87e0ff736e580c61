"""The graph of steps, the frozen plan, and the execution of one step."""
