"""All settings of a run, typed, and the settings of each stage."""
