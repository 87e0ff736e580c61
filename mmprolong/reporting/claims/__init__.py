"""Claims of the papers, judged by the printed numbers and by our runs."""
