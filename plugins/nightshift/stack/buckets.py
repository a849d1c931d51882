"""Makes the buckets of the stack's own object store: `python -m nightshift.stack.buckets NAME...`.

Who we are there is what the Airflow connection `NIGHTSHIFT_AWS_CONNECTION` says. In a cloud, buckets are made by whoever
makes the rest of it, with rules and rights that are not ours to choose.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from pipelines.engine.settings import read_settings


def make_buckets(names: Sequence[str]) -> None:
    """Make buckets, unless they are there."""
    from airflow.providers.amazon.aws.hooks.s3 import S3Hook

    hook = S3Hook(aws_conn_id=read_settings().aws_connection)
    for name in names:
        if hook.check_for_bucket(name):
            sys.stdout.write(f"bucket {name} is there\n")
        else:
            hook.create_bucket(bucket_name=name)
            sys.stdout.write(f"bucket {name} was made\n")


if __name__ == "__main__":
    make_buckets(sys.argv[1:])
