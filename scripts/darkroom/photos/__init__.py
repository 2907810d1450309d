"""The photos room: find, decode, fingerprint, group duplicates."""
