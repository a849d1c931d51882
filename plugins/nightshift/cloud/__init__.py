"""Jobs in a cloud: what they are to us (`jobs`), and a door to each cloud that runs them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from nightshift.cloud.jobs import Jobs

Cloud = Literal["sagemaker", "vertex", "emr", "dataproc"]


def open_jobs(cloud: Cloud, place: Mapping[str, Any]) -> Jobs:
    """Return the door to a cloud's jobs; nothing is asked yet.

    Args:
        cloud: Which one.
        place: Arguments of the door: the connection, and where the jobs run.
    """
    if cloud == "sagemaker":
        from nightshift.cloud.sagemaker import SageMakerJobs

        return SageMakerJobs(**place)
    if cloud == "emr":
        from nightshift.cloud.emr import EmrJobs

        return EmrJobs(**place)
    if cloud == "dataproc":
        from nightshift.cloud.dataproc import DataprocJobs

        return DataprocJobs(**place)
    from nightshift.cloud.vertex import VertexJobs

    return VertexJobs(**place)
