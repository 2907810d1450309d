"""What lies in the photos folder, by bytes and by name."""
