"""One module per schema revision, in a single line of descent."""
