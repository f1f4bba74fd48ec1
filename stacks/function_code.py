"""The code asset of a function: its handler, what that imports, and nothing else."""

from __future__ import annotations

import compileall
import hashlib
import py_compile
import shutil
import sys
from functools import cache
from pathlib import Path

import jsii
from aws_cdk import AssetHashType, BundlingOptions, DockerImage, ILocalBundling
from aws_cdk import aws_lambda as lambda_

from stacks.dependencies import CACHE, installed, pinned
from stacks.module_closure import Closure, closure_of

SOURCE = Path(__file__).resolve().parent.parent / "lambda_src"
# Lambda developer guide, "Building Lambda functions with Python": boto3, and what it stands on, come with the runtime.
_IN_RUNTIME = frozenset({"boto3", "botocore", "dateutil", "s3transfer", "six", "urllib3"})
# In the hash of every asset: a change of how assets are made is a change of the assets.
_MADE_BY = tuple(
    Path(__file__).with_name(name) for name in ("function_code.py", "module_closure.py", "dependencies.py")
)


@jsii.implements(ILocalBundling)
class FunctionCode:
    """Bundles one function here, without Docker: sources, pruned pure Python dependencies, compiled if possible.

    Needs ``handlers/<handler>.py`` and ``requirements.txt`` below the source folder. Guarantees that the asset hash
    changes with anything that goes into the asset and with nothing else, and that an import which neither the asset
    nor the runtime answers is refused here and not found out by an invocation.

    Compiled with unchecked hashes, since the CDK's archives date every file 1980 and ordinary ``.pyc`` files would
    never match; only by the Python version that runs it, since no other reads the result.
    """

    def __init__(self, handler: str, *, runtime: str, source: Path = SOURCE, cache: Path = CACHE) -> None:
        if not (source / "handlers" / f"{handler}.py").is_file():
            raise ValueError(f"handler {handler!r} has no module: write {source.name}/handlers/{handler}.py")
        self._module = f"handlers.{handler}"
        self._runtime = runtime
        self._source = source
        self._cache = cache
        self._requirements = source / "requirements.txt"

    def asset(self) -> lambda_.Code:
        """Return the code for a function; bundled only when the CDK needs the asset and does not have it yet."""
        return lambda_.Code.from_asset(
            str(self._source),
            asset_hash_type=AssetHashType.CUSTOM,
            asset_hash=self.fingerprint(),
            bundling=BundlingOptions(local=self, image=DockerImage.from_registry("never-pulled")),
        )

    def fingerprint(self) -> str:
        """Hash all that decides what the asset holds: sources, requirements, runtime, and this bundling."""
        digest = hashlib.sha256()
        own = closure_of(self._module, [self._source], provided=_IN_RUNTIME)
        texts = [self._module, self._runtime, str(self._compiles()), *pinned(self._requirements)]
        texts += [str(path) for path in own.files]
        for content in (*map(str.encode, texts), *(path.read_bytes() for path in (*own.files.values(), *_MADE_BY))):
            digest.update(len(content).to_bytes(8, "big"))
            digest.update(content)
        return digest.hexdigest()

    # Declared with keywords, called with one object: both are taken, and none is needed.
    def try_bundle(self, output_dir: str, *_: object, **__: object) -> bool:
        """Fill the folder, for the CDK; never leave it to Docker, but succeed or say what to do."""
        self.bundle(Path(output_dir))
        return True

    def bundle(self, folder: Path) -> None:
        """Copy into an existing folder what the function needs, then compile it."""
        packages = installed(self._requirements, runtime=self._runtime, cache=self._cache)
        closure = closure_of(self._module, [self._source, packages], provided=_IN_RUNTIME)
        for path, name in closure.unanswered:
            raise ValueError(
                f"{path} imports {name}, which neither the runtime nor requirements.txt provides: "
                f"pin it in {self._source.name}/requirements.txt"
            )
        for relative, path in closure.files.items():
            target = folder / relative
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
        _copy_data(closure, packages, folder)
        if self._compiles():
            # The paths of Lambda in the tracebacks, and the same bytes wherever this is done.
            compileall.compile_dir(
                folder,
                quiet=1,
                stripdir=str(folder),
                prependdir="/var/task",
                invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
            )
        else:
            _tell_not_compiled(self._runtime)

    def _compiles(self) -> bool:
        return self._runtime == f"python{_this_python()}"


def _this_python() -> str:
    return f"{sys.version_info.major}.{sys.version_info.minor}"


@cache
def _tell_not_compiled(runtime: str) -> None:
    """Say once, not for each function, what this machine's Python costs."""
    print(
        f"functions are bundled as source: this is Python {_this_python()} and they run on {runtime}; "
        f"deploy from {runtime} for faster cold starts",
        file=sys.stderr,
    )


def _copy_data(closure: Closure, packages: Path, folder: Path) -> None:
    """Copy what lies beside the modules of a package and is no module: it may be read at run time."""
    kept = {path.parent for path in closure.files.values() if packages in path.parents and path.parent != packages}
    for package in kept:
        for path in package.iterdir():
            if path.is_file() and path.suffix not in {".py", ".pyi", ".pyc"} and path.name != "py.typed":
                shutil.copyfile(path, folder / path.relative_to(packages))
