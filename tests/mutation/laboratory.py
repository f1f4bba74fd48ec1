"""Run the core's tests against mutants of the core: `make mutants`.

The mutants are mutmut's; what is left to its own runner is little, and it misses what matters here: it passes over
properties, which hold half of a lane's policy, runs the tests of a mutant in the order of a set, and has pytest collect
anew for each. Here pytest collects once, and each mutant is a fork of that process in which the code object of one
function is exchanged: no file is written, the checkout may change meanwhile. The fork runs, cheapest first, the tests
that reach the changed statement, and ends with the first that fails.

Not mutated: what runs as a module is imported (constants, defaults of fields), calls of ``len`` and ``isinstance``
(mutmut's choice), and the words of a story or a broken invariant, which are for people.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import difflib
import functools
import gc
import json
import math
import os
import resource
import signal
import sys
import textwrap
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

import coverage
import hypothesis
import libcst as cst
import pytest
from _pytest.runner import runtestprotocol
from libcst.metadata import MetadataWrapper, PositionProvider
from mutmut.mutation.file_mutation import MutationVisitor, deep_replace
from mutmut.mutation.mutators import mutation_operators
from mutmut.mutation.pragma_handling import IgnoredCode

ROOT = Path(__file__).parents[2]
CORE = ROOT / "penstock" / "mapping"
RESULTS = ROOT / "build" / "mutants.json"
SIMULATION = "tests/simulation/"
PLANTING = "test_mutants.py"
"""The simulation's own check, which plants defects into the core itself."""
STAGES = ("tests/mapping/test_", "tests/conformance/", "tests/mapping/filters/", SIMULATION)
"""Where the tests of the core are, the cheapest first; a mutant meets them in this order."""
DECORATORS_KEPT = ("property", "lru_cache")
"""Decorated functions are mutated under these alone: for both the function inside can be found and exchanged."""
FOR_PEOPLE = ("tell", "_tell")
"""What is called with words for a story."""
GOAL = 0.90
QUICK_SECONDS = 0.5
"""What a slow test takes more than, where only quick ones are asked for."""
SURVIVED, KILLED, BROKEN = range(3)
OUTCOMES = {SURVIVED: "survived", KILLED: "killed", BROKEN: "broken", -signal.SIGPROF: "timeout"}
"""Exit code of a mutant → what became of it; a broken one could not be made, and counts as not killed."""
PATIENCE = 5
"""A test may take this many times the CPU time that it takes without a mutant, and three seconds more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One change of one function.

    ``before`` and ``after`` are the function's text, ``line`` and ``lines`` where in the file the change and its
    statement are, ``offset`` the line counted from the function's first.
    """

    path: Path
    function: str
    before: str
    after: str
    line: int
    offset: int
    lines: frozenset[int]

    @property
    def module(self) -> str:
        """The file, as seen from the core."""
        return self.path.relative_to(CORE).as_posix()

    @property
    def change(self) -> str:
        """The lines that differ, on one line of text."""
        pairs = difflib.ndiff(self.before.splitlines(), self.after.splitlines())
        told = [f"{line[0]} {line[2:].strip()}" for line in pairs if line[0] in "+-"]
        return "  ".join(told)

    @property
    def name(self) -> str:
        """What tells it apart, in a form that survives changes elsewhere in the file."""
        return f"{self.module} {self.function}+{self.offset}: {self.change}"


class _Changes(MutationVisitor):
    """mutmut's changes, those of properties and cached functions included, words for people excepted."""

    said: frozenset[int] = frozenset()
    """The lines on which an invariant is stated."""

    def _skip_node_and_children(self, node: cst.CSTNode) -> bool:
        match node:
            case cst.FunctionDef(decorators=[cst.Decorator(decorator=kept)]):
                name = kept.func if isinstance(kept, cst.Call) else kept
                return not (isinstance(name, cst.Name) and name.value in DECORATORS_KEPT)
            case cst.Call(func=cst.Attribute(attr=cst.Name(value=called))) if called in FOR_PEOPLE:
                return True
            case cst.Call(func=cst.Name("assert_never")):
                return True
            case cst.SimpleString() if " " in node.value and self._is_said(node):
                return True
        return super()._skip_node_and_children(node)

    def _is_said(self, node: cst.SimpleString) -> bool:
        return self.get_metadata(PositionProvider, node).start.line in self.said


