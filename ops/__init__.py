"""Everything around the pipeline: command line, embedded parts, simulator, benchmarks."""
