"""Makes a fast test out of rules: one Python function written for exactly these rules.

The function walks plain objects down to the leaves and decides there and then. Whatever it has not foreseen (a name
spelled with dots, `exists: false` below an array, something that is no JSON) it hands to `Selection`, which takes
everything; so it may be ignorant, but never wrong.

No pattern can become code. The function is built as a syntax tree, never as text. Its names are our own, letters and
counters; its only attribute is `get`; keys, texts and numbers of a pattern are constants in it or objects in its
namespace. It has no builtins.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from penstock.mapping.filters.leaf import Unforeseen, may_be_absent
from penstock.mapping.filters.leaf_writer import LeafWriter
from penstock.mapping.filters.pattern import Condition, Rule, Source
from penstock.mapping.filters.selection import Selection
from penstock.mapping.filters.syntax import (
    Namespace,
    Statements,
    answer,
    any_of,
    assign,
    call,
    function,
    is_none,
    negated,
    same,
    variable,
    when,
)

Test = Callable[..., bool]
"""Tells whether a record passes; with a second argument, that stands in the place of `body`."""

Keys = tuple[str, ...]

NAMES_LIMIT = 12
WEIGHT_LIMIT = 3_000
"""Beyond twelve names on a path, or this sum of their squares, rules are left to `Selection`: the function grows with
the square of a path's names. Our choice; a template's filters stay far below."""


def compile_rules(rules: Sequence[Rule], *, source: Source, body_given: bool = False) -> Test:
    """Compile rules of which one must hold; `body_given` makes the decoded body a second argument of the test."""
    selection = Selection(rules)

    def slow(record: Any, *body: Any) -> bool:
        return selection.passes({**record, "body": body[0]} if body else record)

    if not _is_worthwhile(rules):
        return slow
    try:
        return _Writer(slow, source=source, body_given=body_given).function_of(rules)
    except RecursionError:  # the caller stands so deep that Python cannot compile here
        return slow


def _is_worthwhile(rules: Sequence[Rule]) -> bool:
    """Tell whether the function would stay small, and no path of a rule leads through a leaf of the same rule."""
    names = [condition.path.count(".") + 1 for rule in rules for condition in rule.conditions]
    if max(names, default=0) > NAMES_LIMIT or sum(count * count for count in names) > WEIGHT_LIMIT:
        return False
    return not any(_leads_through_a_leaf(rule) for rule in rules)


def _leads_through_a_leaf(rule: Rule) -> bool:
    """Tell whether one path of a rule goes on where another ends."""
    paths = sorted(f"{condition.path}." for condition in rule.conditions)
    return any(later.startswith(path) for path, later in pairwise(paths))


class _Node:
    """The conditions of a rule below one object: key → what must hold there; leaves come first, for they are cheap."""

    def __init__(self, conditions: Iterable[Condition], level: int) -> None:
        by_key: dict[str, list[Condition]] = {}
        for condition in conditions:
            by_key.setdefault(condition.keys[level], []).append(condition)
        self.leaves = {key: found[0] for key, found in by_key.items() if len(found[0].keys) == level + 1}
        self.inner = {key: _Node(found, level + 1) for key, found in by_key.items() if key not in self.leaves}
        self.conditions = [condition for found in by_key.values() for condition in found]
        self.needed = [condition for condition in self.conditions if not may_be_absent(condition.matchers)]
        self.array_test: str | None = None

    def inner_keys(self, above: Keys = ()) -> Iterator[Keys]:
        """All keys that lead to an object."""
        for key, node in self.inner.items():
            yield (*above, key)
            yield from node.inner_keys((*above, key))


class _Writer:
    """Writes the function for some rules and, for each object in whose place an array may stand, one for that array."""

    def __init__(self, slow: Test, *, source: Source, body_given: bool) -> None:
        self.namespace = Namespace()
        self.absent = object()
        self._slow = slow
        self._source = source
        self._arguments = ("r", "b") if body_given else ("r",)
        self._functions: Statements = []
        self._leaves: dict[int, LeafWriter] = {}

    def function_of(self, rules: Sequence[Rule]) -> Test:
        """Write, compile and load the function."""
        give_up = ast.Return(call(self.namespace.held(self._slow), *map(variable, self._arguments)))
        alone = len(rules) == 1
        scope = _Scope(self, given="r", keys=(), fail=answer(False) if alone else ast.Break(), give_up=give_up)
        nodes = [_Node(map(self._respelled, rule.conditions), 0) for rule in rules]
        body = scope.looked_up_once(nodes)
        for node in nodes:
            attempt = scope.attempt(node, ())
            body += attempt if alone else [ast.While(ast.Constant(True), attempt, [])]
        errors = [self.namespace.held(error) for error in (AttributeError, TypeError, Unforeseen, RecursionError)]
        handler = ast.ExceptHandler(ast.Tuple(list(errors), ast.Load()), None, [give_up])
        return self._loaded([ast.Try([*body, answer(False)], [handler], [], [])])

    def _loaded(self, body: Statements) -> Test:
        """Compile what is written and take the function out of its namespace."""
        module = ast.Module([*self._functions, function("f", self._arguments, body)], [])
        exec(compile(ast.fix_missing_locations(module), "<filter>", "exec"), self.namespace.objects)
        test: Test = self.namespace.objects["f"]
        return test

    def leaf(self, condition: Condition) -> LeafWriter:
        """Prepare the test of a leaf, once for each condition."""
        if id(condition) not in self._leaves:
            leaf = LeafWriter(condition.matchers, self.namespace)
            self._functions.append(leaf.array_function())
            self._leaves[id(condition)] = leaf
        return self._leaves[id(condition)]

    def expects_array(self, key: str) -> bool:
        """Tell whether an array of objects may well stand under a key: in a stream record only under the type `L`."""
        return key == "L" or self._source != "dynamodb"

    def levels_of_aws(self, condition: Condition) -> int:
        """Tell how many names at the beginning of a path AWS itself writes in a record: they have no dots."""
        if self._source == "event-bus":
            return 0
        return 2 if self._source == "dynamodb" and condition.path.startswith(("dynamodb.", "userIdentity.")) else 1

    def _respelled(self, condition: Condition) -> Condition:
        """Take those names apart where the pattern wrote several as one key."""
        levels = self.levels_of_aws(condition)
        names = condition.path.split(".")[:levels]
        rest = []
        for key in condition.keys:
            parts = key.split(".")
            rest += [".".join(parts[levels:])] if len(parts) > levels else []
            levels = max(0, levels - len(parts))
        return replace(condition, keys=(*names, *rest))

    def fetched(self, holder: str, keys: Keys, *, or_absent: bool = False) -> ast.expr:
        """Look the last of the keys up in the object that the others led to."""
        if keys == ("body",) and "b" in self._arguments:
            return variable("b")
        default = [self.namespace.held(self.absent)] if or_absent else []
        return call(ast.Attribute(variable(holder), "get", ast.Load()), ast.Constant(keys[-1]), *default)

    def array_test(self, node: _Node, keys: Keys) -> ast.expr:
        """Name a function that tells whether an element of an array fulfils a node; written when first asked for."""
        if node.array_test is None:
            node.array_test = self.namespace.new_variable()
            self._functions.append(self._array_function(node, keys, node.array_test))
        return variable(node.array_test)

    def _array_function(self, node: _Node, keys: Keys, name: str) -> ast.stmt:
        """Write that function: objects are tried, arrays within the array searched, scalars passed over."""
        unforeseen = ast.Raise(self.namespace.held(Unforeseen))
        scope = _Scope(self, given="e", keys=keys, fail=ast.Break(), give_up=unforeseen)
        search_within = when(call(variable(name), variable("e")), [answer(True)])
        element = when(
            self.namespace.is_of("e", dict),
            [ast.While(ast.Constant(True), scope.attempt(node, keys), [])],
            [when(negated(self.namespace.is_scalar("e")), [search_within])],
        )
        search = ast.For(ast.Name("e", ast.Store()), variable("a"), [element], [])
        return function(
            name,
            ("a",),
            [
                when(self.namespace.is_of("a", list), [search, answer(False)]),
                when(self.namespace.is_scalar("a"), [answer(False)]),
                unforeseen,
            ],
        )


class _Scope:
    """The inside of one function: its variables, and how it fails and gives up.

    The function is given the object that `keys` lead to. To fail is to go on with the next rule or element, to give up
    is to leave the record to `Selection`.
    """

    def __init__(self, writer: _Writer, *, given: str, keys: Keys, fail: ast.stmt, give_up: ast.stmt) -> None:
        self._writer = writer
        self._namespace = writer.namespace
        self._variables: dict[Keys, str] = {keys: given}
        self._level = len(keys)
        self._fail = fail
        self._give_up = give_up
        self._looked_up: set[Keys] = set()

    def attempt(self, node: _Node, keys: Keys) -> Statements:
        """Return true if the object that the keys led to fulfils a node."""
        return [*self._object(node, keys), answer(True)]

    def looked_up_once(self, nodes: Sequence[_Node]) -> Statements:
        """Look up ahead of all rules the objects that several of them go through."""
        body: Statements = []
        counted = Counter(keys for node in nodes for keys in node.inner_keys())
        for keys in sorted((keys for keys, count in counted.items() if count > 1), key=len):
            holder = self._variables[keys[:-1]]
            found = self._writer.fetched(holder, keys)
            if len(keys) > 1:
                found = ast.IfExp(self._namespace.is_of(holder, dict), found, ast.Constant(None))
            body.append(assign(self._variable(keys), found))
            self._looked_up.add(keys)
        return body

    def _variable(self, keys: Keys) -> str:
        return self._variables.setdefault(keys, self._namespace.new_variable())

    def _object(self, node: _Node, keys: Keys) -> Statements:
        """Go on if an object has what a node asks for."""
        leaves = [statement for key, leaf in node.leaves.items() for statement in self._leaf(leaf, (*keys, key))]
        inner = [statement for key, below in node.inner.items() for statement in self._inner(below, (*keys, key))]
        return [*leaves, *inner]

    def _inner(self, node: _Node, keys: Keys) -> Statements:
        """Go on if a node is content with what stands under a key: an object, an array with one, or nothing."""
        value = self._variable(keys)
        body: Statements = []
        if keys not in self._looked_up:
            body.append(assign(value, self._writer.fetched(self._variables[keys[:-1]], keys)))
        inside = self._object(node, keys)
        is_object = self._namespace.is_of(value, dict)
        give_up_unless_scalar = when(negated(self._namespace.is_scalar(value)), [self._give_up])
        if not node.needed:
            spelled = [statement for leaf in node.conditions for statement in self._spelled_otherwise(leaf, len(keys))]
            return [*body, when(is_object, inside, [give_up_unless_scalar, *spelled])]
        failed = self._failed(node.needed[0], len(keys))
        if len(node.needed) < len(node.conditions):
            return [*body, when(negated(is_object), [give_up_unless_scalar, *failed]), *inside]
        if not self._writer.expects_array(keys[-1]):
            return [*body, when(is_none(value), failed), *inside]
        in_array = call(self._writer.array_test(node, keys), variable(value))
        return [*body, when(is_object, inside, [when(any_of([is_none(value), negated(in_array)]), failed)])]

    def _failed(self, condition: Condition, depth: int) -> Statements:
        """Fail because a condition does not hold for what the first `depth` of its keys led to."""
        return [*self._spelled_otherwise(condition, depth), self._fail]

    def _spelled_otherwise(self, condition: Condition, depth: int) -> Statements:
        """Give up if a name on the way is also there in another spelling, with more dots or fewer."""
        present: list[ast.expr] = [
            ast.Compare(ast.Constant(spelling), [ast.In()], [variable(self._variables[condition.keys[:level]])])
            for level in range(max(self._level, self._writer.levels_of_aws(condition)), depth)
            for spelling in _other_spellings(condition.keys, level)
        ]
        return [when(any_of(present), [self._give_up])] if present else []

    def _leaf(self, condition: Condition, keys: Keys) -> Statements:
        """Go on if a leaf is content with what stands under its key."""
        leaf = self._writer.leaf(condition)
        value = self._namespace.new_variable()
        or_absent = leaf.tells_null_from_nothing
        fetch = assign(value, self._writer.fetched(self._variables[keys[:-1]], keys, or_absent=or_absent))
        failed = self._failed(condition, len(keys))
        is_absent = same(variable(value), self._namespace.held(self._writer.absent))
        test = leaf.statements(value, failed)
        if leaf.may_be_absent:
            spelled = self._spelled_otherwise(condition, len(keys))
            nothing = any_of([is_absent, self._namespace.is_of(value, dict)])
            array = [when(negated(leaf.array_accepted(value)), failed), *spelled]
            test = [when(nothing, spelled, [when(self._namespace.is_of(value, list), array, test)])]
        elif or_absent:
            test = [when(is_absent, failed, test)]
        return [fetch, *test]


def _other_spellings(keys: Keys, level: int) -> Iterator[str]:
    """All keys but the written one that could begin the rest of a path at a level."""
    names = ".".join(keys[level:]).split(".")
    return (spelling for end in range(1, len(names) + 1) if (spelling := ".".join(names[:end])) != keys[level])
