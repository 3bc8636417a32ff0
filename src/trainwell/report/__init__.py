"""What a person reads of a run: figures, page, text. No torch."""

from trainwell.report.audit import audit_text as audit_text
from trainwell.report.audit import write_audit as write_audit
from trainwell.report.batch import write_batch as write_batch
from trainwell.report.page import policy as policy
from trainwell.report.page import render as render
from trainwell.report.page import write_report as write_report
from trainwell.report.progress import LiveDisplay as LiveDisplay
from trainwell.report.snapshot import Snapshot as Snapshot
from trainwell.report.snapshot import snapshot as snapshot
from trainwell.report.text import findings_text as findings_text
from trainwell.report.text import summary as summary
from trainwell.report.verdict import Verdict as Verdict
from trainwell.report.verdict import verdict as verdict
