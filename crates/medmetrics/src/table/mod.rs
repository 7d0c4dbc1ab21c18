//! Results as CSV, JSON and Markdown.
