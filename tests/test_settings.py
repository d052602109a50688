"""The first stage stops a run whose parameters or files cannot be, before anything is computed."""

import json
from pathlib import Path

import pytest
import yaml

import stages.settings
from targeting.base.errors import DataError
from tests.conftest import ROOT


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tills").mkdir()
    return tmp_path


def settle(**changes: dict) -> None:
    params = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    params["data"]["path"] = "tills"
    Path("params.yaml").write_text(
        yaml.safe_dump(params | {name: params.get(name, {}) | own for name, own in changes.items()}), encoding="utf-8"
    )
    stages.settings.main()


def test_it_says_which_data_the_run_is_of(folder):
    settle()
    assert json.loads((folder / "metrics/settings.json").read_text()) == {"source": "completejourney", "path": "tills"}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"data": {"path": "/no/tills"}}, r"^data\.path is '/no/tills', and nothing is there\. .*full path"),
        ({"policy": {"table": "/no/costs.csv"}}, r"^policy\.table is '/no/costs\.csv', and nothing is there\. .*full path"),
        ({"polcy": {"cost": 3}}, r"polcy is no parameter \(did you mean policy\?\)"),
        ({"policy": {"kost": 3}}, r"policy\.kost is no parameter \(did you mean cost\?\)"),
    ],
)
def test_a_slip_stops_it_with_a_sentence(folder, changes, said):
    with pytest.raises(DataError, match=said):
        settle(**changes)
    assert not (folder / "metrics").exists()


def test_a_table_may_be_one_that_the_run_will_make(folder):
    settle(policy={"table": "data/trials/panel.parquet"})
    Path("costs.csv").write_text("household_id,cost\n1,2\n", encoding="utf-8")
    settle(policy={"table": "costs.csv"})
    assert (folder / "metrics/settings.json").exists()
