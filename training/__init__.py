"""Everything offline: data, fitting, evaluation and export of models; ``apexbeat-train``.

Uses the monitor's own signal path, so that training and monitoring see the same windows. The
monitor never imports it.
"""
