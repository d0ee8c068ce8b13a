"""Reports and worksheets: made from the ledger, kept with revisions, in three languages."""
