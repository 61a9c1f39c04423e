"""How well the languages in Arabic script are told apart, on whole sentences and on their first 40 characters."""

import csv
from pathlib import Path

from marsad.arabic.language import detect

_EXPECTED = {"arb": "ar", "ary": "ar", "pes": "fa", "urd": "ur", "ckb": "ckb"}
_TARGETS = {"arb": 0.99, "ary": 0.97}
_BEST_EFFORT = 0.95
_SHORT = 40


def run(data: Path) -> list[dict[str, object]]:
    """Return, for each language, the share told right; for those that are not Arabic, also the share called Arabic."""
    rows: list[dict[str, object]] = []
    for code, expected in _EXPECTED.items():
        sentences = _sentences(data / "language", code)
        for name, texts in (("", sentences), (", first 40", [text[:_SHORT] for text in sentences])):
            found = [detect(text) for text in texts]
            right = found.count(expected) / len(found)
            rows.append(
                _row(f"language {code} as {expected}{name}", right, _TARGETS.get(code, _BEST_EFFORT), len(found))
            )
            if expected != "ar":
                rows.append(_row(f"language {code} called ar{name}", found.count("ar") / len(found), 0.0, len(found)))
    return rows


def _sentences(folder: Path, code: str) -> list[str]:
    found: list[str] = []
    for path in sorted(folder.glob(f"{code}_*.tsv")):
        with path.open(encoding="utf-8", newline="") as lines:
            found.extend(row["text"] for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))
    return found


def _row(measure: str, value: float, target: float, total: int) -> dict[str, object]:
    return {"measure": measure, "value": value, "target": target, "n": total}