def mutants_of(path: Path) -> Iterator[Mutant]:
    """Give every mutant of a file, in the order of its lines."""
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    wrapper = MetadataWrapper(cst.parse_module(text))
    visitor = _Changes(mutation_operators, IgnoredCode(set(), set(), set()))
    visitor.said = frozenset(_lines_of_invariants(tree))
    module = wrapper.visit(visitor)
    positions = wrapper.resolve(PositionProvider)
    classes = {
        method: node.name.value
        for node in module.body
        if isinstance(node, cst.ClassDef)
        for method in node.body.body
        if isinstance(method, cst.FunctionDef)
    }
    own_lines = _own_lines(tree)
    for change in visitor.mutations:
        function = change.contained_by_top_level_function
        if not isinstance(function, cst.FunctionDef):
            continue
        line = positions[change.original_node].start.line if change.original_node in positions else 0
        body = positions[function.body].start.line
        line = line or positions[function].start.line
        mutated = deep_replace(function, change.original_node, change.mutated_node)
        assert isinstance(mutated, cst.FunctionDef)
        before, after = (textwrap.dedent(module.code_for_node(node)).strip() for node in (function, mutated))
        if after.count("assert_never") < before.count("assert_never"):
            continue
        owner = classes.get(function)
        yield Mutant(
            path=path,
            function=f"{owner}.{function.name.value}" if owner else function.name.value,
            before=before,
            after=after,
            line=line,
            offset=line - positions[function].start.line,
            lines=own_lines[line] if line >= body else frozenset(range(body, positions[function].end.line + 1)),
        )


def _lines_of_invariants(tree: ast.Module) -> Iterator[int]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "_assert":
            yield from range(node.lineno, (node.end_lineno or node.lineno) + 1)


def _own_lines(tree: ast.Module) -> dict[int, frozenset[int]]:
    """Give for each line those of the innermost statement that it belongs to, without the statements inside that."""
    owner: dict[int, ast.stmt] = {}

    def visit(node: ast.AST) -> None:
        if isinstance(node, ast.stmt):
            owner.update(dict.fromkeys(range(node.lineno, (node.end_lineno or node.lineno) + 1), node))
        for child in ast.iter_child_nodes(node):
            visit(child)

    visit(tree)
    lines: dict[ast.stmt, set[int]] = defaultdict(set)
    for line, node in owner.items():
        lines[node].add(line)
    return {line: frozenset(lines[node]) for line, node in owner.items()}


def _code(text: str, function: str) -> CodeType:
    """Compile a function as the method that it is, and give its code."""
    *owner, name = function.split(".")
    source = f"class {owner[0]}:\n{textwrap.indent(text, '    ')}" if owner else text
    code = compile(f"from __future__ import annotations\n{source}", "<mutant>", "exec", dont_inherit=True)
    for part in [*owner, name]:
        code = next(const for const in code.co_consts if isinstance(const, CodeType) and const.co_name == part)
    return code


def _inner(code: CodeType) -> Iterator[CodeType]:
    """Give the code of every function inside a function, in order."""
    for const in code.co_consts:
        if isinstance(const, CodeType):
            yield const
            yield from _inner(const)


def _defaults(text: str, names: dict[str, Any]) -> tuple[tuple[Any, ...] | None, dict[str, Any] | None]:
    """Give the default arguments of a function, positional and by keyword."""
    (node,) = ast.parse(text).body
    assert isinstance(node, ast.FunctionDef)

    def value(default: ast.expr) -> Any:
        return eval(compile(ast.Expression(default), "<mutant>", "eval"), names)  # our own source, one literal changed

    by_keyword = {
        argument.arg: value(default)
        for argument, default in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
        if default is not None
    }
    return tuple(value(default) for default in node.args.defaults) or None, by_keyword or None


