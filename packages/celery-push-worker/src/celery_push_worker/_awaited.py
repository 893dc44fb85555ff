"""Finds where a project's sources wait for the result of a task.

By the source text: ``task.delay(…).get()``, or the same through a local variable.
Other ways of waiting are not found.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

SENDS = ("delay", "apply_async")
WAITS = ("get", "wait", "join")


def find_awaited() -> Iterator[tuple[str, str]]:
    """Yield the place of each wait in a loaded module, and the task's name there."""
    for name, module in sorted(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if not file or not file.endswith(".py") or is_foreign(file):
            continue
        try:
            text = Path(file).read_text(encoding="utf-8")
        except (OSError, ValueError):
            continue
        if any(f".{send}(" in text for send in SENDS):
            for line, task in find_awaited_in(text):
                yield f"{name}, line {line}", task


def is_foreign(file: str) -> bool:
    places = ("site-packages", "dist-packages", "celery_push_worker")
    return file.startswith(sys.base_prefix) or bool(set(places) & set(Path(file).parts))


def find_awaited_in(text: str) -> Iterator[tuple[int, str]]:
    """Yield line and task of each wait for a result in a module's source."""
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return
    for scope in ast.walk(tree):
        if isinstance(scope, (ast.Module, ast.FunctionDef, ast.AsyncFunctionDef)):
            yield from find_in_scope(scope)


def find_in_scope(scope: ast.AST) -> Iterator[tuple[int, str]]:
    nodes = list(walk_scope(scope))
    sent = {
        target.id: task
        for node in nodes
        if isinstance(node, ast.Assign) and (task := sent_by(node.value))
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in nodes:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            result = node.func.value
            named = sent.get(result.id) if isinstance(result, ast.Name) else None
            task = named or sent_by(result)
            if node.func.attr in WAITS and task:
                yield node.lineno, task


def walk_scope(scope: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes below, except those inside nested functions."""
    for child in ast.iter_child_nodes(scope):
        yield child
        if not isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield from walk_scope(child)


def sent_by(node: ast.AST) -> str | None:
    """Return the last part of the name of the task that a call sends."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return None
    if node.func.attr not in SENDS:
        return None
    task = node.func.value
    if isinstance(task, ast.Attribute):
        return task.attr
    return task.id if isinstance(task, ast.Name) else None
