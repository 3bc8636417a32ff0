"""The same probes and rules on a loop that is not ours: a script, a notebook, somebody else's trainer.

Imports go from top to bottom:

    run ranks watcher      a script, the processes it spawns, a `with` block around a loop of one's own
    session                watches the trainings of a process from start to end
    observer               turns what the hooks report into samples, measurements and records
    hooks/                 global hooks and wrapped functions of PyTorch
    evaluations/           the evaluations between the steps of a training, and their examples
    trainings/             the trainings of a process: steps, samples, records
    autograd/              what the autograd graph of a loss tells
    code/                  source lines and names in the user's files

`script` runs a file as `python file` would, and knows nothing of watching.
"""

from trainwell.monitor.code.source_lines import user_frames as user_frames
from trainwell.monitor.run import Watched as Watched
from trainwell.monitor.run import run_watched as run_watched
from trainwell.monitor.session import Session as Session
from trainwell.monitor.trainings.record import Record as Record
from trainwell.monitor.watcher import Watcher as Watcher
from trainwell.monitor.watcher import watch as watch
