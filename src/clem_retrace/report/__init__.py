"""Runs as a report for a lab book or a supplement: one HTML file with all there is to know.

`writing.write_report` writes it, `writing.report_steps` is the generator behind it;
`reported.ReportedRun` is a run with its images, for those who have them at hand. Nothing is
imported here: the gallery of a batch takes its `markup`, and the pictures bring scipy along.
"""
