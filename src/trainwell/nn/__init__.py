"""Layers, initialisation and the zoo of architectures."""

from trainwell.nn.activations import ACTIVATIONS as ACTIVATIONS
from trainwell.nn.freezing import Freezing as Freezing
from trainwell.nn.freezing import belongs as belongs
from trainwell.nn.freezing import head_names as head_names
from trainwell.nn.freezing import names_of_new as names_of_new
from trainwell.nn.init import INITIALISATIONS as INITIALISATIONS
from trainwell.nn.init import initialise as initialise
from trainwell.nn.layers import NORMALISATIONS as NORMALISATIONS
from trainwell.nn.layers import POOLINGS as POOLINGS
from trainwell.nn.layers import ClassicDropout as ClassicDropout
from trainwell.nn.layers import DecorrelatedBatchNorm as DecorrelatedBatchNorm
from trainwell.nn.layers import DropConnect as DropConnect
from trainwell.nn.layers import StochasticPool2d as StochasticPool2d
from trainwell.nn.layers import fully_convolutional as fully_convolutional
from trainwell.nn.modify import NORMALISATION_NAMES as NORMALISATION_NAMES
from trainwell.nn.modify import POOLING_NAMES as POOLING_NAMES
from trainwell.nn.modify import batch_dependent as batch_dependent
from trainwell.nn.modify import modify as modify
from trainwell.nn.zoo import MODELS as MODELS
from trainwell.nn.zoo import Network as Network
from trainwell.nn.zoo.backbones import BACKBONES as BACKBONES
from trainwell.nn.zoo.backbones import PREFIX as PREFIX
from trainwell.nn.zoo.backbones import backbone as backbone
from trainwell.nn.zoo.backbones import preprocessing as preprocessing
