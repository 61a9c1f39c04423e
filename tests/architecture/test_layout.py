import ast
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("marsad", "producers", "processors", "sinks", "marsad_app")
# Over 400 lines by a written reason; none so far.
LONG_MODULES: dict[str, str] = {}


def modules() -> list[Path]:
    return [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]


def test_no_module_is_over_400_lines_without_a_written_reason() -> None:
    long = {
        str(path.relative_to(ROOT)) for path in modules() if len(path.read_text(encoding="utf-8").splitlines()) > 400
    }

    assert long == set(LONG_MODULES)


def test_no_package_file_lies_under_tests() -> None:
    assert list((ROOT / "tests").rglob("__init__.py")) == []


def test_no_other_distribution_brings_a_package_of_our_names() -> None:
    owners = packages_distributions()

    assert {name: set(owners.get(name, [])) - {"marsad"} for name in PACKAGES} == {name: set() for name in PACKAGES}


def test_every_module_says_what_it_is_for() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in modules()
        if not path.read_text(encoding="utf-8").lstrip().startswith(('"""', "r'''", 'r"""'))
    ]

    assert silent == []


def test_consumers_are_polled_in_one_place_which_also_ends_their_joins() -> None:
    assert [path.relative_to(ROOT).as_posix() for path in modules() if polls_a_consumer(path)] == ["marsad/connect.py"]


def polls_a_consumer(path: Path) -> bool:
    """A ``poll`` with arguments, or of what is called a consumer; processes are polled without arguments."""
    return any(
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "poll"
        and (node.args or node.keywords or "consumer" in ast.unparse(node.func.value).lower())
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    )


def test_every_make_target_is_explained() -> None:
    lines = (ROOT / "Makefile").read_text(encoding="utf-8").splitlines()
    targets = {
        line.split(":")[0]: "##" in line
        for line in lines
        if line[:1].isalpha() and ":" in line and "=" not in line.split(":")[1][:1]
    }

    for target in ("install", "demo", "run", "test", "test-cluster", "check", "eval", "bench", "chaos", "docs", "help"):
        assert targets.get(target), target
