"""The demo: real orders go through the running application, and every one of them is accounted for.

The one place in the tool that knows this application; it finds everything by the template's Outputs, and nothing
else imports it. Its parts, in the order in which a run passes them: ``orders`` (the invoices of a CSV file),
``expectation`` (what must become of each), ``sender`` (posts them), ``observer`` and ``observation`` (what the
cloud holds in the end), ``accounting`` (the one against the other), ``report`` (what a person or a program
reads), held together by ``session``.
"""
