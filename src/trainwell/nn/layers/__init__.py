"""Layers torch does not have, each with the law that ties training to prediction."""

from trainwell.nn.layers.decorrelate import DecorrelatedBatchNorm as DecorrelatedBatchNorm
from trainwell.nn.layers.dropconnect import DropConnect as DropConnect
from trainwell.nn.layers.normalise import NORMALISATIONS as NORMALISATIONS
from trainwell.nn.layers.stochastic_pooling import StochasticPool2d as StochasticPool2d
