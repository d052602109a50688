"""The section `engine` of params.yaml: where table expressions run."""

import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_serializer, model_validator

from targeting.base.section import Section

UNITS = {"K": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}  # of memory, in bytes
LEAST_MEMORY = 64e6
KEYS = {"duckdb": ("threads", "memory_limit"), "spark": ("master", "config")}


class Engine(Section):
    """Where table expressions run; `threads` and `memory_limit` are of DuckDB, `master` and `config` of Spark."""

    name: Literal["duckdb", "spark"]
    threads: Annotated[int, Field(ge=1, le=256)] | None = None
    memory_limit: str | None = None
    master: Annotated[str, Field(min_length=1)] | None = None  # local[*], spark://host:7077, yarn, k8s://...
    config: dict[str, Any] | None = None  # Spark's own settings, by their names from spark. on

    @field_validator("memory_limit")
    @classmethod
    def _is_a_size(cls, value: str | None) -> str | None:
        size = re.fullmatch(r"(\d{1,6}(?:\.\d+)?) ?([KMGT])i?B", value or "", re.IGNORECASE)
        if value is not None and (size is None or float(size[1]) * UNITS[size[2].upper()] < LEAST_MEMORY):
            raise ValueError(f"it is {value!r}; write a size of 64MB or more, such as 2GB")
        return value

    @field_validator("config")
    @classmethod
    def _are_settings(cls, value: dict[str, Any] | None) -> dict[str, Any] | None:
        flat = None if value is None else dict(_flat(value))
        for key, setting in (flat or {}).items():
            if not key.startswith("spark.") or not isinstance(setting, (str, int, float)):
                raise ValueError(f"{key} is {setting!r}; write settings of Spark, such as spark.executor.memory: 4g")
        return flat

    @model_validator(mode="after")
    def _has_what_it_needs(self) -> "Engine":
        needed = KEYS[self.name]
        given = [name for name in type(self).model_fields if name != "name" and getattr(self, name) is not None]
        if lacking := [name for name in needed if name not in given]:
            raise ValueError(f"{self.name} also needs {', '.join(lacking)}: see conf/engine/{self.name}.yaml")
        if others := [name for name in given if name not in needed]:
            raise ValueError(f"{', '.join(others)} is not for {self.name}: leave it out, or see conf/engine/{self.name}.yaml")
        return self

    @model_serializer
    def _own_keys(self) -> dict[str, Any]:
        return {key: getattr(self, key) for key in ("name", *KEYS[self.name])}


def _flat(settings: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Settings by their whole names, whether they are written spark.executor.memory or, as Hydra makes them, one in another."""
    for key, value in settings.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
