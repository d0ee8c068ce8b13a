"""Model lifecycle: item library, data sets, training, export, evaluation. Training needs torch."""
