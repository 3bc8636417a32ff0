"""What can be seen in the data before anything is trained: `audit` in a second, `examine` in a minute."""

from trainwell.data.audit.labels import Suspect as Suspect
from trainwell.data.audit.near_duplicates import Pair as Pair
from trainwell.data.audit.quick import audit as audit
from trainwell.data.audit.thorough import Audit as Audit
from trainwell.data.audit.thorough import examine as examine
