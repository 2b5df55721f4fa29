"""Rules between the values of a point: what a study file writes under ``require:``.

A rule is one expression, such as ``schedule.warmup_epochs <= epochs / 5``. Its text is read by
Python's parser, but nothing is evaluated by Python: only the forms that are known here become steps
of a calculation, and every number on the way is at most 1e300. So a text of any kind is either a
rule or a fault, in bounded time.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from search_spaces.rule_arithmetic import (
    CALCULATIONS,
    COMPARISONS,
    FUNCTIONS,
    FUNCTIONS_OF_ONE_NUMBER,
    Comparison,
    UndefinedError,
    as_number,
    as_truth,
)
from search_spaces.validation import alternatives, closest_match, describe

LONGEST_RULE = 1_000
"""How many characters a rule may have."""
_DEEPEST = 100
"""How deep an expression may be nested; each further term of a sum counts as a level."""

_EXAMPLE = "optimizer.lr * accumulation <= 0.5"
_GRAMMAR = (
    "numbers | 'text' | true | false | null | names of values | + - * / // % ** | comparisons |"
    " and | or | not | in [..] | min | max | abs | log10"
)
_CONSTANTS: Mapping[str, bool | None] = {"true": True, "false": False, "null": None}
_PYTHON_CONSTANTS = {True: "true", False: "false", None: "null"}

_Values = Mapping[str, object]
_Term = Callable[[_Values], object]
"""One step of a calculation: gives a value from the point's values by their dotted paths."""


class RuleError(Exception):
    """What is wrong with the text of a rule."""

    def __init__(self, must: str, found: str, accepted: str = "", nearest: str = "") -> None:
        super().__init__(f"{must}; found {found}")
        self.must = must
        self.found = found
        self.accepted = accepted
        self.nearest = nearest


@dataclass(frozen=True)
class Rule:
    """A condition on the values of a point."""

    text: str
    names: tuple[str, ...]
    """The dotted names of values that it speaks of, in their order."""
    _condition: _Term = field(compare=False, repr=False)

    def holds(self, values: _Values) -> bool:
        """Return whether the rule holds for a point with these values by their dotted paths.

        It does where the point lacks a value that the rule names. It doesn't where the result isn't
        defined.
        """
        if any(name not in values for name in self.names):
            return True
        try:
            return self._condition(values) is True
        except UndefinedError:
            return False

    def described_values(self, values: _Values) -> str:
        """Return the values that the rule speaks of, as text: ``epochs 10, optimizer.lr 0.1``."""
        shown = [f"{name} {describe(values[name])}" for name in self.names if name in values]
        return ", ".join(shown) or "no value"


def parse_rule(text: object) -> Rule:
    """Return the rule that a text writes; raise RuleError where it writes none."""
    if not isinstance(text, str) or not text.strip():
        raise RuleError(f"must be a rule in text, such as {_EXAMPLE}", describe(text))
    if len(text) > LONGEST_RULE:
        must = f"must be a rule of at most {LONGEST_RULE:,} characters"
        raise RuleError(must, f"{len(text):,} characters")
    line = " ".join(text.split("\n")).strip()
    tree = _syntax_tree(line)
    _check_depth(tree)
    names: dict[str, None] = {}
    condition = _Compiler(line, names).condition(tree)
    return Rule(text, tuple(names), condition)


def _syntax_tree(text: str) -> ast.expr:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the parser warns of what looks like a mistake
            return ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        must = f"must be an expression, such as {_EXAMPLE}"
        raise RuleError(must, describe(text), _GRAMMAR) from None


def _check_depth(tree: ast.expr) -> None:
    """Raise RuleError where an expression is nested too deep to be handled by recursion."""
    level: list[ast.AST] = [tree]
    for _ in range(_DEEPEST):
        level = [child for node in level for child in ast.iter_child_nodes(node)]
        if not level:
            return
    raise RuleError(f"must be nested at most {_DEEPEST} deep", "a deeper expression")


# -- from the syntax tree to a calculation ---------------------------------------------


