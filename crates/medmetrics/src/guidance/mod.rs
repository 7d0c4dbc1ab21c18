//! Which measures suit a task, and which are misused (Metrics Reloaded).
