"""Architectures by name. To add one, write a file that ends with its `Network`, and add one line here."""

from __future__ import annotations

from trainwell.core.catalogue import Catalogue
from trainwell.nn.zoo import (
    alexnet,
    deepface,
    googlenet,
    inception_v3,
    lenet5,
    mlp,
    mobilenet,
    recurrent,
    resnet,
    resnet9,
    text_cnn,
    transformer,
    vgg,
    zfnet,
)
from trainwell.nn.zoo.network import Network as Network

MODELS: Catalogue[Network] = Catalogue(
    "model",
    {
        "mlp": mlp.MLP,
        "logistic": mlp.LOGISTIC,
        "lenet": lenet5.LENET5,
        "lenet5": lenet5.LENET5,
        "alexnet": alexnet.ALEXNET,
        "zfnet": zfnet.ZFNET,
        "vgg16": vgg.VGG16,
        "vgg19": vgg.VGG19,
        "googlenet": googlenet.GOOGLENET,
        "inception_v3": inception_v3.INCEPTION_V3,
        "resnet9": resnet9.RESNET9,
        "resnet20": resnet.RESNET20,
        "resnet18": resnet.RESNET18,
        "resnet34": resnet.RESNET34,
        "resnet50": resnet.RESNET50,
        "resnet101": resnet.RESNET101,
        "resnet152": resnet.RESNET152,
        "mobilenet": mobilenet.MOBILENET,
        "deepface": deepface.DEEPFACE,
        "rnn": recurrent.RNN,
        "gru": recurrent.GRU,
        "lstm": recurrent.LSTM,
        "text_cnn": text_cnn.TEXT_CNN,
        "transformer": transformer.TRANSFORMER,
    },
)
