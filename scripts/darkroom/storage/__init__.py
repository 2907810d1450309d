"""Files, tables and the cache."""