class _Compiler:
    """Turns the nodes of one syntax tree into terms, and notes the names of values in it."""

    def __init__(self, text: str, names: dict[str, None]) -> None:
        self._text = text
        self._names = names

    def condition(self, node: ast.expr) -> _Term:
        """Return the term of a node that is true or false of a point."""
        is_value = isinstance(node, ast.BinOp | ast.Call | ast.Constant | ast.List)
        is_sign = isinstance(node, ast.UnaryOp) and not isinstance(node.op, ast.Not)
        term = self._term(node)
        if is_value or is_sign:
            raise RuleError("must compare values, so that it holds or not", self._source(node))
        return term

    def _term(self, node: ast.expr) -> _Term:
        match node:
            case ast.Constant(value=value):
                return self._constant(node, value)
            case ast.Name() | ast.Attribute():
                return self._named_value(node)
            case ast.BinOp(left=left, op=operation, right=right):
                return self._calculation(node, left, operation, right)
            case ast.UnaryOp(op=operation, operand=operand):
                return self._unary(node, operation, operand)
            case ast.BoolOp(op=operation, values=operands):
                terms = [self.condition(operand) for operand in operands]
                return _any_of(terms) if isinstance(operation, ast.Or) else _all_of(terms)
            case ast.Compare():
                return self._comparison(node)
            case ast.Call():
                return self._call(node)
        raise self._refusal(node)

    def _constant(self, node: ast.expr, value: object) -> _Term:
        if value is None or isinstance(value, bool):
            raise self._refusal(node, nearest=_PYTHON_CONSTANTS[value])
        if isinstance(value, str):
            return lambda _: value
        if not isinstance(value, int | float):
            raise self._refusal(node)
        return lambda _: as_number(value)

    def _named_value(self, node: ast.expr) -> _Term:
        name = _dotted_name(node)
        if name is None:
            raise self._refusal(node)
        if name in _CONSTANTS:
            constant = _CONSTANTS[name]
            return lambda _: constant
        self._names[name] = None
        return lambda values: values[name]

    def _calculation(
        self, node: ast.expr, left: ast.expr, operation: ast.operator, right: ast.expr
    ) -> _Term:
        calculate = CALCULATIONS.get(type(operation))
        if calculate is None:
            raise self._refusal(node)
        one, other = self._term(left), self._term(right)
        return lambda values: calculate(as_number(one(values)), as_number(other(values)))

    def _unary(self, node: ast.expr, operation: ast.unaryop, operand: ast.expr) -> _Term:
        if isinstance(operation, ast.Not):
            condition = self.condition(operand)
            return lambda values: not as_truth(condition(values))
        term = self._term(operand)
        if isinstance(operation, ast.USub):
            return lambda values: -as_number(term(values))
        if isinstance(operation, ast.UAdd):
            return lambda values: as_number(term(values))
        raise self._refusal(node)

    def _comparison(self, node: ast.Compare) -> _Term:
        first = self._term(node.left)
        links: list[tuple[Comparison, _Term]] = []
        for operation, right in zip(node.ops, node.comparators, strict=True):
            compare = COMPARISONS.get(type(operation))
            if compare is None:
                raise self._refusal(node)
            is_membership = isinstance(operation, ast.In | ast.NotIn)
            links.append((compare, self._list(right) if is_membership else self._term(right)))
        if any(isinstance(operation, ast.In | ast.NotIn) for operation in node.ops[:-1]):
            raise self._refusal(node)  # a list isn't compared any further
        return _chain(first, links)

    def _list(self, node: ast.expr) -> _Term:
        if not isinstance(node, ast.List):
            raise RuleError("must have a list in brackets after in", self._source(node), "in [..]")
        items = [self._term(item) for item in node.elts]
        return lambda values: [item(values) for item in items]

    def _call(self, node: ast.Call) -> _Term:
        name = _dotted_name(node.func)
        function = FUNCTIONS.get(name or "")
        if function is None:
            must = "must call no other function"
            nearest = closest_match(name, FUNCTIONS) if name else ""
            raise RuleError(must, self._source(node.func), alternatives(FUNCTIONS), nearest)
        has_one_argument = name in FUNCTIONS_OF_ONE_NUMBER
        is_count_right = len(node.args) == 1 if has_one_argument else bool(node.args)
        if node.keywords or not is_count_right:
            count = "one number" if has_one_argument else "at least one number"
            raise RuleError(f"must give {name} {count}", self._source(node))
        arguments = [self._term(argument) for argument in node.args]
        return lambda values: function(*(as_number(argument(values)) for argument in arguments))

    def _refusal(self, node: ast.expr, nearest: str = "") -> RuleError:
        must = "must be made of what a rule may hold"
        return RuleError(must, self._source(node), _GRAMMAR, nearest)

    def _source(self, node: ast.expr) -> str:
        """Return the part of the rule's text that a node was read from, as a user wrote it."""
        return describe(ast.get_source_segment(self._text, node) or self._text)


def _dotted_name(node: ast.expr) -> str | None:
    """Return the dotted name that a node writes; None where it writes something else."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return None
    return ".".join([node.id, *reversed(parts)])


# -- terms of several terms ------------------------------------------------------------


def _chain(first: _Term, links: list[tuple[Comparison, _Term]]) -> _Term:
    """Return the term of a chained comparison, which ends at the first that is false."""

    def chained(values: _Values) -> bool:
        left = first(values)
        for compare, term in links:
            right = term(values)
            if not compare(left, right):
                return False
            left = right
        return True

    return chained


def _all_of(terms: list[_Term]) -> _Term:
    return lambda values: all(as_truth(term(values)) for term in terms)


def _any_of(terms: list[_Term]) -> _Term:
    return lambda values: any(as_truth(term(values)) for term in terms)
