"""Statistics of randomised trials: one idea a file, no dependency but numpy.

Every number here is computed twice in the product, here and in `sinks/clickhouse/queries`, and a
test holds the two equal.
"""
