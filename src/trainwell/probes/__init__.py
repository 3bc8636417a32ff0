"""What is measured at a moment of training, and when: within an overhead budget."""

from trainwell.probes.activations import Activations as Activations
from trainwell.probes.catalogue import CHEAP as CHEAP
from trainwell.probes.catalogue import EXPENSIVE as EXPENSIVE
from trainwell.probes.catalogue import standard_probes as standard_probes
from trainwell.probes.controller import SampledProbes as SampledProbes
from trainwell.probes.gradients import Gradients as Gradients
from trainwell.probes.inputs import Inputs as Inputs
from trainwell.probes.memory import Memory as Memory
from trainwell.probes.memory import process_bytes as process_bytes
from trainwell.probes.outputs import Outputs as Outputs
from trainwell.probes.sizes import norms as norms
from trainwell.probes.time import Time as Time
from trainwell.probes.updates import Updates as Updates
from trainwell.probes.weights import Weights as Weights
