"""Views of a sweep: in the terminal and as an HTML file."""
