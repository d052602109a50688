"""What every section of params.yaml is: its keys are known, its values of the very kind that is asked for."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A section of params.yaml: no unknown keys, no infinite numbers and no NaN; true is no number, nor is text."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, strict=True)
