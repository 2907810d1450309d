"""Tests on a real SLURM cluster; a package, so that its conftest has a name of its own."""
