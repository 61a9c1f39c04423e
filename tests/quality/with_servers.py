"""Run a command with a real broker and a real Elasticsearch: those that MARSAD_TEST_* name, else fresh ones on loopback."""

import contextlib
import subprocess
import sys

from marsad.config import child_environment, eval_data_dir, stack_dir, test_servers
from marsad.errors import ConfigError
from marsad_app.bench.servers import servers


def main() -> int:
    """The command's exit status."""
    kafka, elastic = test_servers()
    with contextlib.ExitStack() as opened:
        if not (kafka and elastic):
            print("starting a broker and an Elasticsearch (half a minute; longer the first time)", flush=True)
            try:
                broker, index = opened.enter_context(servers(kafka=not kafka, elastic=not elastic))
            except ConfigError as error:
                print(f"{error}", file=sys.stderr)
                return 1
            kafka, elastic = kafka or broker.address, elastic or index.address
        environment = child_environment(
            MARSAD_TEST_KAFKA=kafka,
            MARSAD_TEST_ELASTICSEARCH=elastic,
            MARSAD_STACK=str(stack_dir().resolve()),
            MARSAD_EVAL_DATA=str(eval_data_dir().resolve()),
        )
        return subprocess.run(sys.argv[1:], env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
