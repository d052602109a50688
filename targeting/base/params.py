"""The one way in which stages read the parameters.

The whole of params.yaml is checked whenever a stage starts, so that a slip is named by the first stage that runs.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from targeting.base.errors import DataError
from targeting.base.sections import AMOUNT_KINDS, Params
from targeting.base.spelling import did_you_mean

PARAMS = Path("params.yaml")
LONGEST_KEY = 80
SHOWN = 5  # slips that a message names
AMOUNT_AT = 2  # where pydantic names the form of policy.cost or policy.margin, which is no key of the file
SHOULD_BE = "Input should be "  # how pydantic says it
REMEDY = "Correct it, or write it anew by `make params`."
# The plain values of YAML 1.2, as DVC reads them. PyYAML's own are those of 1.1, where 010 is 8, 1:30 is 90 and no is false.
PLAIN = {
    "tag:yaml.org,2002:null": (r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    "tag:yaml.org,2002:bool": (r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    "tag:yaml.org,2002:int": (r"[-+]?[0-9]+", list("-+0123456789")),
    "tag:yaml.org,2002:float": (
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        list("-+0123456789."),
    ),
}


class _Loader(yaml.SafeLoader):
    """Reads numbers as DVC does, and takes every key once."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - PyYAML's own name and form

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if str(key.value) in seen:
                problem = f"{key.value} is there more than once: keep one"
                raise yaml.constructor.ConstructorError(problem=problem, problem_mark=key.start_mark)
            seen.add(str(key.value))
        return super().construct_mapping(node, deep)

    def construct_decimal(self, node: yaml.ScalarNode) -> int:
        return int(self.construct_scalar(node))


for _tag, (_pattern, _first) in PLAIN.items():
    _Loader.add_implicit_resolver(_tag, re.compile(rf"^(?:{_pattern})$"), _first)
_Loader.add_constructor("tag:yaml.org,2002:int", _Loader.construct_decimal)


def load_params(*sections: str) -> dict[str, Any]:
    """The named top-level sections of params.yaml, as dvc.yaml declares them for the stage that asks.

    Raises DataError when the file cannot be read, or anything in it is missing, unknown or out of its range.
    """
    document = _read()
    try:
        params = Params.model_validate(document)
    except ValidationError as errors:
        slips = [_in_words(error, document) for error in errors.errors()]
        more = f"; and {len(slips) - SHOWN} more" if len(slips) > SHOWN else ""
        raise DataError(
            f"{PARAMS}: {'; '.join(slips[:SHOWN])}{more}. Change it with -S, or in conf/ and with `make params`."
        ) from None
    return {section: params.model_dump()[section] for section in sections}


def _in_words(error: ErrorDetails, document: Mapping[str, Any]) -> str:
    """One slip in one line, however long and odd the key's name is; a check of several sections names its keys itself."""
    place = [part for i, part in enumerate(error["loc"]) if i < AMOUNT_AT or part not in AMOUNT_KINDS]
    key = " ".join(_named(place, document).split())
    shown = key if len(key) <= LONGEST_KEY else key[:LONGEST_KEY] + "..."
    message, given = error["msg"].removeprefix("Value error, "), " ".join(repr(error["input"]).split())
    if error["type"] == "extra_forbidden":
        return f"{shown} is no parameter{did_you_mean(str(place[-1]), _known_in(place[:-1]))}"
    if error["type"] == "literal_error":
        known, name = re.findall(r"'([^']*)'", error["ctx"]["expected"]), str(error["input"])[:LONGEST_KEY]
        message = f"{' '.join(name.split())!r} is unknown{did_you_mean(name, known)}; it can be {', '.join(known)}"
    elif message.startswith(SHOULD_BE) and len(given) <= LONGEST_KEY:
        return f"{shown} is {given}; it should be {message.removeprefix(SHOULD_BE)}"
    elif message.split()[0] in _known_in(place):  # a check of a section begins with the key that it is about
        return f"{shown}.{message}"
    return f"{shown}: {message}" if shown else message


def _named(place: Sequence[int | str], document: Any) -> str:
    """The names that lead to a value; in a list it is the entry of a number, counted from one."""
    words = ""
    for part in place:
        # Of a key that cannot be pydantic says "[key]" behind it, whatever it leads to.
        in_list = isinstance(document, list) and isinstance(part, int)
        words += f", entry {int(part) + 1}" if in_list else f".{part}" if words else str(part)
        try:
            document = document[part]
        except (LookupError, TypeError):  # what is missing leads nowhere
            document = None
    return words


def _known_in(section: Sequence[int | str]) -> list[str]:
    """The keys of a section, by the names that lead to it; none where they lead through a list or a choice."""
    model: Any = Params
    for name in section:
        field = getattr(model, "model_fields", {}).get(name)
        model = None if field is None else next((part for part in (field.annotation, *get_args(field.annotation)) if part), None)
    return list(getattr(model, "model_fields", {}))


def _read() -> dict[str, Any]:
    """The file's one document. Raises DataError where it is missing, no UTF-8 or no YAML of sections."""
    try:
        text = PARAMS.read_bytes().decode("utf-8")
    except OSError as error:
        raise DataError(f"{PARAMS} cannot be read: {error.strerror}. Write it anew by `make params`.") from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise DataError(f"{PARAMS}, line {line}: not UTF-8, but ISO-8859-1 or the like. Save it as UTF-8.") from None
    conflict = re.search(r"^(<{7}|={7}|>{7})( |\r?$)", text, re.MULTILINE)
    if conflict:
        line = text.count("\n", 0, conflict.start()) + 1
        raise DataError(
            f"{PARAMS}, line {line}: marks of a merge conflict. Keep one side of each, or compose it anew by `make params`."
        )
    try:
        document = yaml.load(text, _Loader)  # noqa: S506 - a SafeLoader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f", line {mark.line + 1}" if mark else ""
        raise DataError(f"{PARAMS}{place}: {error.problem or error.context}. {REMEDY}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise DataError(f"{PARAMS} is no YAML: {' '.join(str(error).split())[:200]}. {REMEDY}") from None
    if not isinstance(document, dict):
        raise DataError(f"{PARAMS} has no sections. {REMEDY}")
    return document
