"""The typed config: a file of settings per room, the project's, and how they are read."""
