"""What an asset holds, when its hash changes, and what is refused while it is made."""

import os
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import distribution, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from stacks import dependencies, function_code
from stacks.dependencies import pinned
from stacks.function_code import SOURCE, FunctionCode

Code = Callable[..., FunctionCode]

THIS_PYTHON = f"python{sys.version_info.major}.{sys.version_info.minor}"
OTHER_PYTHON = f"python{sys.version_info.major}.{sys.version_info.minor + 1}"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A source folder with two handlers over one module, and no dependency."""
    root = tmp_path / "lambda_src"
    for path, text in {
        "handlers/api.py": "from orders import order",
        "handlers/relay.py": "import json",
        "orders/order.py": "",
        "requirements.txt": "# nothing\n",
    }.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return root


@pytest.fixture
def code(source: Path, tmp_path: Path) -> Code:
    """The code of a handler of that source, for the Python that runs the test unless told otherwise."""
    return lambda handler="api", runtime=THIS_PYTHON: FunctionCode(
        handler, runtime=runtime, source=source, cache=tmp_path / "cache"
    )


def files_in(folder: Path) -> list[str]:
    """Every file below a folder, by its relative path."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def bundled(code: FunctionCode, folder: Path) -> Path:
    """Let the code fill a new folder, as the CDK would."""
    folder.mkdir()
    assert code.try_bundle(str(folder), object())
    return folder


def test_asset_holds_the_handler_and_what_it_imports(code: Code, tmp_path: Path) -> None:
    """Nothing of another handler, no requirements file, no cache."""
    asset = bundled(code(runtime=OTHER_PYTHON), tmp_path / "asset")

    assert files_in(asset) == ["handlers/api.py", "orders/order.py"]


def test_asset_is_compiled_so_that_dates_do_not_matter(code: Code, tmp_path: Path) -> None:
    """For the Python that bundles, each module has bytecode that is valid whatever date the file carries."""
    asset = bundled(code(), tmp_path / "asset")
    (compiled,) = asset.glob("orders/__pycache__/order.*.pyc")

    # PEP 552: bit 0 says that the check is by hash, bit 1 that it is made at all.
    assert int.from_bytes(compiled.read_bytes()[4:8], "little") == 0b01


def test_asset_is_the_same_every_time(code: Code, tmp_path: Path) -> None:
    """Two bundles of the same sources are equal to the byte."""
    first, second = bundled(code(), tmp_path / "one"), bundled(code(), tmp_path / "two")

    assert files_in(first) == files_in(second)
    assert [(first / name).read_bytes() for name in files_in(first)] == [
        (second / name).read_bytes() for name in files_in(second)
    ]


