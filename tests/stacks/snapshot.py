"""The resources of each stage as a list to read: `python -m tests.stacks.snapshot` writes it anew.

Type by type, the logical ids of both stacks. A resource that is renamed is deleted and made again by the next
deployment, so a change of this list is worth a look; what a resource is like, the other tests say.
"""

import re
import sys
import tempfile
from itertools import groupby
from pathlib import Path

from stacks.settings import STAGES
from tests.stacks.synthesized import Synthesized, synthesize_anew

FOLDER = Path(__file__).parent / "resources"


def resource_list(synthesized: Synthesized) -> str:
    """Each type with its logical ids below; of a version's id without the hash of the code, new with every change."""
    resources = sorted(
        (resource["Type"], re.sub(r"(?<=CurrentVersion)[0-9A-F]{8}[0-9a-f]{32}$", "…", logical_id))
        for template in (synthesized.data, synthesized.pipeline)
        for logical_id, resource in template["Resources"].items()
    )
    lines = []
    for resource_type, members in groupby(resources, key=lambda resource: resource[0]):
        lines += [resource_type, *(f"  {logical_id}" for _, logical_id in members)]
    return "\n".join(lines) + "\n"


def snapshot_of(stage: str) -> Path:
    """The file that holds the list of a stage."""
    return FOLDER / f"{stage}.txt"


def main() -> None:
    """Write the lists of all stages."""
    for stage, settings in STAGES.items():
        with tempfile.TemporaryDirectory() as directory:
            text = resource_list(synthesize_anew(settings, Path(directory)))
        snapshot_of(stage).write_text(text, encoding="utf-8")
        sys.stdout.write(f"wrote {snapshot_of(stage).relative_to(Path.cwd())}\n")


if __name__ == "__main__":
    main()
