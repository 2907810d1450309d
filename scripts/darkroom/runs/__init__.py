"""What one run of Snakemake has around its jobs."""
