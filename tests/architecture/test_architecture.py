"""The shape of the code: who may import whom, and what each package must never name."""

from __future__ import annotations

import ast
import inspect
import pkgutil
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from pydantic import BaseModel

from vagus.kernel.settings import Config

ROOT = Path(__file__).parents[2]
PACKAGES = ("vagus", "connectors", "mappings", "channels", "broker")
FILES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
FORBIDDEN_CALLS = {"eval", "print", "__import__", "breakpoint"}
FORBIDDEN_MODULES = {"pickle", "marshal", "shelve", "dill"}
PROTOCOLS = re.compile(r"mllp|hl7|\bx12|fhir|amqp|rabbit|\bhttp|msh|\bpid\b|adt|siu", re.IGNORECASE)


def _modules() -> list[str]:
    found = []
    for package in PACKAGES:
        found.append(package)
        walk = pkgutil.walk_packages([str(ROOT / package)], package + ".")
        found += [item.name for item in walk if not item.name.endswith("__main__")]
    return found


def test_imports_point_down_only() -> None:
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_every_folder_with_code_is_a_regular_package() -> None:
    missing = {path.parent for path in FILES if not (path.parent / "__init__.py").exists()}
    assert not missing


def _functions(tree: ast.AST) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return [node for node in ast.walk(tree) if isinstance(node, kinds)]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_keeps_the_budgets(path: Path) -> None:
    text = path.read_text()
    assert text.count("\n") <= 400
    for function in _functions(ast.parse(text)):
        assert (function.end_lineno or 0) - function.lineno < 60, function.name


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_file_uses_what_runs_or_leaks_data(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in FORBIDDEN_CALLS, node.lineno
        if isinstance(node, ast.ImportFrom):
            # What is imported for its type alone hides a cycle.
            assert "TYPE_CHECKING" not in {alias.name for alias in node.names}
        if isinstance(node, ast.Import):
            assert not FORBIDDEN_MODULES & {alias.name for alias in node.names}
        if isinstance(node, ast.Attribute) and node.attr in ("load", "unsafe_load"):
            assert not (isinstance(node.value, ast.Name) and node.value.id == "yaml"), node.lineno


def test_channels_name_no_protocol() -> None:
    named = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in (ROOT / "channels").rglob("*.py")
        for match in PROTOCOLS.finditer(path.read_text())
    ]
    assert not named


def test_the_broker_reads_no_body() -> None:
    for path in (ROOT / "broker").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute):
                assert node.attr not in ("body", "content"), f"{path.name}:{node.lineno}"


def test_every_setting_is_described() -> None:
    models: set[type[BaseModel]] = set()
    for name in _modules():
        for _, item in inspect.getmembers(import_module(name), inspect.isclass):
            if issubclass(item, Config) and item is not Config:
                models.add(item)
    undescribed = [
        f"{model.__name__}.{name}"
        for model in models
        for name, field in model.model_fields.items()
        if not (field.description or "").strip()
    ]
    assert models
    assert not undescribed


def test_modules_import_alone() -> None:
    """No cycle is hidden by the order of imports."""
    for name in PACKAGES:
        done = subprocess.run(
            [sys.executable, "-c", f"import {name}"], cwd=ROOT, capture_output=True, check=False
        )
        assert done.returncode == 0


def test_no_machine_path_is_named() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    for name in listed:
        path = ROOT / name
        if (
            path.suffix in (".py", ".md", ".yaml", ".toml")
            and path != Path(__file__)
            and path.is_file()
        ):
            assert "/home/" not in path.read_text("utf-8"), name
