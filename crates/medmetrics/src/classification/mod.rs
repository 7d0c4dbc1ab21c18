//! Labels and scores against labels: confusion matrices, ROC and precision-recall curves.
