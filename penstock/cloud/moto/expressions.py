"""moto's update and condition expressions, evaluated with fewer questions.

An update walks its expression's tree ten times, once for each thing to check or to replace, and at each node asks
Python what kind of node it is, in the slowest way there is (abstract classes). The kinds of a class never change, so
they are found out once. A tree is copied without a memo, since it shares nothing but the way to a parent; the words
of a condition are found once per expression, and a condition with its values is parsed once a call.
"""

from __future__ import annotations

import functools
from collections import deque
from collections.abc import Callable
from typing import Any


@functools.cache
def install() -> None:
    """Put the faster ways in place, once per process."""
    from moto.dynamodb.comparisons import ConditionExpressionParser
    from moto.dynamodb.parsing.ast_nodes import DepthFirstTraverser, Expression, Node, UpdateExpressionFunction
    from moto.dynamodb.parsing.expressions import UpdateExpressionParser

    nodes, with_clauses = _Kinds(Node), _Kinds(Expression, UpdateExpressionFunction)

    def traverse(traverser: Any, node: Any, _child_id: int = -1) -> Any:
        return _traversed(traverser, node, nodes)

    UpdateExpressionParser.make = functools.lru_cache(maxsize=512)(UpdateExpressionParser.make)
    Node.__deepcopy__ = lambda node, _memo: _copied(node, None, nodes)
    Node.find_clauses = lambda node, clause_types: _clauses(node, clause_types, with_clauses)
    DepthFirstTraverser.traverse_node_recursively = traverse

    words_of = functools.lru_cache(maxsize=512)(_words_of)
    ConditionExpressionParser.parse = _parsed_once(ConditionExpressionParser.parse)
    ConditionExpressionParser._lex_condition_expression = lambda self: deque(words_of(self.condition_expression))


class _Kinds(dict[type, bool]):
    """Which kinds belong to some classes, found out when first asked for."""

    def __init__(self, *classes: type) -> None:
        self._classes = classes

    def __missing__(self, kind: type) -> bool:
        belongs = self[kind] = issubclass(kind, self._classes)
        return belongs


CONDITIONS_KEPT = 16
"""A call parses its condition two or three times, always with the same values; the next one has others."""

_PROCESSED: dict[tuple[type, ...], dict[type, type | None]] = {}
"""The kinds that a pass processes → kind of a node → the first of those to which it belongs."""


def _copied(node: Any, parent: Any, nodes: _Kinds) -> Any:
    copied = object.__new__(type(node))
    copied.__dict__.update(node.__dict__)
    copied.parent = parent
    if node.children is not None:
        copied.children = [_copied(child, copied, nodes) if nodes[type(child)] else child for child in node.children]
    return copied


def _clauses(node: Any, clause_types: list[type], with_clauses: _Kinds) -> list[Any]:
    """moto's ``find_clauses``: the clauses of these types, those inside another one left out."""
    found = []
    for child in node.children or ():
        kind = type(child)
        if kind in clause_types:
            found.append(child)
        elif with_clauses[kind]:
            found += _clauses(child, clause_types, with_clauses)
    return found


def _traversed(traverser: Any, root: Any, nodes: _Kinds) -> Any:
    """moto's ``traverse_node_recursively``, asked of a root: what it processes is looked up once."""
    processors = traverser._processing_map()
    processed = tuple(processors)
    processed_as = _PROCESSED.setdefault(processed, {})
    before_child = traverser.pre_processing_of_child

    def walk(node: Any, child_id: int) -> Any:
        kind = type(node)
        if not nodes[kind]:
            return node
        parent = node.parent
        if node.children is not None:
            for index, child in enumerate(node.children):
                before_child(node, index)
                walk(child, index)
        if kind not in processed_as:
            processed_as[kind] = next((candidate for candidate in processed if issubclass(kind, candidate)), None)
        key = processed_as[kind]
        if key is not None:
            node = processors[key](node)
            node.parent = parent
            if parent:
                parent.children[child_id] = node
        return node

    return walk(root, -1)


def _words_of(expression: str) -> tuple[Any, ...]:
    """The nodes that a condition is made of, without the white space; they are never changed."""
    from moto.dynamodb.comparisons import ConditionExpressionParser

    parser = ConditionExpressionParser(expression, None, None)
    words = []
    remaining = expression
    while remaining:
        word, remaining = parser._lex_one_node(remaining)
        if word.nonterminal != parser.Nonterminal.WHITESPACE:
            words.append(word)
    return tuple(words)


def _parsed_once(parse: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Keep what conditions were parsed to, for the second and third time that the same one comes with the same values.

    The tree of a condition is never changed; what it found of names and values is.
    """
    parsed: dict[str, tuple[Any, list[str], list[str]]] = {}

    def parse_once(parser: Any) -> Any:
        expression, names, values = (
            parser.condition_expression,
            parser.expression_attribute_names,
            parser.expression_attribute_values,
        )
        if not expression:
            return parse(parser)
        asked = repr((expression, names, values))
        if asked not in parsed:
            if len(parsed) >= CONDITIONS_KEPT:
                del parsed[next(iter(parsed))]
            parsed[asked] = (parse(parser), parser.expr_attr_names_found, parser.expr_attr_values_found)
        condition, names_found, values_found = parsed[asked]
        parser.expr_attr_names_found, parser.expr_attr_values_found = list(names_found), list(values_found)
        return condition

    return parse_once
