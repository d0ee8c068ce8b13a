"""Who may use the page, in what words, and what was done: users, sessions, audit log."""
