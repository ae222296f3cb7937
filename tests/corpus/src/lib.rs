//! Records as vendors send them, with invented content, and beside each the event it becomes: `tests/`.
