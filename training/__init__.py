"""From reviewed samples to a signed model: gate, bundle, methods, models, artifacts.

Threads that wait must not spin: on a machine with other work that costs several times the processor time. OpenMP reads
this when torch is loaded, so it is set before any module of this package is.
"""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