def test_asset_of_another_python_is_source_with_a_word_about_it(
    code: Code, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Bytecode of the wrong version would never be read; the loss is said once."""
    function_code._tell_not_compiled.cache_clear()
    bundled(code("api", OTHER_PYTHON), tmp_path / "one")
    asset = bundled(code("relay", OTHER_PYTHON), tmp_path / "two")

    assert not list(asset.rglob("*.pyc"))
    assert capsys.readouterr().err.count(f"deploy from {OTHER_PYTHON} for faster cold starts") == 1


def test_hash_follows_what_goes_into_the_asset(code: Code, source: Path) -> None:
    """The hash changes with a module that the handler imports, with the requirements, and with the runtime."""
    before = code().fingerprint()
    (source / "orders/order.py").write_text("changed = True")
    after_source = code().fingerprint()
    (source / "requirements.txt").write_text("jmespath==1.1.0")
    after_requirements = code().fingerprint()

    assert len({before, after_source, after_requirements, code(runtime=OTHER_PYTHON).fingerprint()}) == 4


def test_hash_ignores_what_does_not(code: Code, source: Path) -> None:
    """Another handler, a module that nobody imports, and a comment among the requirements change nothing."""
    before = code("relay").fingerprint()
    (source / "handlers/api.py").write_text("import json")
    (source / "orders/other.py").write_text("")
    (source / "requirements.txt").write_text("# still nothing\n")

    assert code("relay").fingerprint() == before


def test_data_beside_a_dependency_comes_along(
    code: Code, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that a package may read is kept; the marker for type checkers is not."""
    packages = tmp_path / "packages"
    (packages / "package").mkdir(parents=True)
    for name in ("__init__.py", "unused.py", "data.json", "py.typed"):
        (packages / "package" / name).write_text("")
    (source / "handlers/api.py").write_text("import package")
    monkeypatch.setattr(function_code, "installed", lambda *_, **__: packages)

    asset = bundled(code(runtime=OTHER_PYTHON), tmp_path / "asset")

    assert files_in(asset) == ["handlers/api.py", "package/__init__.py", "package/data.json"]


def test_fails_when_a_handler_has_no_module(code: Code) -> None:
    """A function without a file is refused before anything is bundled."""
    with pytest.raises(ValueError, match=r"handler 'audit' has no module: write lambda_src/handlers/audit.py"):
        code("audit")


def test_fails_when_an_import_is_not_provided(code: Code, source: Path, tmp_path: Path) -> None:
    """What neither the asset nor the runtime has is found here and not by an invocation."""
    (source / "orders/order.py").write_text("import pydantic")

    with pytest.raises(ValueError, match=r"orders/order.py imports pydantic, .* pin it in lambda_src/requirements.txt"):
        bundled(code(), tmp_path / "asset")


def test_fails_when_a_requirement_is_not_pinned(code: Code, source: Path) -> None:
    """A version that may change by itself would change the asset without its hash."""
    (source / "requirements.txt").write_text("jmespath>=1\n")

    with pytest.raises(
        ValueError, match=r"requirement 'jmespath>=1' in requirements.txt is not pinned: write it with =="
    ):
        code().fingerprint()


def test_fails_when_there_is_no_requirements_file(code: Code, source: Path) -> None:
    """No file is not the same as no requirement."""
    (source / "requirements.txt").unlink()

    with pytest.raises(ValueError, match=r"requirements.txt is missing: list there what the functions need"):
        code().fingerprint()


def test_dependencies_are_installed_once(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first need installs, as pure Python for the runtime; the next finds the folder."""
    commands: list[list[str]] = []
    monkeypatch.setattr(subprocess, "run", lambda command, **_: commands.append(command))
    (source / "requirements.txt").write_text("jmespath==1.1.0\n")
    first, second = (
        dependencies.installed(source / "requirements.txt", runtime="python3.13", cache=tmp_path / "cache")
        for _ in range(2)
    )

    assert first == second
    (command,) = commands
    assert {"--no-deps", "--only-binary=:all:", "--platform=any", "--python-version=3.13"} <= set(command)


def test_fails_when_pip_cannot_install(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing half installed is left behind, and pip's own words are passed on."""

    def failing(command: list[str], **_: object) -> None:
        raise subprocess.CalledProcessError(1, command, stderr="no matching distribution")

    monkeypatch.setattr(subprocess, "run", failing)
    (source / "requirements.txt").write_text("jmespath==1.1.0\n")

    with pytest.raises(
        ValueError, match=r"(?s)pip could not install requirements.txt: check .*no matching distribution"
    ):
        dependencies.installed(source / "requirements.txt", runtime="python3.13", cache=tmp_path / "cache")
    assert not list((tmp_path / "cache").iterdir())


def link_distribution(name: str, folder: Path) -> None:
    """Link the top-level modules of an installed distribution into a folder."""
    for path in distribution(name).files or ():
        top = path.parts[0]
        if top != ".." and not top.endswith(".dist-info") and top != "__pycache__" and not (folder / top).exists():
            (folder / top).symlink_to(str(distribution(name).locate_file(top)))


def closure_of_distribution(name: str) -> set[str]:
    """The distribution and all that it requires without extras."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        if (one := waiting.pop()) not in found:
            found.add(one)
            wanted = map(Requirement, requires(one) or ())
            waiting += [r.name for r in wanted if r.marker is None or r.marker.evaluate({"extra": ""})]
    return found


@pytest.mark.parametrize("handler", sorted(path.stem for path in SOURCE.glob("handlers/[a-z]*.py")))
def test_handler_loads_from_its_asset_alone(handler: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pruning goes not too far: each real handler is imported with nothing beside its asset but boto3."""
    packages, runtime = tmp_path / "packages", tmp_path / "runtime"
    packages.mkdir()
    runtime.mkdir()
    for requirement in pinned(SOURCE / "requirements.txt"):
        link_distribution(Requirement(requirement).name, packages)
    for name in closure_of_distribution("boto3"):
        link_distribution(name, runtime)
    monkeypatch.setattr(function_code, "installed", lambda *_, **__: packages)
    asset = bundled(FunctionCode(handler, runtime=THIS_PYTHON), tmp_path / "asset")
    variables = dict.fromkeys(
        ("ORDERS_TABLE", "CUSTOMER_ORDERS_TABLE", "STATISTICS_TABLE", "IDEMPOTENCY_TABLE", "EVENT_BUS_NAME"), "any"
    )

    loaded = subprocess.run(
        [sys.executable, "-S", "-c", f"from handlers.{handler} import lambda_handler"],
        cwd=asset,
        env=variables
        | {
            "TOPIC_ARN": "arn:aws:sns:us-east-1:123456789012:any",
            "AWS_DEFAULT_REGION": "us-east-1",
            "PYTHONPATH": os.pathsep.join(map(str, (asset, runtime))),
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        capture_output=True,
        text=True,
        check=False,
    )

    assert loaded.stderr == ""
    assert loaded.returncode == 0
    assert not (asset / "boto3").exists()
    assert Path(asset / "handlers" / f"{handler}.py").is_file()
