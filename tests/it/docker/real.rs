//! The kit's real engine.
