"""One standalone script a DVC stage, run as `python -m stages.NAME` from the project's folder.

Importing this package fixes the number of numerical threads, before numpy is loaded: sums over several threads
round differently from run to run and from machine to machine. Parallel work runs in processes instead.
"""

import os

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[variable] = "1"
