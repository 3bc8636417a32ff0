"""Examples: readers, splits, preparation, augmentation, batches.

What needs torch (`trainwell.data.batches`, `trainwell.data.augment`) is imported from its own module, so that
reading, splitting and preparing start fast.
"""

from trainwell.data.audit import Audit as Audit
from trainwell.data.audit import audit as audit
from trainwell.data.audit import examine as examine
from trainwell.data.examples import Examples as Examples
from trainwell.data.kinds import KINDS as KINDS
from trainwell.data.kinds import Kind as Kind
from trainwell.data.kinds import View as View
from trainwell.data.prepare import Preparation as Preparation
from trainwell.data.sources import BUNDLED as BUNDLED
from trainwell.data.sources import from_arrays as from_arrays
from trainwell.data.sources import read as read
from trainwell.data.sources import usual_settings as usual_settings
from trainwell.data.sources.images import read_image as read_image
from trainwell.data.sources.unlabelled import read_inputs as read_inputs
from trainwell.data.splits import Splits as Splits
from trainwell.data.splits import split as split
from trainwell.data.values.table import Table as Table
