"""A DAG file with cloud training is as cheap to parse as any other."""

import json
import subprocess
import sys

from tests.dags.airflow_home import ROOT

DAG_FILE = """
import json, sys
from airflow.sdk import DAG
from nightshift import SageMakerTrainOperator, VertexTrainOperator
with DAG("clouds", schedule=None):
    aws = {"RoleArn": "arn", "OutputDataConfig": {"S3OutputPath": "s3://models"}}
    SageMakerTrainOperator(task_id="aws", pipeline="flights", config=aws)
    VertexTrainOperator(task_id="gcp", pipeline="flights", config={"job_spec": {}}, region="europe-west1")
print(json.dumps(sorted(sys.modules)))
"""
# Airflow itself reads what each provider says of itself, and no more.
HEAVY = (
    "boto3",
    "botocore",
    "grpc",
    "google.api_core",
    "google.cloud.aiplatform",
    "google.cloud.aiplatform_v1",
    "airflow.providers.amazon.aws",
    "airflow.providers.google.cloud",
    "airflow.providers.google.common",
)


def test_parsing_imports_neither_cloud_s_libraries(tmp_path):
    environment = {"PYTHONPATH": f"{ROOT}:{ROOT}/plugins", "AIRFLOW_HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    command = [sys.executable, "-c", DAG_FILE]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    imported = json.loads(done.stdout.splitlines()[-1])
    assert "nightshift.operators.vertex" in imported
    assert not set(HEAVY) & set(imported)
