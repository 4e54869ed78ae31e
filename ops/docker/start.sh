#!/bin/sh
# The image holds compiled kernels; numba takes them only from a folder it can write to.
set -e
if [ ! -d "$NUMBA_CACHE_DIR" ]; then
  cp -R /opt/hark/kernels "$NUMBA_CACHE_DIR"
fi
exec hark "$@"