class Laboratory:
    """A pytest plugin: instead of the tests it runs the mutants, each against the tests that reach it."""

    def __init__(self, mutants: list[Mutant], *, processes: int, slowest_seconds: float) -> None:
        self.outcomes: dict[str, str] = {}
        """Name → one of `OUTCOMES`, or untested."""
        self._mutants = mutants
        self._processes = processes
        self._slowest_seconds = slowest_seconds
        self._functions: dict[tuple[str, str], list[FunctionType]] = defaultdict(list)
        self._caches: list[Any] = []
        self._items: list[pytest.Item] = []
        self._seconds: list[float] = []
        self._reached: dict[tuple[str, int], set[int]] = defaultdict(set)

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Take the place of pytest's own loop."""
        self._items = sorted(session.items, key=lambda item: self._stage(item.nodeid))
        for thing in gc.get_objects():
            if isinstance(thing, FunctionType) and thing.__code__.co_filename.startswith(str(CORE)):
                self._functions[thing.__code__.co_filename, thing.__code__.co_qualname].append(thing)
            elif isinstance(thing, functools._lru_cache_wrapper) and thing.__module__.startswith("penstock.mapping"):
                self._caches.append(thing)
        self._measure()
        gc.freeze()
        self._run()
        return True

    @staticmethod
    def _stage(nodeid: str) -> int:
        return next(index for index, start in enumerate(STAGES) if nodeid.startswith(start))

    def _measure(self) -> None:
        """Learn, in a fork, which lines each test reaches and how long it takes."""
        read, write = os.pipe()
        if (pid := os.fork()) == 0:
            os.close(read)
            with open(write, "w", encoding="utf-8") as pipe:
                json.dump(self._measured(), pipe)
            os._exit(0)
        os.close(write)
        with open(read, encoding="utf-8") as pipe:
            self._seconds, reached = json.load(pipe)
        os.waitpid(pid, 0)
        if not self._seconds:
            pytest.exit(f"fails without any mutant: {', '.join(reached)}", returncode=1)
        for file, contexts in reached.items():
            for line, indices in contexts.items():
                self._reached[file, int(line)] = set(indices)
        slow = {index for index, item in enumerate(self._items) if self._stage(item.nodeid) == len(STAGES) - 1}
        for mutant in self._mutants:
            if not mutant.module.startswith(("filters/", "validation")):
                for line in mutant.lines:
                    self._reached[str(mutant.path), line] |= slow

    def _measured(self) -> tuple[list[float], dict[str, dict[int, list[int]]]]:
        """Give seconds by test, and for each file line → tests; if a test fails, no seconds, and its name alone."""
        watch = coverage.Coverage(data_file=None, include=[f"{CORE}/*"], config_file=False)
        seconds = []
        for index, item in enumerate(self._items):
            if self._stage(item.nodeid) == len(STAGES) - 1:
                began = time.process_time()
                failed = self._fails(index, item)
            else:
                watch.start()
                watch.switch_context(str(index))
                began = time.process_time()
                failed = self._fails(index, item)
                watch.stop()
            seconds.append(time.process_time() - began)
            if failed:
                return [], {item.nodeid: {}}
        data = watch.get_data()
        return seconds, {
            file: {line: [int(name) for name in names if name] for line, names in data.contexts_by_lineno(file).items()}
            for file in data.measured_files()
        }

    def _fails(self, index: int, item: pytest.Item) -> bool:
        for cache in self._caches:
            cache.cache_clear()
        following = self._items[index + 1] if index + 1 < len(self._items) else None
        return any(report.failed for report in runtestprotocol(item, log=False, nextitem=following))

    def _run(self) -> None:
        running: dict[int, Mutant] = {}
        for count, mutant in enumerate(self._mutants, start=1):
            chosen = sorted({index for line in mutant.lines for index in self._reached[str(mutant.path), line]})
            chosen = [index for index in chosen if self._seconds[index] <= self._slowest_seconds]
            if not chosen:
                self.outcomes[mutant.name] = "untested"
                continue
            while len(running) >= self._processes:
                self._reap(running)
            if (pid := os.fork()) == 0:
                self._suffer(mutant, chosen)
            running[pid] = mutant
            if sys.stderr.isatty() or count % 20 == 0:
                tally = Counter(self.outcomes.values())
                sys.stderr.write(f"{count}/{len(self._mutants)} {mutant.module} {dict(tally)}\n")
        while running:
            self._reap(running)

    def _exchange_closures(self, path: Path, old: CodeType, new: CodeType) -> None:
        """Exchange what a function has made already: readers and matchers in tables are closures made at import."""
        for before, after in zip(_inner(old), _inner(new), strict=False):
            for function in self._functions[str(path), before.co_qualname]:
                if function.__code__ is before and len(before.co_freevars) == len(after.co_freevars):
                    function.__code__ = after

    def _reap(self, running: dict[int, Mutant]) -> None:
        pid, status = os.wait()
        code = os.waitstatus_to_exitcode(status)
        outcome = OUTCOMES.get(code, "killed")  # also where a mutant took the process with it
        self.outcomes[running.pop(pid).name] = outcome
        if len(self.outcomes) % 20 == 0:
            keep(self.outcomes)

    def _suffer(self, mutant: Mutant, chosen: list[int]) -> None:
        """Be the mutant: exchange the code, run the tests, tell by the exit code whether one failed."""
        with open(os.devnull, "w") as nowhere:
            os.dup2(nowhere.fileno(), 1)
            os.dup2(nowhere.fileno(), 2)
        resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
        exit_code = BROKEN
        try:
            code = _code(mutant.after, mutant.function)
            functions = self._functions[str(mutant.path), mutant.function]
            assert functions, "nothing to exchange the code of"
            self._exchange_closures(mutant.path, functions[0].__code__, code)
            for function in functions:
                function.__code__ = code
                function.__defaults__, function.__kwdefaults__ = _defaults(mutant.after, function.__globals__)
            chosen.sort(key=lambda index: (self._stage(self._items[index].nodeid), self._seconds[index]))
            items = [self._items[index] for index in chosen]
            exit_code = KILLED  # unless every test passes
            signal.signal(signal.SIGPROF, signal.SIG_DFL)
            for index, item in enumerate(items):
                signal.setitimer(signal.ITIMER_PROF, 3 + PATIENCE * self._seconds[chosen[index]])
                for cache in self._caches:
                    cache.cache_clear()
                following = items[index + 1] if index + 1 < len(items) else None
                if any(report.failed for report in runtestprotocol(item, log=False, nextitem=following)):
                    return
            exit_code = SURVIVED
        finally:
            os._exit(exit_code)


