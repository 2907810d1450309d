"""Write the JSON schemas of a project's config and of a target from their types."""

from pathlib import Path

from darkroom.command import run_command, stage_parser
from darkroom.config import schemas
from darkroom.files import write_json


def main() -> None:
    parser = stage_parser(__doc__)
    parser.add_argument("--folder", type=Path, default=Path("workflow/schemas"))
    folder = parser.parse_args().folder
    for name, schema in schemas().items():
        write_json(folder / f"{name}.schema.json", schema)
    print(f"write_schemas: {len(schemas())} schemas in {folder}")


if __name__ == "__main__":
    run_command(main)
