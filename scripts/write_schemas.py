"""Write the JSON schemas and the table of keys in config/README.md from the typed config."""

from pathlib import Path

from darkroom.config.reference import schemas, write_reference
from darkroom.jobs.command import run_command, stage_parser
from darkroom.storage.files import write_json


def main() -> None:
    parser = stage_parser(__doc__)
    parser.add_argument("--folder", type=Path, default=Path("workflow/schemas"))
    parser.add_argument("--readme", type=Path, default=Path("config/README.md"))
    arguments = parser.parse_args()
    folder = arguments.folder
    for name, schema in schemas().items():
        write_json(folder / f"{name}.schema.json", schema)
    write_reference(arguments.readme)
    print(f"write_schemas: {len(schemas())} schemas in {folder}")


if __name__ == "__main__":
    run_command(main)
