"""Rules: load, check, evaluate, arbitrate."""

import sys
from types import ModuleType

# `cel` imports its own command line, whose terminal toolkit would take 12 MB of every worker.
sys.modules.setdefault("cel.cli", ModuleType("cel.cli"))
