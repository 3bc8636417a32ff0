"""The whole run as frozen data: sections of settings, checks, edits, files and defaults. No torch."""

from trainwell.recipe.check import check_combinations as check_combinations
from trainwell.recipe.check import check_values as check_values
from trainwell.recipe.check import parse_assignment as parse_assignment
from trainwell.recipe.defaults import preset as preset
from trainwell.recipe.dependencies import holds as holds
from trainwell.recipe.dependencies import without_effect as without_effect
from trainwell.recipe.edit import differences as differences
from trainwell.recipe.edit import edit as edit
from trainwell.recipe.schema import Recipe as Recipe
from trainwell.recipe.schema import flatten as flatten
from trainwell.recipe.schema import unflatten as unflatten
from trainwell.recipe.toml import dotted as dotted
from trainwell.recipe.toml import load_recipe as load_recipe
from trainwell.recipe.toml import parse_settings as parse_settings
from trainwell.recipe.toml import read_settings as read_settings
from trainwell.recipe.toml import to_toml as to_toml
