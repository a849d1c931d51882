"""Nightshift for DAG authors: three DAG factories, the operators that they are made of, and promises for any DAG.

    from nightshift import scoring_dag, training_dag

Names are imported when they are first used, so that importing this package costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nightshift.factories import maintenance_dag, scoring_dag, training_dag
    from nightshift.operators.dataproc import ScoreOnDataprocOperator
    from nightshift.operators.emr import ScoreOnEmrOperator
    from nightshift.operators.maintenance import TidyOperator
    from nightshift.operators.night import (
        MonitorOperator,
        PlanShardsOperator,
        PublishOperator,
        ScoreOperator,
        ValidateOperator,
    )
    from nightshift.operators.sagemaker import SageMakerTrainOperator
    from nightshift.operators.spark import ScoreOnSparkOperator
    from nightshift.operators.training import (
        ChooseTrialOperator,
        EvaluateOperator,
        PlanTrialsOperator,
        PromoteOperator,
        RegisterOperator,
        TrainOperator,
        TrialOperator,
        ValidateTrainingOperator,
    )
    from nightshift.operators.vertex import VertexTrainOperator
    from nightshift.promises import due_within, promise

_WHERE = {
    "due_within": "nightshift.promises",
    "promise": "nightshift.promises",
    "maintenance_dag": "nightshift.factories",
    "scoring_dag": "nightshift.factories",
    "training_dag": "nightshift.factories",
    "MonitorOperator": "nightshift.operators.night",
    "PlanShardsOperator": "nightshift.operators.night",
    "PublishOperator": "nightshift.operators.night",
    "ScoreOperator": "nightshift.operators.night",
    "ValidateOperator": "nightshift.operators.night",
    "TidyOperator": "nightshift.operators.maintenance",
    "SageMakerTrainOperator": "nightshift.operators.sagemaker",
    "VertexTrainOperator": "nightshift.operators.vertex",
    "ChooseTrialOperator": "nightshift.operators.training",
    "ScoreOnDataprocOperator": "nightshift.operators.dataproc",
    "ScoreOnEmrOperator": "nightshift.operators.emr",
    "ScoreOnSparkOperator": "nightshift.operators.spark",
    "EvaluateOperator": "nightshift.operators.training",
    "PlanTrialsOperator": "nightshift.operators.training",
    "PromoteOperator": "nightshift.operators.training",
    "RegisterOperator": "nightshift.operators.training",
    "TrainOperator": "nightshift.operators.training",
    "TrialOperator": "nightshift.operators.training",
    "ValidateTrainingOperator": "nightshift.operators.training",
}

__all__ = [
    "ChooseTrialOperator",
    "EvaluateOperator",
    "MonitorOperator",
    "PlanShardsOperator",
    "PlanTrialsOperator",
    "PromoteOperator",
    "PublishOperator",
    "RegisterOperator",
    "SageMakerTrainOperator",
    "ScoreOnDataprocOperator",
    "ScoreOnEmrOperator",
    "ScoreOnSparkOperator",
    "ScoreOperator",
    "TidyOperator",
    "TrainOperator",
    "TrialOperator",
    "ValidateOperator",
    "ValidateTrainingOperator",
    "VertexTrainOperator",
    "due_within",
    "maintenance_dag",
    "promise",
    "scoring_dag",
    "training_dag",
]


def __getattr__(name: str) -> object:
    if name in _WHERE:
        return getattr(importlib.import_module(_WHERE[name]), name)
    raise AttributeError(f"module 'nightshift' has no attribute {name!r}; it offers: {', '.join(__all__)}")
