//! One suite against two API servers: the practice cluster and the real one, so that the first cannot drift.

mod by_hand;
