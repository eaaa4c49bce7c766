"""Runs as a report for a lab book or a supplement: one HTML file with all there is to know.

`write_report` writes it, `report_steps` is the generator behind it; `ReportedRun` is a run
with its images, for those who have them at hand.
"""

from clem_retrace.report.reported import ReportedRun
from clem_retrace.report.writing import report_steps, write_report

__all__ = ["ReportedRun", "report_steps", "write_report"]
