"""Statistics of runs: means, differences, intervals, power. docs/statistics.md writes the formulas out."""
