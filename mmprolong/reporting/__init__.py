"""Runs joined with their plan, and what is printed from them: statistics, tables, figures, reports."""
