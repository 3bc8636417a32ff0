"""The sections of a recipe, one file each: adding a setting is one edit in one of them."""

from trainwell.recipe.sections.data import DataRecipe as DataRecipe
from trainwell.recipe.sections.monitor import MonitorRecipe as MonitorRecipe
from trainwell.recipe.sections.network import NetworkRecipe as NetworkRecipe
from trainwell.recipe.sections.optim import OptimRecipe as OptimRecipe
from trainwell.recipe.sections.setting import Limits as Limits
from trainwell.recipe.sections.setting import Note as Note
from trainwell.recipe.sections.setting import OnlyWith as OnlyWith
from trainwell.recipe.sections.setting import Value as Value
from trainwell.recipe.sections.setting import setting as setting
from trainwell.recipe.sections.task import TaskRecipe as TaskRecipe
from trainwell.recipe.sections.train import TrainRecipe as TrainRecipe
from trainwell.recipe.sections.transfer import TransferRecipe as TransferRecipe
