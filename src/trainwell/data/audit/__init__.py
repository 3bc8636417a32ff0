"""Audits of the data before training: `audit` takes a second, `examine` a minute."""

from trainwell.data.audit.labels import Suspect as Suspect
from trainwell.data.audit.near_duplicates import Pair as Pair
from trainwell.data.audit.quick import audit as audit
from trainwell.data.audit.thorough import Audit as Audit
from trainwell.data.audit.thorough import examine as examine
