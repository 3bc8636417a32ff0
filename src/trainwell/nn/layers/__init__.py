"""Layers that torch.nn lacks, and the blocks that the architectures of the zoo are built from."""

from trainwell.nn.layers.auxiliary import AuxiliaryHeads as AuxiliaryHeads
from trainwell.nn.layers.classic_dropout import ClassicDropout as ClassicDropout
from trainwell.nn.layers.conversion import fully_convolutional as fully_convolutional
from trainwell.nn.layers.conversion import to_convolution as to_convolution
from trainwell.nn.layers.conversion import to_linear as to_linear
from trainwell.nn.layers.convolution import convolution_block as convolution_block
from trainwell.nn.layers.decorrelate import DecorrelatedBatchNorm as DecorrelatedBatchNorm
from trainwell.nn.layers.dropconnect import DropConnect as DropConnect
from trainwell.nn.layers.inception import inception as inception
from trainwell.nn.layers.inception import inception_expanded as inception_expanded
from trainwell.nn.layers.inception import inception_factorised as inception_factorised
from trainwell.nn.layers.inception import inception_square as inception_square
from trainwell.nn.layers.local import LocallyConnected2d as LocallyConnected2d
from trainwell.nn.layers.normalise import NORMALISATIONS as NORMALISATIONS
from trainwell.nn.layers.pooling import POOLINGS as POOLINGS
from trainwell.nn.layers.residual import residual_block as residual_block
from trainwell.nn.layers.scale import Scale as Scale
from trainwell.nn.layers.separable import depthwise_separable as depthwise_separable
from trainwell.nn.layers.separable import spatially_separable as spatially_separable
from trainwell.nn.layers.stochastic_pooling import StochasticPool2d as StochasticPool2d