def keep(outcomes: dict[str, str]) -> dict[str, str]:
    """Add outcomes to those of earlier runs, and give all."""
    known: dict[str, str] = {}
    with contextlib.suppress(FileNotFoundError):
        known = json.loads(RESULTS.read_text(encoding="utf-8"))
    known.update(outcomes)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(known, indent=1), encoding="utf-8")
    return known


def report(mutants: list[Mutant], outcomes: dict[str, str]) -> int:
    """Print the figures and the survivors; give the exit code."""
    tallies: dict[str, Counter[str]] = defaultdict(Counter)
    for mutant in mutants:
        tallies[mutant.module][outcomes.get(mutant.name, "not run")] += 1
    total: Counter[str] = Counter()
    for module, tally in tallies.items():
        total += tally
        killed = tally["killed"] + tally["timeout"]
        others = ", ".join(f"{number} {what}" for what, number in tally.items() if what != "killed")
        print(f"{module:28} {killed:5} of {tally.total():5}  {killed / tally.total():6.1%}  {others}")
    killed = total["killed"] + total["timeout"]
    share = killed / total.total()
    print("\nsurvivors:")
    for mutant in mutants:
        if outcomes.get(mutant.name, "killed") not in ("killed", "timeout"):
            print(f"  {mutant.module}:{mutant.line} {mutant.function}: {mutant.change} ({outcomes[mutant.name]})")
    print(f"\n{killed} of {total.total()} mutants killed: {share:.1%} (goal: {GOAL:.0%})")
    return 0 if share >= GOAL else 1


def main() -> int:
    """Read the command line, run the mutants, report."""
    parser = argparse.ArgumentParser(description="Run the core's tests against mutants of the core.")
    parser.add_argument("modules", nargs="*", help="files of penstock/mapping; all of them if none is named")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    parser.add_argument("--quick", action="store_true", help="leave out the simulation and every slow test")
    parser.add_argument("--every", type=int, default=1, help="take a sample: every n-th mutant")
    parser.add_argument("--survivors", action="store_true", help="run again only what the last run did not kill")
    parser.add_argument("--resume", action="store_true", help="run only what no earlier run has judged")
    arguments = parser.parse_args()
    os.chdir(ROOT)
    sys.path.insert(0, str(ROOT))
    known = keep({})
    modules = arguments.modules or sorted(path.relative_to(CORE).as_posix() for path in CORE.rglob("*.py"))
    every = [mutant for module in modules for mutant in mutants_of(CORE / module)][:: arguments.every]
    chosen = every
    if arguments.survivors:
        chosen = [mutant for mutant in every if known.get(mutant.name) not in ("killed", "timeout")]
    if arguments.resume:
        chosen = [mutant for mutant in every if mutant.name not in known]
    slowest_seconds = QUICK_SECONDS if arguments.quick else math.inf
    laboratory = Laboratory(chosen, processes=arguments.processes, slowest_seconds=slowest_seconds)
    hypothesis.settings.register_profile(
        "mutants",
        database=None,
        derandomize=True,
        deadline=None,
        phases=(hypothesis.Phase.explicit, hypothesis.Phase.generate),
    )
    hypothesis.settings.load_profile("mutants")
    folders = ["tests/mapping", "tests/conformance"]
    if not arguments.quick:
        folders += [str(path) for path in sorted(Path(SIMULATION).glob("test_*.py")) if path.name != PLANTING]
    if not any(mutant.module.startswith("filters/") for mutant in chosen):
        folders.append("--ignore=tests/mapping/filters")
    quiet = ["-s", "--timeout=0", "-p", "no:cacheprovider", "-W", "ignore::pytest.PytestAssertRewriteWarning"]
    if code := int(pytest.main([*quiet, *folders], plugins=[laboratory])):
        return code
    return report(every, keep(laboratory.outcomes))


if __name__ == "__main__":
    sys.exit(main())
