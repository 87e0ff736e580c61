"""A look at data: what a step of it rests on, a sample of its examples, their pages and figures."""
