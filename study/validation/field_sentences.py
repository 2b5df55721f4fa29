"""The sentences below a section's fields, which editors show beside them.

pydantic can read them too, but does when a class is made, which costs every command time.
"""

from __future__ import annotations

import ast
import inspect
from itertools import pairwise

from pydantic import BaseModel


def field_sentences(section: type[BaseModel]) -> dict[str, str]:
    """Return the sentence below each field that has one, inherited fields included."""
    sentences: dict[str, str] = {}
    for base in reversed(section.__mro__):
        if base is BaseModel or not issubclass(base, BaseModel):
            continue
        (definition,) = ast.parse(inspect.getsource(base)).body
        assert isinstance(definition, ast.ClassDef)
        for statement, below in pairwise(definition.body):
            match statement, below:
                case (
                    ast.AnnAssign(target=ast.Name(id=field)),
                    ast.Expr(value=ast.Constant(value=str(sentence))),
                ) if field in section.model_fields:
                    sentences[field] = inspect.cleandoc(sentence)
    return sentences
