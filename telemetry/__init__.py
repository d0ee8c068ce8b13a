"""Records in; store, metrics, alarms and pages out."""
