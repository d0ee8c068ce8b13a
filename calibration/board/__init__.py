"""The printed board and tags: what they look like, finding them in photographs, printing them."""
