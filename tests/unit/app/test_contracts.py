from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from marsad.testing.contracts import CONTRACTS, Adapters
from marsad.testing.fakes import InMemoryStore
from marsad_app.embedded import open_store


@pytest.fixture(params=["fake", "sqlite"])
def adapters(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Adapters]:
    if request.param == "fake":
        yield InMemoryStore()
        return
    store = open_store(tmp_path)
    yield store
    store.close()


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract.__name__)
def test_every_adapter_keeps_the_contract(contract: Callable[[Adapters], None], adapters: Adapters) -> None:
    contract(adapters)
