"""Figures in two parts: `*_info` computes the values, `draw_*` writes them as SVG with a table of the numbers."""

from trainwell.report.figures.baselines import draw_baselines as draw_baselines
from trainwell.report.figures.calibration import calibration_info as calibration_info
from trainwell.report.figures.calibration import draw_calibration as draw_calibration
from trainwell.report.figures.classes import confusion_info as confusion_info
from trainwell.report.figures.classes import draw_confusion as draw_confusion
from trainwell.report.figures.classes import draw_per_class as draw_per_class
from trainwell.report.figures.classes import per_class_info as per_class_info
from trainwell.report.figures.curves import draw_curves as draw_curves
from trainwell.report.figures.curves import gradient_info as gradient_info
from trainwell.report.figures.curves import loss_info as loss_info
from trainwell.report.figures.curves import loss_parts_info as loss_parts_info
from trainwell.report.figures.curves import rate_info as rate_info
from trainwell.report.figures.curves import score_info as score_info
from trainwell.report.figures.scatter import draw_scatter as draw_scatter
from trainwell.report.figures.scatter import scatter_info as scatter_info
