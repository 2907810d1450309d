"""Files that one room writes and another reads: one reader and one writer each."""
