"""Search methods: which configurations to try. One file each, one line each in the catalogue."""

from trainwell.search.methods.catalogue import METHODS as METHODS
from trainwell.search.methods.catalogue import default_method as default_method
from trainwell.search.methods.method import Method as Method
