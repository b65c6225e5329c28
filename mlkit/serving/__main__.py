"""``python -m mlkit.serving app:models --policy policy.json --store sqlite:///log.db``."""

import argparse
import importlib
import os
import sys
from pathlib import Path

from mlkit.deployment import Policy
from mlkit.serving._server import make

_TOKEN = "MLKIT_SERVING_TOKEN"  # noqa: S105 - the name of a variable, not its value


def main(arguments: list[str] | None = None) -> None:
    """Serve until a signal says stop."""
    parser = argparse.ArgumentParser(
        prog="python -m mlkit.serving",
        description="Two versions of a model behind a rollout policy.",
        epilog=f"{_TOKEN} holds the administrator's token; without it one is made and shown.",
    )
    parser.add_argument("models", help='module:name of a dict {"old": f, "new": g}')
    parser.add_argument("--policy", type=Path, required=True, help="file from Policy.to_json()")
    parser.add_argument("--store", default="sqlite:///log.db", help="path or SQLAlchemy address")
    parser.add_argument("--schema", help="file from validation.write_schema()")
    parser.add_argument("--candidate", default="new", help="a name for this new version")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--limit-ms", type=float, default=500)
    parser.add_argument("--slow-ms", type=float)
    parser.add_argument("--every-s", type=float, default=10)
    parser.add_argument("--threads", type=int, default=4)
    parser.add_argument("--max-bytes", type=int, default=65_536)
    parser.add_argument("--limit-concurrency", type=int, default=512)
    parser.add_argument("--timeout-keep-alive", type=int, default=30)
    parser.add_argument("--backlog", type=int, default=2_048)
    given = vars(parser.parse_args(arguments))
    where = given["models"]
    module, _, name = where.partition(":")
    sys.path.insert(0, str(Path.cwd()))
    try:
        given["models"] = getattr(importlib.import_module(module), name or "models")
    except (ImportError, AttributeError) as error:
        parser.error(f"{where} is not found: {error}")
    given["policy"] = Policy.from_json(given["policy"].read_text(encoding="utf-8"))
    token = os.environ.get(_TOKEN) or None
    server = make(**given, token=token)
    print(f"Serving at {server.url}", flush=True)
    if token is None:
        print(f"Token: {server.token}", flush=True)
    server.run()


if __name__ == "__main__":
    main()
