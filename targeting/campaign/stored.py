"""Fitted models as a file that is data and no program: skops, which names every type that it holds, and loads only those listed.

A pickle can do anything when it is opened. Here a file from elsewhere can at most predict wrongly.
"""

import io
import re
import zipfile
from pathlib import Path

import skops.io
from skops.io.exceptions import UntrustedTypesFoundException

from targeting.base.errors import DataError
from targeting.base.outputs import replace
from targeting.campaign.models import CampaignModels

# Our own classes and functions that models hold, and what skops does not know by itself: trees, splines, numpy's functions.
TRUSTED = [
    *(f"targeting.campaign.models.{name}" for name in ("Blend", "CampaignModels", "Past", "Propensity", "Standing")),
    *(
        f"targeting.learners.fitted.{name}"
        for name in ("BlendByPropensity", "Forest", "InUnits", "LinearInFeatures", "ModelByArm", "OneModel", "Regression")
    ),
    *(f"targeting.learners.base_models.{name}" for name in ("ComponentRegression", "Featured")),
    *(f"targeting.learners.meta.{name}" for name in ("_all_but_last", "with_interactions")),
    *(f"targeting.nuisance.models.{name}" for name in ("signed_log1p", "with_logs")),
    "numpy.clip",
    "scipy._lib.array_api_compat.numpy._aliases.asarray",
    "scipy.interpolate._bsplines.BSpline",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.tree._tree.Tree",
]
ANY_ID = re.compile(r'(?<="__id__": )\d+|(?<="file": ")\d+')
SCHEMA = "schema.json"
EPOCH = (1980, 1, 1, 0, 0, 0)  # a zip file's first day


def write_models(models: CampaignModels, path: Path) -> None:
    """Store the models at `path`; the same models give the same bytes.

    skops numbers objects by their place in memory and dates its parts by the clock: here they are numbered in their order, and
    dated alike.
    """
    replace(path, lambda part: _rewrite(skops.io.dumps(models), part))


def read_models(path: Path) -> CampaignModels:
    """The models stored at `path`. Raises DataError for a file that is damaged, or holds anything else."""
    try:
        models = skops.io.load(path, trusted=TRUSTED)
    except UntrustedTypesFoundException as error:
        raise DataError(f"{path} is not opened, as it holds what no model here does ({error}): run `dvc repro`.") from error
    except (OSError, KeyError, ValueError, TypeError, AttributeError, zipfile.BadZipFile) as error:
        raise DataError(f"{path} cannot be read as stored models ({error}): run `dvc repro` to fit them again.") from error
    if not isinstance(models, CampaignModels):
        raise DataError(f"{path} holds a {type(models).__name__} and not the models of a next campaign: run `dvc repro`.")
    return models


def _rewrite(content: bytes, path: Path) -> None:
    numbers: dict[str, str] = {}

    def numbered(found: re.Match[str]) -> str:
        return numbers.setdefault(found[0], str(len(numbers)))

    with zipfile.ZipFile(io.BytesIO(content)) as given, zipfile.ZipFile(path, "w") as written:
        schema = ANY_ID.sub(numbered, given.read(SCHEMA).decode("utf-8"))
        written.writestr(zipfile.ZipInfo(SCHEMA, EPOCH), schema)
        for name in sorted(set(given.namelist()) - {SCHEMA}, key=lambda name: int(numbers[name.split(".")[0]])):
            number, kind = name.split(".")
            written.writestr(zipfile.ZipInfo(f"{numbers[number]}.{kind}", EPOCH), given.read(name))
