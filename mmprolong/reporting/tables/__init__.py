"""Tables of an ablation and of the papers, and how they are written."""
