"""One file an objective, found by its name. Each defines `loss(model, inputs) -> summed loss`."""
