"""What the papers claim, judged by their numbers and by ours."""
