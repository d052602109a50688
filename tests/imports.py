"""Which of the project's own modules a stage script reaches, read from the source without running it."""

import ast
from collections.abc import Callable
from pathlib import Path

PACKAGES = ("targeting", "stages")


def project_modules(script: Path, root: Path, imports: Callable[[Path], set[str]] | None = None) -> set[str]:
    """Paths, relative to `root`, of the modules that `script` imports, directly or through others; the script not included.

    `imports` gives the names that a file imports; without it, all of them.
    """
    found: set[str] = set()
    pending = [script]
    while pending:
        for module in (imports or imported_modules)(pending.pop()):
            for path in _files(module, root):
                if path.relative_to(root).as_posix() not in found:
                    found.add(path.relative_to(root).as_posix())
                    pending.append(path)
    return found


def imported_modules(path: Path) -> set[str]:
    """Names that the file imports from this project, with those of what it imports from them."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in names if name.split(".")[0] in PACKAGES}


def _files(module: str, root: Path) -> list[Path]:
    """The module's file, and the __init__ of every package above it, where they exist."""
    parts = module.split(".")
    packages = [root.joinpath(*parts[:depth], "__init__.py") for depth in range(1, len(parts) + 1)]
    candidates = [*packages, root.joinpath(*parts).with_suffix(".py")]
    return [path for path in candidates if path.is_file()]
