"""What the scores of runs say: means, differences, intervals, power."""
