"""Labels people agree on: how well they do, who and which classes differ, and what would help."""
