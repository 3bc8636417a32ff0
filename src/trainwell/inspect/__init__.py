"""Inspection before training: cost, a batch as the network sees it, documentation of settings."""

from trainwell.inspect.about import Page as Page
from trainwell.inspect.about import about as about
from trainwell.inspect.about import pages as pages
from trainwell.inspect.cost_sheet import CostSheet as CostSheet
from trainwell.inspect.cost_sheet import cost_sheet as cost_sheet
from trainwell.inspect.cost_subject import find_subject as find_subject
from trainwell.inspect.show_batch import BatchPreview as BatchPreview
from trainwell.inspect.show_batch import preview_batch as preview_batch
