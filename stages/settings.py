"""Check the settings, and that the files that they name are there, before anything is computed.

Reads the whole of params.yaml, so that a slip of the pen anywhere stops a run at once, also in a name that no other stage asks
for; writes which data the run is of.
"""

from pathlib import Path

from targeting.base.errors import DataError
from targeting.base.outputs import write_outputs
from targeting.base.params import load_params
from targeting.base.stage import run

MADE = "data"  # the folder of what stages make: what lies there may be made later in the same run
REMEDY = "Give the full path of what is there, with -S, or in conf/ and with `make params`."


def main() -> None:
    params = load_params("data", "policy")
    data, table = params["data"], Path(params["policy"]["table"])
    # DVC would stop at either without a word but `[Errno 2]`.
    if not Path(data["path"]).exists():
        raise DataError(f"data.path is {data['path']!r}, and nothing is there. {REMEDY}")
    if table.parts[:1] != (MADE,) and not table.exists():
        raise DataError(f"policy.table is {str(table)!r}, and nothing is there. {REMEDY}")
    write_outputs({"metrics/settings.json": {"source": data["source"], "path": data["path"]}})


if __name__ == "__main__":
    run("settings", main)
