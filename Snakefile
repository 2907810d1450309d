# A shim, so that plain `snakemake` works in the checkout: the workflow is workflow/Snakefile.
include: "workflow/Snakefile"


workflow.default_target = "all"
