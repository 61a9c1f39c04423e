"""``make eval``: every figure on labelled data, as a table and as out/eval.json."""

import argparse
import importlib.util
import json
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import Any

from rich.console import Console
from rich.table import Table

from marsad.config import eval_data_dir

HERE = Path(__file__).parent


def load(path: Path) -> ModuleType:
    """Import an evaluation by its path: tests are no package."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def main() -> int:
    """Run the evaluations that were named, or all; 1 where a target is missed and --strict was given."""
    names = sorted(path.stem.removeprefix("eval_") for path in HERE.glob("eval_*.py"))
    parser = argparse.ArgumentParser(description="quality on labelled data; example: make eval ARGS='topics dates'")
    parser.add_argument("names", nargs="*", choices=[*names, []], help=f"some of: {', '.join(names)}; default all")
    parser.add_argument("--data", type=Path, default=eval_data_dir(), help="folder of labelled data")
    parser.add_argument("--out", type=Path, default=Path("out/eval.json"))
    parser.add_argument("--strict", action="store_true", help="exit with 1 where a target is missed")
    arguments = parser.parse_args()
    if not arguments.data.is_dir():
        print(f"{arguments.data} is not there; set MARSAD_EVAL_DATA to the folder of labelled data", file=sys.stderr)
        return 2
    table = Table("measure", "value", "target", "n", "")
    rows: list[dict[str, Any]] = []
    console = Console()
    for name in arguments.names or names:
        began = time.perf_counter()
        for row in load(HERE / f"eval_{name}.py").run(arguments.data):
            rows.append({"eval": name, **row})
            target = row.get("target")
            reached = target is None or (row["value"] <= target if row.get("at_most") else row["value"] >= target)
            shown = f"{row['value']:.3f}" if isinstance(row["value"], float) else str(row["value"])
            table.add_row(
                f"{name}: {row['measure']}",
                shown,
                "-" if target is None else str(target),
                str(row.get("n", "")),
                "" if reached else "short",
            )
            rows[-1]["reached"] = reached
        console.print(f"{name}: {time.perf_counter() - began:.1f} s")
    console.print(table)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(rows, ensure_ascii=False, indent=1), encoding="utf-8")
    return int(arguments.strict and not all(row["reached"] for row in rows))


if __name__ == "__main__":
    sys.exit(main())
