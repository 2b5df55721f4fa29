"""The Python source of a network by itself: ``model.py``, which needs torch and not this project.

Of a built-in network it holds the very definitions that built it, taken out of their modules, with
the recipe's values written out. Of a user's own it imports the factory that the recipe names.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from types import ModuleType

from study.training.models import adapters, layers
from study.training.models.layers import ImageShape
from study.training.recipe.model import ModelSpec
from study.training.recipe.model_catalog import FAMILIES, is_timm_name
from study.training.runtime.imports import import_function

_OUR_TORCHVISION = "study.training.runtime.torchvision"
_SPEC_CLASS = '''\
class ModelSpec(SimpleNamespace):
    """What the recipe says of the model."""'''


def model_source(model: ModelSpec, image_shape: ImageShape, classes: int) -> str:
    """Return a module with ``build()``, which makes the network without its weights.

    ``image_shape`` is that of the images that the network is given.
    """
    if model.name in FAMILIES:
        return _built_in_source(model, image_shape, classes)
    if is_timm_name(model.name):
        return _timm_source(model, image_shape, classes)
    return _users_own_source(model, image_shape, classes)


def _timm_source(model: ModelSpec, image_shape: ImageShape, classes: int) -> str:
    options = {key: value for key, value in model.options.items() if key != "pretrained"}
    more = f", **{options!r}" if options else ""
    name = model.name.partition(":")[2]
    return f'''\
"""The network {name} of timm, which must be installed: pip install timm."""

import timm


def build():
    """Build the network; its weights are in weights.safetensors."""
    return timm.create_model({name!r}, num_classes={classes}, in_chans={image_shape[0]}{more})
'''


def _users_own_source(model: ModelSpec, image_shape: ImageShape, classes: int) -> str:
    module, _, function = model.name.partition(":")
    options = f", **{model.options!r}" if model.options else ""
    return f'''\
"""The network that {model.name} builds, from a module that must lie here, in the current folder or
where Python looks.
"""

import sys

sys.path.append("")

from {module} import {function}  # noqa: E402


def build():
    """Build the network; its weights are in weights.safetensors."""
    return {function}({image_shape}, {classes}{options})
'''


def _built_in_source(model: ModelSpec, image_shape: ImageShape, classes: int) -> str:
    builder = import_function(FAMILIES[model.name].builder)
    family = _Module(inspect.getmodule(builder))
    modules = [_Module(layers), _Module(adapters), family]
    steps = _steps(model, builder.__name__, image_shape, classes)
    definitions = _needed(modules, [step.partition("(")[0] for step in steps])
    imports = _imports_of(modules, definitions)
    parts = [
        f'"""The network {model.name}, in plain PyTorch.\n\n{family.docstring}\n"""',
        "from __future__ import annotations",
        "\n".join([*imports, "from types import SimpleNamespace"]),
        *[definition.source for definition in definitions],
        _SPEC_CLASS,
        _build_function(model, steps),
    ]
    return "\n\n\n".join(parts) + "\n"


def _steps(model: ModelSpec, builder: str, image_shape: ImageShape, classes: int) -> list[str]:
    """Return the calls that make the network, as ``build_model`` does."""
    inner = model.resized(image_shape)
    steps = [f"{builder}(model, {inner}, {classes})"]
    if inner != image_shape:
        steps.append(f"resize_inputs(network, {inner[1]}, {inner[2]})")
    if model.softmax:
        steps.append("add_softmax(network)")
    return steps


def _build_function(model: ModelSpec, steps: list[str]) -> str:
    first, *others = steps
    said = _said(model).items()
    return "\n".join(
        [
            "def build() -> nn.Module:",
            '    """Build the network; its weights are in weights.safetensors."""',
            "    model = ModelSpec(",
            *[f"        {name}={value!r}," for name, value in said],
            "    )",
            f"    network = {first}",
            *[f"    {step}" for step in others],
            "    return network",
        ]
    )


def _said(model: ModelSpec) -> dict[str, object]:
    """Return what the recipe says of a model, but for what begins its training."""
    return model.model_dump(mode="json", exclude={"init", "pretrained", "weights", "options"})


@dataclass(frozen=True)
class _Definition:
    """A function, a class or a value at a module's top level."""

    names: frozenset[str]
    used: frozenset[str]
    """The names that stand in it."""
    source: str


class _Module:
    """A module of ours as its text."""

    def __init__(self, module: ModuleType | None) -> None:
        assert module is not None
        self._lines = inspect.getsource(module).splitlines()
        self._tree = ast.parse("\n".join(self._lines))

    @property
    def docstring(self) -> str:
        return ast.get_docstring(self._tree) or ""

    @cached_property
    def definitions(self) -> list[_Definition]:
        """What the module defines, in its order; a text behind a value belongs to it."""
        found = []
        nodes = self._tree.body
        for node, following in zip(nodes, [*nodes[1:], None], strict=True):
            names = _defined_names(node)
            if names:
                last = following if isinstance(following, ast.Expr) else node
                found.append(_Definition(names, _used_names(node), self._text(node, last)))
        return found

    def imports(self) -> Iterable[tuple[str, str]]:
        """Return each name that the module imports from elsewhere, with the line that does."""
        for node in self._tree.body:
            if isinstance(node, ast.Import):
                for alias in node.names:
                    yield alias.asname or alias.name, f"import {alias.name}"
            elif isinstance(node, ast.ImportFrom) and node.module == _OUR_TORCHVISION:
                yield "torchvision", "import torchvision"
            elif isinstance(node, ast.ImportFrom) and not _is_ours(node.module):
                for alias in node.names:
                    yield alias.name, f"from {node.module} import {alias.name}"

    def _text(self, node: ast.stmt, last: ast.stmt) -> str:
        decorators = getattr(node, "decorator_list", [])
        first = min([node.lineno, *[decorator.lineno for decorator in decorators]])
        return "\n".join(self._lines[first - 1 : last.end_lineno])


def _is_ours(module: str | None) -> bool:
    return module in (None, "__future__") or str(module).startswith("study.")


def _defined_names(node: ast.stmt) -> frozenset[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return frozenset({node.name})
    if isinstance(node, ast.Assign):
        return frozenset(target.id for target in node.targets if isinstance(target, ast.Name))
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return frozenset({node.target.id})
    return frozenset()


def _used_names(node: ast.AST) -> frozenset[str]:
    return frozenset(part.id for part in ast.walk(node) if isinstance(part, ast.Name))


def _needed(modules: list[_Module], wanted: list[str]) -> list[_Definition]:
    """Return the definitions that the wanted names stand for, and those that these use in turn."""
    by_name: dict[str, _Definition] = {}
    for module in modules:
        for definition in module.definitions:
            by_name.update(dict.fromkeys(definition.names, definition))
    reached: set[str] = set()
    ahead = list(wanted)
    while ahead:
        name = ahead.pop()
        if name in by_name and name not in reached:
            reached |= by_name[name].names
            ahead += by_name[name].used
    return [
        definition
        for module in modules
        for definition in module.definitions
        if definition.names & reached
    ]


def _imports_of(modules: list[_Module], definitions: list[_Definition]) -> list[str]:
    """Return the import lines that the definitions need, each once."""
    used = frozenset[str]().union(*[definition.used for definition in definitions]) | {"nn"}
    lines: dict[str, None] = {}
    for module in modules:
        for name, line in module.imports():
            if name.partition(".")[0] in used:
                lines[line] = None
    return sorted(lines, key=lambda line: (line.startswith("from"), line))
