"""Torch lives here and in `training.methods`, nowhere else.

Threads that wait must not spin: on a machine with other work that costs several times the processor time. OpenMP reads
this when torch is loaded, so it is set before.
"""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
