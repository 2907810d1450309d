"""What one job has around its work: command line, device, progress, guards."""
