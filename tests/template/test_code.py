"""The forms in which the code of a function comes."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest

from penstock.errors import EnvironmentProblem, TemplateError
from penstock.template.models import Function, Package, Template
from penstock.template.reader import load
from tests.template.assembly_writer import AssemblyWriter

ROLE = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {}}}


def function(code: Any, **metadata: str) -> dict[str, Any]:
    """Make a function with its code in some form."""
    properties = {
        "Code": code,
        "Handler": "index.handler",
        "Runtime": "python3.13",
        "Role": {"Fn::GetAtt": ["Role", "Arn"]},
    }
    return {"Type": "AWS::Lambda::Function", "Properties": properties, "Metadata": metadata}


def read(assembly: AssemblyWriter, code: Any) -> tuple[Function, tuple[Package, ...]]:
    """Read a template with one function."""
    assembly.stack({"Role": ROLE, "Function": function(code)})
    template = assembly.load()
    return template.functions[0], template.packages


def zipped(path: Path, text: str = "x = 1") -> Path:
    """Write a zip file with one module."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("index.py", text)
    return path


def test_directory_stays_where_it_is(assembly: AssemblyWriter) -> None:
    """A directory asset is the code; there is nothing to unpack."""
    directory = assembly.asset("code")

    found, packages = read(assembly, {"S3Bucket": "assets", "S3Key": "code.zip"})

    assert (found.code, packages) == (directory.resolve(), ())


def test_zip_asset_becomes_a_directory(assembly: AssemblyWriter) -> None:
    """A zip file among the assets has a directory by what it holds, wherever it lies."""
    assembly.asset("code").rmdir()
    archive = zipped(assembly.path / "asset.code")

    found, packages = read(assembly, {"S3Bucket": "assets", "S3Key": "code.zip"})

    assert packages == (Package(logical_id="Function", source=archive, directory=found.code),)
    assert found.code.parent == Path(".penstock").resolve()
    assert not found.code.exists()


def test_same_content_has_the_same_directory(assembly: AssemblyWriter) -> None:
    """What packages hold decides where they go: two functions with one text are unpacked once."""
    one, two = function({"ZipFile": "x = 1"}), function({"ZipFile": {"Fn::Join": ["", ["x ", "= 2"]]}})
    assembly.stack({"Role": ROLE, "One": one, "Same": one, "Two": two})

    template = assembly.load()

    first, same, other = (each.code for each in template.functions)
    assert first == same != other
    assert [package.source for package in template.packages] == ["x = 1", "x = 2"]


def test_path_is_relative_to_the_template(tmp_path: Path) -> None:
    """A directory or a zip file beside the template is taken, as `aws cloudformation package` takes it."""
    (tmp_path / "handlers").mkdir()
    archive = zipped(tmp_path / "handler.zip")
    template = tmp_path / "template.yaml"
    template.write_text(
        "Resources:\n"
        "  Role: {Type: AWS::IAM::Role, Properties: {AssumeRolePolicyDocument: {}}}\n"
        + "".join(
            f"  {name}:\n    Type: AWS::Lambda::Function\n    Properties:\n      Code: {code}\n"
            "      Handler: index.handler\n      Runtime: python3.13\n      Role: !GetAtt Role.Arn\n"
            for name, code in (("Folder", "./handlers"), ("Archive", "handler.zip"))
        )
    )

    read_back = load(template)

    assert read_back.functions[0].code == tmp_path / "handlers"
    assert [package.source for package in read_back.packages] == [archive]
    (verdict,) = {entry.how for entry in read_back.fidelity if entry.property_path == "Code"}
    assert verdict == "a path relative to the template"


def test_template_of_an_assembly_is_read_alone(assembly: AssemblyWriter) -> None:
    """Without the manifests, an asset is known by what the CDK writes beside the function."""
    directory = assembly.asset("code")
    metadata = {"aws:asset:path": "asset.code", "aws:asset:property": "Code"}
    assembly.stack({"Role": ROLE, "Function": function({"S3Bucket": "b", "S3Key": "code.zip"}, **metadata)})

    alone = load(assembly.path / "App.template.json")

    assert alone.functions[0].code == directory.resolve()


def test_function_has_its_layers(assembly: AssemblyWriter) -> None:
    """A layer of the template is a directory of its own, in the order in which the function names them."""
    layers = {}
    for name in ("one", "two"):
        assembly.asset(name)
        layers[name.title()] = {
            "Type": "AWS::Lambda::LayerVersion",
            "Properties": {"Content": {"S3Bucket": "assets", "S3Key": f"{name}.zip"}},
        }
    made = function({"ZipFile": "x = 1"})
    made["Properties"]["Layers"] = [{"Ref": "Two"}, {"Ref": "One"}]
    assembly.stack({"Role": ROLE, "Function": made, **layers})

    template: Template = assembly.load()

    assert [layer.name for layer in template.functions[0].layers] == ["asset.two", "asset.one"]
    assert [layer.name for layer in assembly.load(skip=["Two"]).functions[0].layers] == ["asset.one"]


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ({"S3Bucket": "b", "S3Key": "other.zip"}, r"Code\.S3Key: other.zip is no asset .* `Code: \./DIRECTORY`"),
        ("s3://bucket/code.zip", "Code: s3://bucket/code.zip is not on this machine; give"),
        ({"S3Bucket": "b"}, r"Code\.S3Key: this property is missing"),
        ("Own.template.json", "Own.template.json is neither a directory nor a zip file"),
    ],
)
def test_fails_when_the_code_is_not_here(assembly: AssemblyWriter, code: Any, said: str) -> None:
    """What lies in a bucket, or is no code, is refused with what to give."""
    (assembly.path / "Own.template.json").write_text("{}")

    with pytest.raises(TemplateError, match=said):
        read(assembly, code)


def test_fails_when_the_code_is_missing(assembly: AssemblyWriter) -> None:
    """An assembly without the folder of an asset is to be synthesized again."""
    shutil.rmtree(assembly.asset("code"))

    with pytest.raises(EnvironmentProblem, match=r"Function: the code .*asset\.code is missing; .*cdk synth"):
        read(assembly, {"S3Bucket": "assets", "S3Key": "code.zip"})
