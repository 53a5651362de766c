//! Who owns which field: server-side apply and the bookkeeping of every other write.

pub mod fields;
pub mod managed;
pub mod walk;
