"""Rules: pure functions from signals and facts to at most one finding each. They do not import torch."""

from trainwell.rules.catalogue import RENAMED as RENAMED
from trainwell.rules.catalogue import RULES as RULES
from trainwell.rules.catalogue import WRITTEN_BY_FIT as WRITTEN_BY_FIT
from trainwell.rules.diagnose import diagnose as diagnose
from trainwell.rules.examples import Example as Example
from trainwell.rules.examples import Rule as Rule
from trainwell.rules.examples import examples as examples
from trainwell.rules.examples import reads as reads
