"""Heart cycles offline: emission and durations fitted, cross-validated, compared and shipped."""
