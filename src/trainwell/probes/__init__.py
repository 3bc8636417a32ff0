"""What is measured at a moment of training, and when: within an overhead budget."""

from trainwell.probes.activations import Activations as Activations
from trainwell.probes.catalogue import CHEAP as CHEAP
from trainwell.probes.catalogue import DEAR as DEAR
from trainwell.probes.catalogue import standard_watch as standard_watch
from trainwell.probes.controller import Watch as Watch
from trainwell.probes.gradients import Gradients as Gradients
from trainwell.probes.inputs import Inputs as Inputs
from trainwell.probes.memory import Memory as Memory
from trainwell.probes.memory import process_bytes as process_bytes
from trainwell.probes.outputs import Outputs as Outputs
from trainwell.probes.sizes import norms as norms
from trainwell.probes.time import Time as Time
from trainwell.probes.updates import Updates as Updates
from trainwell.probes.weights import Weights as Weights
