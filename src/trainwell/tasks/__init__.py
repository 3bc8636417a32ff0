"""Tasks, one per file: outputs, loss, scores, predictions and baselines of each as one object."""

from __future__ import annotations

from trainwell.core.contracts.task import Prediction as Prediction
from trainwell.core.contracts.task import Task as Task
from trainwell.core.targets import TargetFacts as TargetFacts
from trainwell.tasks.auxiliary import Auxiliary as Auxiliary
from trainwell.tasks.auxiliary import with_auxiliary_heads as with_auxiliary_heads
from trainwell.tasks.binary import Binary as Binary
from trainwell.tasks.catalogue import TASKS as TASKS
from trainwell.tasks.catalogue import suitable as suitable
from trainwell.tasks.catalogue import suitable_for_network as suitable_for_network
from trainwell.tasks.catalogue import target_type_for as target_type_for
from trainwell.tasks.catalogue import task_of_criterion as task_of_criterion
from trainwell.tasks.catalogue import unread_settings as unread_settings
from trainwell.tasks.classify import Classify as Classify
from trainwell.tasks.multilabel import Multilabel as Multilabel
from trainwell.tasks.one_vs_one import OneVsOne as OneVsOne
from trainwell.tasks.one_vs_rest import OneVsRest as OneVsRest
from trainwell.tasks.regress import Regress as Regress
